"""Commands in processes of their own that are copies of this one, which spares starting Python."""

import os
import signal
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from tests.office import Office

_FAULT = 70
"""The exit code where the command raised what it should not (`EX_SOFTWARE` in sysexits.h)."""


@dataclass
class Forked:
    """A process under way; the same words as `subprocess.Popen` has for it."""

    pid: int
    said: Path
    returncode: int | None = None

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


def fork(office: Office, *words: str, **environment: str) -> Forked:
    """Start `newsletter …`; what it says is in the file `said` once it has ended by itself."""
    said = office.folder / "said.txt"
    said.unlink(missing_ok=True)
    sys.stdout.flush()
    sys.stderr.flush()
    child = os.fork()
    if child:
        return Forked(child, said)
    code = _FAULT
    try:
        result = office.run(*words, **environment)
        said.write_text(result.out + result.err, encoding="utf-8")
        code = result.code
    except Exception as error:  # the process must end here, whatever happens
        said.write_text(repr(error), encoding="utf-8")
    finally:
        os._exit(code)
