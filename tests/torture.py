"""The torture of the ledger: `make torture`, or `python -m tests.torture --people 100000`.

A campaign is sent over SMTP to a server that writes down the truth before each of its
replies. Meanwhile its sender is killed again and again, stopped past its lease, robbed of
its batches, paused and resumed. At the end the ledger is held against the truth.
"""

import argparse
import datetime as dt
import json
import os
import random
import signal
import sqlite3
import sys
import tempfile
import time
from collections import Counter
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, field
from pathlib import Path

from sqlalchemy import select, update

from newsletter_mailer.sending import batches
from newsletter_mailer.sending.rules import wall_clock
from newsletter_mailer.store.engine import reading, writing
from newsletter_mailer.store.tables import batch, campaign, delivery
from tests.fake_smtp import relay
from tests.forked import Forked, fork
from tests.office import Office
from tests.projects import copied_project
from tests.under_way import store

ROOT = Path(__file__).parent.parent
CONNECTIONS = 10
LEASE = 2.0
RATE = "NEWSLETTER_SEND__PER_SECOND"
RULES = (
    "message:0.002:451 4.3.0 Try again",
    "rcpt:0.002:450 4.2.1 Busy",
    "mail:0.001:421 4.3.2 Closing",
    "data:0.001:drop",
    "connect:0.02:421 4.3.2 Too many",
)
"""The server's own moods; none of them leaves anybody in doubt."""

_LONGEST = 1_800.0
_SHOWN = 10
_A_WHILE = dt.timedelta(seconds=1)


@dataclass
class Report:
    """What was done to the campaign, and what the ledger says against the truth."""

    people: int
    kills: int = 0
    stops: int = 0
    robberies: int = 0
    pauses: int = 0
    seconds: float = 0.0
    statuses: dict[str, int] = field(default_factory=dict)
    duplicates: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    wrongly_sent: list[str] = field(default_factory=list)
    doubtful: int = 0
    doubtful_in_truth: int = 0
    campaign: str = ""
    at_once: int = CONNECTIONS

    @property
    def passed(self) -> bool:
        """Whether nobody was skipped, nobody got it twice, and little is in doubt."""
        return (
            not (self.duplicates or self.lost or self.wrongly_sent)
            and self.campaign == "done"
            and sum(self.statuses.values()) == self.people
            and not set(self.statuses) & {"pending", "sending", "deferred"}
            and self.doubtful <= self.kills * self.at_once
        )


def torture(folder: Path, *, people: int, kills: int, seed: int, rate: int) -> Report:
    """Send one campaign under torture in a project made in `folder`, and judge its ledger."""
    chance = random.Random(seed)  # noqa: S311 - moments, not secrets
    office = torture_office(folder)
    office.subscribe(people)
    truth = folder / "truth.jsonl"
    report = Report(people)
    began = time.monotonic()
    with server(truth, seed) as port:
        slowly = environment(port, rate)
        # Once nobody is killed any more, there is nothing that it has to last for.
        quickly = {name: slowly[name] for name in slowly.keys() - {RATE}}
        while time.monotonic() - began < _LONGEST:
            more = report.kills < kills
            settings = slowly if more else quickly
            if _one_life(office, settings, truth, chance, report, kill=more):
                break
    report.seconds = time.monotonic() - began
    judge(office, taken_by(truth), report)
    return report


def torture_office(folder: Path) -> Office:
    """A copy of the shipped project."""
    return Office(copied_project(folder / "project"))


def environment(port: int, rate: int) -> dict[str, str]:
    """The settings with which letters go to the server, at most so many a second."""
    return {
        "NEWSLETTER_TRANSPORT": "smtp",
        "NEWSLETTER_SMTP_URL": f"smtp://127.0.0.1:{port}",
        "NEWSLETTER_SMTP__CONNECTIONS": str(CONNECTIONS),
        "NEWSLETTER_SEND__LEASE": str(LEASE),
        RATE: str(rate),
        "NEWSLETTER_SEND__RETRY_AFTER": "0.5",
        "NEWSLETTER_SEND__PATIENCE": "120",
        "NEWSLETTER_LINKS__CHECK": "false",
    }


def server(truth: Path, seed: int) -> AbstractContextManager[int]:
    """The mail server, in a process of its own; its port."""
    rules = [word for rule in RULES for word in ("--rule", rule)]
    return relay(truth, "--seed", str(seed), *rules)


def _one_life(
    office: Office,
    environment: dict[str, str],
    truth: Path,
    chance: random.Random,
    report: Report,
    *,
    kill: bool,
) -> bool:
    """Start the sender, and do something to it once it sends; True when it has ended well."""
    before, pauses = _size(truth), report.pauses
    words = ("send", "6", "--yes", "--json", "--accept-unknown", "all")
    with fork(office, *words, **environment) as process:
        while process.poll() is None and _size(truth) == before and kill:
            time.sleep(0.002)
        if process.poll() is None and kill:
            time.sleep(chance.uniform(0.0, 0.6))
            _something(office, process, chance, report)
        said = process.communicate(_LONGEST)
        code = process.wait(0)
    if code < 0 or _state(office) == "done":
        return code >= 0
    if report.pauses > pauses:
        return False
    raise AssertionError((code, said))


def _something(office: Office, process: Forked, chance: random.Random, report: Report) -> None:
    """Kill the sender, mostly; or stop, rob or pause it first."""
    whim = chance.random()
    if whim < 0.1:
        report.stops += 1
        process.send_signal(signal.SIGSTOP)
        time.sleep(LEASE * 1.3)
        if chance.random() < 0.5:
            rob(office, report)
        process.send_signal(signal.SIGCONT)
        time.sleep(chance.uniform(0.0, 0.5))
    elif whim < 0.25:
        rob(office, report)
        time.sleep(chance.uniform(0.0, 0.5))
    elif whim < 0.35:
        report.pauses += 1
        office.run("pause", "6")
        process.wait(60)
        office.ok("resume", "6")
        return
    if process.poll() is None:
        process.send_signal(signal.SIGKILL)
        report.kills += 1


def rob(office: Office, report: Report) -> None:
    """Let every lease run out, and have somebody else take the next batch, who dies at once."""
    with store(office) as engine, writing(engine) as connection:
        now = wall_clock()
        connection.execute(
            update(batch).where(batch.c.state == "running").values(lease_until=now - _A_WHILE)
        )
        batches.take(connection, 1, "a-robber", now, _A_WHILE)
    report.robberies += 1


def taken_by(truth: Path) -> Counter[str]:
    """How often the server took a message for each address."""
    lines = truth.read_text(encoding="utf-8").splitlines()
    return Counter(json.loads(line)["recipient"] for line in lines)


def judge(office: Office, taken: Counter[str], report: Report) -> None:
    """Hold the ledger against what the server took."""
    with store(office) as engine, reading(engine) as connection:
        rows = connection.execute(select(delivery.c.email, delivery.c.status)).all()
        report.campaign = connection.execute(select(campaign.c.state)).scalar_one()
    report.statuses = dict(Counter(status for _, status in rows))
    report.duplicates = sorted(address for address, times in taken.items() if times > 1)
    report.lost = sorted(
        email
        for email, status in rows
        if not taken[email] and status not in {"failed", "suppressed", "in_doubt"}
    )
    report.wrongly_sent = sorted(
        email for email, status in rows if taken[email] and status not in {"sent", "in_doubt"}
    )
    report.doubtful = report.statuses.get("in_doubt", 0)
    report.doubtful_in_truth = sum(taken[email] for email, status in rows if status == "in_doubt")


def shown(report: Report) -> str:
    """A report in JSON; of long lists the beginning, and how many more there are."""
    found = asdict(report)
    for name, value in found.items():
        if isinstance(value, list) and len(value) > _SHOWN:
            found[name] = [*value[:_SHOWN], f"and {len(value) - _SHOWN:,} more"]
    return json.dumps(found, indent=2)


def _state(office: Office) -> str:
    with sqlite3.connect(office.folder / "var" / "newsletter.db") as connection:
        state: str = connection.execute("SELECT state FROM campaign").fetchone()[0]
    connection.close()
    return state


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def main() -> None:
    """Run it and print what came of it; exit code 1 where the ledger was wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.torture", description=__doc__)
    parser.add_argument("--people", type=int, default=10_000)
    parser.add_argument("--kills", type=int, default=35)
    parser.add_argument("--rate", type=int, help="letters a second; by default so that it lasts")
    parser.add_argument("--seed", type=int, default=6)
    chosen = parser.parse_args()
    os.environ.pop("NEWSLETTER_DATABASE_URL", None)
    with tempfile.TemporaryDirectory(prefix="torture-") as folder:
        rate = chosen.rate or max(200, chosen.people // 40)
        report = torture(
            Path(folder), people=chosen.people, kills=chosen.kills, seed=chosen.seed, rate=rate
        )
    sys.stdout.write(shown(report) + "\n")
    sys.stdout.write("passed\n" if report.passed else "FAILED\n")
    sys.exit(not report.passed)


if __name__ == "__main__":
    main()
