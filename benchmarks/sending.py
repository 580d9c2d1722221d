"""Sending: a campaign from the database to the last reply, beside other senders.

All senders are measured once a round, one after the other, against a sink of their own each
time, which says how many messages came whole and how large they were.
"""

import statistics
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from shutil import copytree, rmtree
from subprocess import CalledProcessError

from benchmarks.mailing import environment, in_child, make_frozen, settings_of, sink
from benchmarks.node_tools import NODEMAILER, NodeError
from benchmarks.peers import (
    DJANGO,
    PeerError,
    django_newsletter,
    nodemailer,
    smtp_source,
    write_mails,
)
from benchmarks.report import ROOT, ratios, table
from newsletter_mailer.sending.campaign import all_campaigns
from newsletter_mailer.sending.letters import Letters
from newsletter_mailer.sending.personal_links import PersonalLinks
from newsletter_mailer.signing_key import signing_key
from newsletter_mailer.store.engine import open_store, reading

ROUNDS = 5
CONNECTIONS = 10
PEOPLE = 10_000
PEOPLE_OF_PEERS = 500
"""For nodemailer and django-newsletter, which are slower by far."""

DELAY = 0.02
SLOW_CONNECTIONS = 50
SLOW_PEOPLE = 50_000
"""So many that opening the connections, a third of a second, hardly counts."""

SLOW_IDEAL = DELAY / SLOW_CONNECTIONS
"""Seconds a message, at the least: one round trip each, on all connections at once."""


@dataclass(slots=True)
class Sender:
    """One sender: how a round of it is run at a port, and each round's seconds a message."""

    name: str
    run: Callable[[int], dict[str, float]]
    delay: float = 0.0
    seconds: list[float] = field(default_factory=list)
    size: float = 0.0
    why_not: str = ""

    def round(self) -> None:
        """Measure once. What cannot be measured here says so, and is left out from then on."""
        if self.why_not:
            return
        counted: dict[str, int] = {}
        try:
            with sink(counted, self.delay) as port:
                done = self.run(port)
        except (PeerError, NodeError) as error:
            self.why_not = str(error)
            return
        except CalledProcessError as error:
            self.why_not = f"it ended with exit code {error.returncode}; it says why above"
            return
        if counted["messages"] != done["sent"]:
            raise RuntimeError(f"{self.name} sent {done['sent']}, {counted['messages']} came")
        self.seconds.append(done["seconds"] / done["sent"])
        self.size = counted["bytes"] / counted["messages"]


def measure() -> None:
    """Run all rounds, and print them."""
    state = ROOT / "var"
    state.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="bench-sending-", dir=state) as name:
        folder = Path(name)
        frozen, slow = folder / "frozen", folder / "slow"
        for place, people in ((frozen, PEOPLE), (slow, SLOW_PEOPLE)):
            place.mkdir()
            make_frozen(place, people)
        mails, message = folder / "mails.json", folder / "message"
        _write(frozen, mails, message)
        ours = Sender("this program", lambda port: _send(frozen, port, CONNECTIONS))
        source = Sender(
            "Postfix's smtp-source", lambda port: smtp_source(message, PEOPLE, CONNECTIONS, port)
        )
        node = Sender("nodemailer's pool", lambda port: nodemailer(mails, CONNECTIONS, port))
        django = Sender("django-newsletter", lambda port: django_newsletter(mails, port))
        patient = Sender("a slow relay", lambda port: _send(slow, port, SLOW_CONNECTIONS), DELAY)
        for _ in range(ROUNDS):
            for sender in (ours, source, node, django, patient):
                sender.round()
    _print(ours, [source, node, django])
    _print_slow(patient)


def _send(frozen: Path, port: int, connections: int) -> dict[str, float]:
    """Send the frozen campaign from a copy of its project, in a new process."""
    copy = frozen.with_name("copy")
    copytree(frozen, copy)
    try:
        return in_child("send_once", str(copy), extra=environment(port, connections))
    finally:
        rmtree(copy)


def _write(frozen: Path, mails: Path, message: Path) -> None:
    settings = settings_of(frozen)
    links = PersonalLinks(settings.base_url, signing_key(settings))
    engine = open_store(settings)
    try:
        with reading(engine) as connection:
            (campaign,) = all_campaigns(connection)
            letters = Letters(connection, campaign, settings, links)
            content = write_mails(connection, campaign, letters, PEOPLE_OF_PEERS, mails)
    finally:
        engine.dispose()
    message.write_bytes(content.replace(b"\r\n", b"\n"))  # smtp-source ends lines by itself


def _print(ours: Sender, peers: list[Sender]) -> None:
    versions = {**NODEMAILER, **DJANGO}
    for peer in peers:
        if peer.why_not:
            print(f"Left out {peer.name}: {peer.why_not}.")
    measured = [peer for peer in peers if not peer.why_not]
    table(
        f"Personalised mail, {CONNECTIONS} connections, {ROUNDS} interleaved rounds "
        f"({', '.join(' '.join(each) for each in versions.items())})",
        ("ratio: how many times as long a message takes", "median", "lowest", "highest"),
        [(f"{peer.name} : this program", *ratios(peer.seconds, ours.seconds)) for peer in measured],
    )
    table(
        "The times behind them",
        ("sender", "messages", "bytes each", "microseconds each", "a second"),
        [
            _row(sender, PEOPLE if at < 2 else PEOPLE_OF_PEERS)  # noqa: PLR2004 - see `PEOPLE_OF_PEERS`
            for at, sender in enumerate([ours, *peers])
            if not sender.why_not
        ],
    )


def _row(sender: Sender, messages: int) -> tuple[str, ...]:
    median = statistics.median(sender.seconds)
    return (
        sender.name,
        f"{messages:,}",
        f"{sender.size:,.0f}",
        f"{median * 1e6:,.0f}",
        f"{1 / median:,.0f}",
    )


def _print_slow(patient: Sender) -> None:
    table(
        f"A relay that answers after {DELAY * 1000:.0f} ms, {SLOW_CONNECTIONS} connections, "
        f"{SLOW_PEOPLE:,} messages: at most {1 / SLOW_IDEAL:,.0f} a second",
        ("share of what is possible", "median", "lowest", "highest"),
        [("this program", *_shares(patient.seconds))],
    )


def _shares(seconds: list[float]) -> tuple[str, str, str]:
    shares = [SLOW_IDEAL / each for each in seconds]
    return (
        f"{statistics.median(shares):.2f}",
        f"{min(shares):.2f}",
        f"{max(shares):.2f}",
    )
