"""The torture of the `sendgrid` transport: `python -m tests.sendgrid_torture --people 100000`.

A campaign goes to the fake provider, which misbehaves now and then. Meanwhile its sender is
killed again and again. At the end the ledger is held against what the provider delivered.
"""

import argparse
import json
import os
import random
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

from tests.fake_sendgrid import FakeSendgrid, Rule
from tests.mailroom import ledger, statuses
from tests.office import Office
from tests.sendgrid_office import TO_SENDGRID, frozen_for_sendgrid, way_to_sendgrid

MOODS = (
    Rule("send", "429", chance=0.03),
    Rule("send", "429-bare", chance=0.03),
    Rule("send", "413", chance=0.02),
    Rule("send", "drop-unread", chance=0.02),
)
"""None of them leaves anybody in doubt, but for the last, and that seldom."""

_HOUR = 3_600.0
_CHANGING_ITS_MIND = 0.6
"""Seconds after a sign of life within which the sender is killed."""


@dataclass
class Report:
    """What was done to the campaign, and what the ledger says against the truth."""

    people: int
    batch: int
    staged: bool
    kills: int = 0
    seconds: float = 0.0
    statuses: dict[str, int] = field(default_factory=dict)
    duplicates: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    wrongly_sent: list[str] = field(default_factory=list)
    requests: int = 0
    broken_off: int = 0

    @property
    def doubtful(self) -> int:
        """How many are in doubt."""
        return self.statuses.get("in_doubt", 0)

    @property
    def passed(self) -> bool:
        """Nobody skipped, nobody twice; in doubt at most one request a kill, staged nobody."""
        allowed = 0 if self.staged else (self.kills + self.broken_off) * self.batch
        return (
            not (self.duplicates or self.lost or self.wrongly_sent)
            and sum(self.statuses.values()) == self.people
            and set(self.statuses) <= {"sent", "in_doubt"}
            and self.doubtful <= allowed
        )


def torture(
    folder: Path, *, people: int, kills: int, batch: int, staged: bool, seed: int = 6
) -> Report:
    """Send one campaign under torture in a project made in `folder`, and judge its ledger."""
    chance = random.Random(seed)  # noqa: S311 - moments, not secrets
    office = frozen_for_sendgrid(folder, people)
    report = Report(people, batch, staged)
    began = time.monotonic()
    moods = MOODS[:-1] if staged else MOODS
    with FakeSendgrid(moods, window=1.0, latency=0.03, seed=seed, keep=False) as server:
        settings = way_to_sendgrid(
            server, send__staged=staged, sendgrid__batch=batch, sendgrid__timeout=30
        )
        while report.kills < kills and not _one_life(office, settings, server, chance, report):
            pass
        with sender(office, settings) as child:
            _, status = os.waitpid(child, 0)
        assert os.waitstatus_to_exitcode(status) in {0, 1}
        server.jump(_HOUR)
        taken = server.recipients()
        report.requests = server.moods.seen["send"]
        report.broken_off = server.broken_off
    report.seconds = time.monotonic() - began
    rows = ledger(office)
    report.statuses = dict(statuses(office))
    report.duplicates = sorted(email for email, times in taken.items() if times > 1)
    report.lost = sorted(
        email for email, row in rows.items() if not taken[email] and row.status == "sent"
    )
    report.wrongly_sent = sorted(
        email
        for email, row in rows.items()
        if taken[email] and row.status not in {"sent", "in_doubt"}
    )
    return report


@contextmanager
def sender(office: Office, settings: dict[str, str]) -> Iterator[int]:
    """`newsletter send` in a process of its own, its number: a copy of this one, which is quick."""
    child = os.fork()
    if not child:
        code = 70
        try:
            result = office.run(*TO_SENDGRID, "--json", **settings)
            code = result.code
            if code not in {0, 1}:
                sys.stderr.write(result.out + result.err)
        finally:
            os._exit(code)
    yield child


def _one_life(
    office: Office,
    settings: dict[str, str],
    server: FakeSendgrid,
    chance: random.Random,
    report: Report,
) -> bool:
    """Start a sender, and kill it once it is at work; True where all was settled before that."""
    before = server.moods.seen.total()
    with sender(office, settings) as child:
        end = time.monotonic() + chance.uniform(0.0, _CHANGING_ITS_MIND)
        while time.monotonic() < end or server.moods.seen.total() == before:
            found, _ = os.waitpid(child, os.WNOHANG)
            if found:
                return not set(statuses(office)) & {"pending", "sending", "deferred"}
            if server.moods.seen.total() == before:
                end = time.monotonic() + chance.uniform(0.0, _CHANGING_ITS_MIND)
            time.sleep(0.002)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        report.kills += 1
    return False


def main() -> None:
    """Run it and print what came of it; exit code 1 where the ledger was wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.sendgrid_torture", description=__doc__)
    parser.add_argument("--people", type=int, default=20_000)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--batch", type=int, default=250, help="people in a request")
    parser.add_argument("--staged", action="store_true", help="at most 9 kills: see README")
    parser.add_argument("--seed", type=int, default=6)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="torture-") as folder:
        report = torture(
            Path(folder),
            people=chosen.people,
            kills=chosen.kills,
            batch=chosen.batch,
            staged=chosen.staged,
            seed=chosen.seed,
        )
    sys.stdout.write(json.dumps(asdict(report), indent=2) + "\n")
    sys.stdout.write("passed\n" if report.passed else "FAILED\n")
    sys.exit(not report.passed)


if __name__ == "__main__":
    main()
