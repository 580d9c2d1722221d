"""SendGrid: a campaign from the database to the provider's answers, beside a bare client.

The provider is the local fake in a process of its own, its checks off: it reads each request,
parses it, and counts whom it has. The bare client posts bodies that were prepared before,
through the same package, one request at a time: once as dicts, which is how the package is
meant to be used, and once as JSON text, which spares it the encoding. The program does the same
by default, since a request is what may be in doubt; it may also have several under way.

As a program: `python -m benchmarks.sendgrid --people 1000000 --rounds 1`.
"""

import argparse
import json
import tempfile
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from shutil import copytree, rmtree
from statistics import median
from subprocess import PIPE, Popen
from sys import executable

from benchmarks.mailing import add_people, freeze_issue, in_child, make_project, settings_of
from benchmarks.report import ROOT, table
from newsletter_mailer.sending.campaign import all_campaigns
from newsletter_mailer.sending.ledger import Delivery
from newsletter_mailer.sending.letters import Letters
from newsletter_mailer.sending.personal_links import PersonalLinks
from newsletter_mailer.sending.rules import wall_clock
from newsletter_mailer.sending.transports.sendgrid.mailing import mailing_of
from newsletter_mailer.sending.transports.sendgrid.merging import Variant
from newsletter_mailer.settings import Settings
from newsletter_mailer.signing_key import signing_key
from newsletter_mailer.store.engine import open_store, reading
from newsletter_mailer.store.tables import delivery

PEOPLE = 100_000
ROUNDS = 3
BATCH = 1_000
LATENCY = 0.1
"""Seconds that a request takes where the provider is not on this machine."""

CONNECTIONS = 4
"""Requests that the program has under way at a time, where it may have several."""

_BODIES = 10
"""Different bodies that the bare client posts in turn."""


def measure(people: int = PEOPLE, rounds: int = ROUNDS) -> None:
    """Run all rounds in turn, and print them."""
    state = ROOT / "var"
    state.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="bench-sendgrid-", dir=state) as name:
        frozen, bodies = Path(name) / "frozen", Path(name) / "bodies.json"
        frozen.mkdir()
        _freeze(frozen, people, bodies)
        for latency in (0.0, LATENCY):
            ours: list[dict[str, float]] = []
            several: list[dict[str, float]] = []
            dicts: list[dict[str, float]] = []
            texts: list[dict[str, float]] = []
            for _ in range(rounds):
                for connections, mine in ((1, ours), (CONNECTIONS, several)):
                    mine.append(_round(partial(_send, frozen, connections), people, latency))
                for kind, into in (("dicts", dicts), ("texts", texts)):
                    words = (str(bodies), str(people), kind)
                    into.append(_round(_bare(words), people, latency))
            _print(people, latency, ours, several, dicts, texts)


def _freeze(folder: Path, people: int, bodies: Path) -> None:
    make_project(folder)
    settings = settings_of(folder)
    settings = settings.model_copy(
        update={
            "transport": "sendgrid",
            "send": settings.send.model_copy(update={"batch_size": BATCH}),
        }
    )
    engine = open_store(settings)
    add_people(engine, settings, people)
    freeze_issue(engine, settings)
    bodies.write_text(json.dumps(_prepared(settings)), encoding="ascii")
    engine.dispose()


def _prepared(settings: Settings) -> list[str]:
    """Bodies of a thousand people each, as the program itself would post them."""
    engine = open_store(settings)
    links = PersonalLinks(settings.base_url, signing_key(settings))
    made = []
    with reading(engine) as connection:
        (campaign,) = all_campaigns(connection)
        letters = Letters(connection, campaign, settings, links)
        mailing = mailing_of(connection, campaign, settings)
        now = wall_clock()
        for number in range(1, _BODIES + 1):
            rows = connection.execute(delivery.select().where(delivery.c.batch == number)).all()
            variant = Variant(mailing, rows[0].variant, {})
            own = [
                variant.personalization(letters.of(each, now))
                for r in rows
                for each in [Delivery(r.subscriber_id, r.variant, r.email, r.name, r.agency, 1)]
                if r.variant == rows[0].variant
            ]
            people = b",".join(one for one in own if one)
            made.append((variant.head + people + variant.tail).decode("ascii"))
    engine.dispose()
    return made


def _send(frozen: Path, connections: int, port: int) -> dict[str, float]:
    copy = frozen.with_name("copy")
    copytree(frozen, copy)
    extra = {
        "NEWSLETTER_TRANSPORT": "sendgrid",
        "NEWSLETTER_SENDGRID_HOST": f"http://127.0.0.1:{port}",
        "NEWSLETTER_SENDGRID_API_KEY": "SG.fake",
        "NEWSLETTER_SENDGRID__CONNECTIONS": str(connections),
        "NEWSLETTER_SECRET_KEY": "only for benchmarks, and nobody's secret",
        "NEWSLETTER_SEND__IMAGES": "hosted",
        "NEWSLETTER_LINKS__CHECK": "false",
    }
    try:
        return in_child("send_once", str(copy), extra=extra)
    finally:
        rmtree(copy)


def _bare(words: tuple[str, ...]) -> Callable[[int], dict[str, float]]:
    return lambda port: in_child("sendgrid_bare", str(port), *words, extra={})


def _round(run: Callable[[int], dict[str, float]], people: int, latency: float) -> dict[str, float]:
    with _provider(latency) as port:
        done = run(port)
        url = f"http://127.0.0.1:{port}/_fake/truth"
        with urllib.request.urlopen(url) as answer:
            truth = json.loads(answer.read())
    if truth["delivered"] != done["sent"] or done["sent"] < people:
        raise RuntimeError(f"sent {done['sent']:,} of {people:,}, {truth['delivered']:,} came")
    return done


@contextmanager
def _provider(latency: float) -> Iterator[int]:
    command = [executable, "-m", "tests.fake_sendgrid", "--no-checks", "--quiet"]
    command += ["--latency", str(latency)]
    with Popen(command, stdin=PIPE, stdout=PIPE, text=True, cwd=ROOT) as process:
        if process.stdin is None or process.stdout is None:
            raise RuntimeError("the fake has no pipes")
        try:
            yield int(process.stdout.readline())
        finally:
            process.stdin.close()


def _print(people: int, latency: float, *all_: list[dict[str, float]]) -> None:
    names = (
        "this program, a request at a time",
        f"this program, {CONNECTIONS} at a time",
        "a bare client, dicts",
        "a bare client, JSON text",
    )
    rates = [[each["sent"] / each["seconds"] for each in rounds] for rounds in all_]
    where = f"{latency * 1_000:.0f} ms a request" if latency else "no latency"
    table(
        f"SendGrid, {people:,} people, {BATCH:,} a request, {where}, {len(rates[0])} rounds",
        ("sender", "people a second", "the first : it", "megabytes"),
        [
            (
                name,
                f"{median(each):,.0f}",
                f"{median(a / b for a, b in zip(rates[0], each, strict=True)):.2f}",
                f"{max(one['megabytes'] for one in rounds):,.0f}",
            )
            for name, each, rounds in zip(names, rates, all_, strict=True)
        ],
    )


def main() -> None:
    """Measure as asked."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.sendgrid", description=__doc__)
    parser.add_argument("--people", type=int, default=PEOPLE)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    chosen = parser.parse_args()
    measure(chosen.people, chosen.rounds)


if __name__ == "__main__":
    main()
