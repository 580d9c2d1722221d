"""Workers under torture: who is at work, and what did not end as it should."""

import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from tests.office import Office
from tests.torture import LEASE, Report

_SETTLING = 60.0
_A_LOOK = 0.1


class Overdue(BaseException):
    """The run has not come to its end within its time. Nothing on the way may take it for less."""


@dataclass
class Tally(Report):
    """And what was done to the workers and their database, and what did not end as it should."""

    restarts: int = 0
    stale: int = 0
    reapers: int = 0
    by_themselves: list[int] = field(default_factory=list)
    """The codes of workers that ended though nobody asked them to. They may: another is started."""

    trouble: list[str] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        """And whether every worker ended well when it was told to."""
        return super().passed and not self.trouble


@dataclass
class Crew:
    """The workers at work, each replaced as soon as it has ended, as systemd would."""

    office: Office
    size: int
    log: Path
    report: Tally
    alive: list[subprocess.Popen[str]] = field(default_factory=list)

    def muster(self) -> None:
        """Start as many as are missing."""
        for process in [each for each in self.alive if each.poll() is not None]:
            self.alive.remove(process)
            if process.returncode != -signal.SIGKILL:
                self.report.by_themselves.append(process.returncode)
        while len(self.alive) < self.size:
            with self.log.open("a", encoding="utf-8") as file:
                self.alive.append(self.office.start_into(file, "worker"))

    def relieve(self) -> None:
        """Tell all of them to stop; others take their places."""
        for process in self.alive:
            process.terminate()

    def settle_in(self) -> None:
        """Wait until each has begun its work: it settles first what the dead have left."""
        if not _within(_SETTLING, self._at_work):
            self.report.trouble.append("not every worker began its work")
        time.sleep(LEASE * 2)

    def dismiss(self) -> None:
        """Stop them all, and see them end."""
        self.muster()
        self.settle_in()
        for process in self.alive:
            process.terminate()
        for process in self.alive:
            if not _within(_SETTLING, partial(_ended, process)):
                self.report.trouble.append(f"worker {process.pid} did not end when it was told to")
            elif process.returncode:
                self.report.trouble.append(f"worker {process.pid} ended with {process.returncode}")

    def end(self) -> None:
        """Leave none of them behind, whatever happened."""
        for process in self.alive:
            process.kill()
            process.wait()

    def _at_work(self) -> bool:
        self.muster()
        said = self.log.read_text(encoding="utf-8")
        return all(f"Worker {each.pid} at" in said for each in self.alive)


@contextmanager
def no_longer_than(seconds: int) -> Iterator[None]:
    """Break off what is in the block after so many seconds, wherever it is.

    Raises:
        Overdue: there.
    """

    def break_off(_number: int, _frame: object) -> None:
        raise Overdue

    before = signal.signal(signal.SIGALRM, break_off)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def _ended(process: subprocess.Popen[str]) -> bool:
    return process.poll() is not None


def _within(seconds: float, happened: Callable[[], bool]) -> bool:
    """Whether it happens in so many seconds of ours: none pass while the whole machine stands."""
    for _ in range(round(seconds / _A_LOOK)):
        if happened():
            return True
        time.sleep(_A_LOOK)
    return happened()
