"""The preview servers of react-email and Maizzle, each with a comparable mail."""

import json
import os
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

from benchmarks.node_tools import NodeError, maizzle_command, react_email_command

_PATIENCE = 120.0
"""Seconds in which a server must show its first page."""


@dataclass(frozen=True, slots=True)
class Served:
    """A mail that is previewed: the page's address, and the template to save."""

    url: str
    file: Path


@contextmanager
def react_email(mail: str) -> Iterator[Served]:
    """`email dev`, react-email's preview server, with one template.

    Raises:
        NodeError: it cannot be installed, or does not start.
    """
    port = _free_port()
    command, home = react_email_command(port)
    url = f"http://localhost:{port}/preview/newsletter"
    with _running(command, home, {"emails/newsletter.tsx": mail}, url) as folder:
        yield Served(url, folder / "emails" / "newsletter.tsx")


@contextmanager
def maizzle(mail: str) -> Iterator[Served]:
    """`maizzle serve`, with one template and the settings that it has for writing.

    Raises:
        NodeError: it cannot be installed, or does not start.
    """
    port = _free_port()
    command, home = maizzle_command()
    settings = {"build": {"content": ["emails/*.html"]}, "server": {"port": port}}
    files = {
        "emails/newsletter.html": mail,
        "config.js": f"export default {json.dumps(settings)};",
        "package.json": '{"type": "module"}',
    }
    url = f"http://localhost:{port}/emails/newsletter.html"
    with _running(command, home, files, url) as folder:
        yield Served(url, folder / "emails" / "newsletter.html")


@contextmanager
def _running(
    command: Sequence[str], home: Path, files: Mapping[str, str], url: str
) -> Iterator[Path]:
    """Run a server in a new folder below `home`, where it finds its packages; gives the folder."""
    with tempfile.TemporaryDirectory(prefix="mail-", dir=home) as made:
        folder = Path(made)
        for name, text in files.items():
            path = folder / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
        said = folder / "said.log"
        with said.open("wb") as log:
            process = subprocess.Popen(
                command,
                cwd=folder,
                env={**os.environ, "NEXT_TELEMETRY_DISABLED": "1"},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # it starts others, which must end with it
            )
        try:
            _wait_for(url, process, said)
            yield folder
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _wait_for(url: str, process: subprocess.Popen[bytes], said: Path) -> None:
    end = time.monotonic() + _PATIENCE
    while True:
        try:
            with urlopen(url, timeout=_PATIENCE):  # noqa: S310 - a server of our own
                return
        except (HTTPError, URLError, OSError):
            time.sleep(0.2)
        if process.poll() is not None or time.monotonic() > end:
            lines = said.read_text(encoding="utf-8", errors="replace").strip().splitlines()
            raise NodeError(f"it does not start: {lines[-1] if lines else 'it says nothing'}")


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port
