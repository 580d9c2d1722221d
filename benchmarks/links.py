"""Looking at 200 links over 50 hosts that take 100 ms for each answer, beside npm's linkinator.

The ideal, counted on paper: a page can be judged by one request, so that 200 links take
200 requests. At most 20 are under way at a time, which makes 200 / 20 = 10 turns of 100 ms:
1.0 seconds. Two at a time a host bind less: 4 / 2 turns of 100 ms are 0.2 seconds.

The links are pages, which is the dear case: documents need one HEAD. Pages are asked for
with GET at once, since their words must be read; HEAD and then GET would make the ideal
400 requests and 2.0 seconds. linkinator sends HEAD only and reads nothing.

linkinator as it comes sends more than a hundred requests at a time, and to one host as many
as there are links. No program that keeps the limits above can be as quick: it would need less than
the ideal. So linkinator is measured twice, as it comes and held to the same limits.

Rounds are interleaved, and each measures both programs in a new process, as people run them.
"""

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import perf_counter

from benchmarks.link_host import HOSTS, LATENCY, LINKS_A_HOST, links
from benchmarks.node_tools import LINKINATOR, NodeError, linkinator_command
from benchmarks.report import ROOT, ratios, table, times
from newsletter_mailer.checking.links.pacing import AT_ONCE, AT_ONCE_A_HOST

ROUNDS = 7

IDEAL = LATENCY * max(HOSTS * LINKS_A_HOST / AT_ONCE, LINKS_A_HOST / AT_ONCE_A_HOST)
"""Seconds that the limits allow at the least."""


@dataclass(slots=True)
class Rounds:
    """The seconds of each round: of the check alone, and of the whole process."""

    check: list[float] = field(default_factory=list)
    process: list[float] = field(default_factory=list)

    def run(self, command: Sequence[str], listed: str, expected: int) -> None:
        """Run one round; all links must be found good."""
        begin = perf_counter()
        done = subprocess.run(
            command, check=True, input=listed, stdout=subprocess.PIPE, text=True, cwd=ROOT
        )
        self.process.append(perf_counter() - begin)
        answer = json.loads(done.stdout)
        if answer["good"] != expected:
            raise RuntimeError(f"{command[0]} found {answer['good']} of {expected} links good")
        self.check.append(answer["seconds"])


def measure() -> None:
    """Run all rounds, and print them."""
    ours, free, held = Rounds(), Rounds(), Rounds()
    with _hosts() as port:
        listed = links(port)
        own_command = [sys.executable, "-m", "benchmarks.links_once"]
        page = f"http://127.0.0.1:{port}/links"
        commands: list[tuple[Rounds, list[str]]] = []
        try:
            commands = [
                (held, linkinator_command(page, AT_ONCE, AT_ONCE_A_HOST)),
                (free, linkinator_command(page)),
            ]
        except NodeError as error:
            print(f"Left out npm's linkinator: {error}.")
        for _ in range(ROUNDS):
            ours.run(own_command, "\n".join(listed), len(listed))
            for rounds, command in commands:
                rounds.run(command, "", len(listed))
    _print(ours, held, free)


@contextmanager
def _hosts() -> Iterator[int]:
    """The servers in a process of their own; the port at which all of them listen."""
    with subprocess.Popen(
        [sys.executable, "-m", "benchmarks.link_host"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    ) as process:
        if process.stdin is None or process.stdout is None:
            raise RuntimeError("the servers have no pipes")
        try:
            yield int(process.stdout.readline())
        finally:
            process.stdin.close()


def _print(ours: Rounds, held: Rounds, free: Rounds) -> None:
    rows = [("this program : the ideal", *ratios(ours.check, [IDEAL] * ROUNDS))]
    taken = {
        "this program": ours.check,
        "this program, with starting Python": ours.process,
    }
    if held.check:
        rows += [
            ("linkinator, the same limits : this program", *ratios(held.check, ours.check)),
            ("the same, whole processes", *ratios(held.process, ours.process)),
            ("linkinator as it comes : this program", *ratios(free.check, ours.check)),
            ("the same, whole processes", *ratios(free.process, ours.process)),
        ]
        taken |= {
            "linkinator, the same limits": held.check,
            "linkinator, the same limits, with starting node": held.process,
            "linkinator as it comes": free.check,
            "linkinator as it comes, with starting node": free.process,
        }
    head = ("median", "lowest", "highest")
    table(
        f"{HOSTS * LINKS_A_HOST} links over {HOSTS} hosts, {LATENCY * 1000:.0f} ms for each "
        f"answer, {ROUNDS} interleaved rounds",
        ("ratio: how many times as long", *head),
        rows,
    )
    version = "".join(f" (npm's {name} {number})" for name, number in LINKINATOR.items())
    table(
        f"The times behind them; the ideal is {IDEAL:.1f} s{version if held.check else ''}",
        ("time", *head),
        [(name, *times(seconds)) for name, seconds in taken.items()],
    )
