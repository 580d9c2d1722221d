"""Commands in processes of their own that are copies of this one, which spares starting Python.

A copy has loaded all that this process has loaded. Whoever wants to see that a command starts
by itself has `Office.start`.
"""

import os
import signal
import sys
import time
import traceback
from dataclasses import dataclass
from types import TracebackType
from typing import Self, TextIO

from tests.office import Office

_FAULT = 70
"""The exit code where the command raised what it should not (`EX_SOFTWARE` in sysexits.h)."""


@dataclass
class Forked:
    """A process under way; the same words as `subprocess.Popen` has for it.

    What it says waits in pipes, which take 64 KiB each before it has to wait.
    """

    pid: int
    stdout: TextIO
    stderr: TextIO
    returncode: int | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.kill()
        while self.poll() is None:
            time.sleep(0.002)
        self.stdout.close()
        self.stderr.close()

    def poll(self) -> int | None:
        """How it ended: its exit code, or a signal below zero; None while it runs."""
        if self.returncode is None:
            ended, status = os.waitpid(self.pid, os.WNOHANG)
            if ended:
                self.returncode = os.waitstatus_to_exitcode(status)
        return self.returncode

    def send_signal(self, number: signal.Signals) -> None:
        """Send it a signal, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """End it at once, unless it has ended."""
        self.send_signal(signal.SIGKILL)

    def wait(self, timeout: float) -> int:
        """How it ended, within so many seconds; after them it is killed.

        Raises:
            TimeoutError: it did not end.
        """
        end = time.monotonic() + timeout
        while (code := self.poll()) is None:
            if time.monotonic() > end:
                os.kill(self.pid, signal.SIGKILL)
                raise TimeoutError(f"process {self.pid} did not end within {timeout:.0f} s")
            time.sleep(0.005)
        return code

    def communicate(self, timeout: float) -> tuple[str, str]:
        """Wait for its end as `wait` does; what it said that was not read yet."""
        self.wait(timeout)
        return self.stdout.read(), self.stderr.read()


def fork(office: Office, *words: str, **environment: str) -> Forked:
    """Start `newsletter …`. Use it in a `with`, at whose end it is killed if it still runs."""
    return _fork(office, None, words, environment)


def fork_on(terminal: int, office: Office, *words: str, **environment: str) -> Forked:
    """The same, and it reads from an open terminal."""
    return _fork(office, terminal, words, environment)


def _fork(
    office: Office, stdin: int | None, words: tuple[str, ...], environment: dict[str, str]
) -> Forked:
    sys.stdout.flush()
    sys.stderr.flush()
    (out, their_out), (err, their_err) = os.pipe(), os.pipe()
    child = os.fork()
    if not child:
        _become(office, stdin, their_out, their_err, words, environment)
    os.close(their_out)
    os.close(their_err)
    return Forked(child, os.fdopen(out, encoding="utf-8"), os.fdopen(err, encoding="utf-8"))


def _become(
    office: Office,
    stdin: int | None,
    out: int,
    err: int,
    words: tuple[str, ...],
    environment: dict[str, str],
) -> None:
    """Be the command, and end with it, whatever happens."""
    code = _FAULT
    try:
        # Those of a process that has just started.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        with (
            os.fdopen(os.open(os.devnull, os.O_RDONLY) if stdin is None else stdin) as reads,
            os.fdopen(out, "w", buffering=1, encoding="utf-8") as says,
            os.fdopen(err, "w", buffering=1, encoding="utf-8") as warns,
        ):
            try:
                code = office.run_with(reads, says, warns, *words, **environment)
            except BaseException:
                traceback.print_exc(file=warns)
    finally:
        os._exit(code)
