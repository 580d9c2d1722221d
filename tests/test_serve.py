"""`newsletter serve`: it starts, answers, sends what waits, and stops cleanly."""

import os
import re
import signal
import socket
import subprocess
import time
import urllib.request
from pathlib import Path

from tests.databases import empty_database
from tests.office import COMMAND, Office


def started(folder: Path, *options: str) -> tuple[subprocess.Popen[str], str]:
    """The command as a process, and the address that it names."""
    (folder / "var").mkdir(exist_ok=True)
    (folder / "var" / "newsletter.db").write_bytes(empty_database())
    process = subprocess.Popen(
        [*COMMAND, "serve", "--port", "0", *options],
        cwd=folder,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    found = re.search(r"http://\S+/", process.stdout.readline())
    assert found, process.communicate()
    return process, found[0]


def test_it_serves_sends_and_stops(project: Path) -> None:
    """A sign-up through a real socket is answered, its mail leaves, and SIGTERM ends it with 0."""
    (project / "newsletter.toml").write_text(
        (project / "newsletter.toml").read_text(encoding="utf-8") + "\n[web]\nquickest = 0\n",
        encoding="utf-8",
    )
    process, base = started(project)
    try:
        with urllib.request.urlopen(base, timeout=60) as answer:  # noqa: S310 - ours
            page = answer.read().decode()
            assert "server" not in {name.lower() for name in answer.headers}
        found = re.search(r'name="form" value="([^"]+)"', page)
        assert found
        form = f"step=details&email=a%40example.org&agency=gp&newsletter=yes&form={found[1]}"
        with urllib.request.urlopen(f"{base}sign-up", form.encode(), timeout=60) as answer:  # noqa: S310 - ours
            assert "Look into your inbox" in answer.read().decode()
        outbox = project / "var" / "outbox" / "notices"
        until = time.monotonic() + 60
        while not list(outbox.glob("*.eml")) and time.monotonic() < until:
            time.sleep(0.05)
        assert len(list(outbox.glob("*.eml"))) == 1
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 0, err
    assert "Stopped." in out
    assert "Traceback" not in err


def test_a_port_that_is_taken_is_explained(project: Path) -> None:
    """The message names the address and what to do; the exit code is that of wrong usage."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        result = Office(project).run("serve", "--port", str(port))
    assert result.code == 2
    assert f"Cannot listen at 127.0.0.1, port {port}" in result.err
    assert "--port" in result.err
