"""A disk, a database or a signal stops a `newsletter send` under way: a clean end, and go on.

Each campaign runs as a process of its own, at a rate that makes it last; what harms it
comes when the server has taken some of its letters.
"""

import os
import resource
import shutil
import signal
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.fake_smtp import FakeSmtp
from tests.forked import Forked, fork
from tests.mailroom import SEND, agrees, clean, everybody_once, small_office, statuses, way_to
from tests.office import Office, Result
from tests.projects import copied_project

PEOPLE = 600
PER_SECOND = 250
IN_THE_MIDDLE = 125
"""Letters at the server when things go wrong."""

_LONGEST = 60.0


@pytest.fixture
def office() -> Iterator[Office]:
    """An office with subscribers enough for some seconds.

    It is on a disk: in memory, a file that was made unchangeable can still be written by
    whoever has it open.
    """
    with TemporaryDirectory(prefix="disk-") as folder:
        yield small_office(copied_project(Path(folder) / "project"), PEOPLE)


@contextmanager
def under_way(office: Office, server: FakeSmtp, **environment: str) -> Iterator[Forked]:
    """A process that sends, from when the server has taken some of its letters."""
    given = way_to(server, per_second=PER_SECOND) | environment
    with fork(office, *SEND, **given) as process:
        deadline = time.monotonic() + _LONGEST
        while len(server.taken) < IN_THE_MIDDLE:
            assert process.poll() is None, process.communicate(_LONGEST)
            assert time.monotonic() < deadline
            time.sleep(0.005)
        yield process


def ended(process: Forked) -> Result:
    """How the process ended by itself."""
    out, err = process.communicate(_LONGEST)
    return Result(process.wait(0), out, err)


def finish(office: Office, server: FakeSmtp) -> None:
    """Run the same command again: everybody has the letter once, and the ledger says so."""
    assert IN_THE_MIDDLE <= len(server.taken) < PEOPLE
    office.ok(*SEND, **way_to(server))
    everybody_once(office, server, PEOPLE)


def test_a_file_that_may_not_grow(office: Office) -> None:
    """No byte more can be written, as on a full disk or over a quota: nobody is lost or doubled."""
    with FakeSmtp() as server:
        with under_way(office, server) as process:
            resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
            result = ended(process)
        clean(result, "newsletter.db", "disk")
        finish(office, server)


def test_a_full_disk(office: Office) -> None:
    """The state is on a small disk that fills up; while it is full, nothing more leaves."""
    with FakeSmtp() as server, small_disk(office.folder / "var") as disk:
        with under_way(office, server) as process:
            fill(disk / "somebody-elses")
            result = ended(process)
        clean(result, "newsletter.db", "disk is full")
        before = len(server.taken)
        clean(office.run(*SEND, **way_to(server)))
        assert len(server.taken) == before
        (disk / "somebody-elses").unlink()
        finish(office, server)


def test_a_database_that_turns_read_only(office: Office) -> None:
    """Its files may not be changed any more, not even by root; nothing leaves until they may."""
    files = [office.folder / "var" / name for name in ("newsletter.db", "newsletter.db-wal")]
    with FakeSmtp() as server:
        with under_way(office, server) as process, unchangeable(files):
            result = ended(process)
            before = len(server.taken)
            again = office.run(*SEND, **way_to(server))
        clean(result, "newsletter.db")
        clean(again, "newsletter.db", "read-only")
        assert len(server.taken) == before
        finish(office, server)


def test_a_database_that_another_process_holds(office: Office) -> None:
    """Held for longer than NEWSLETTER_DATABASE_WAIT: the command says so and stops."""
    with FakeSmtp() as server:
        with under_way(office, server, NEWSLETTER_DATABASE_WAIT="0.3") as process, held(office):
            result = ended(process)
        clean(result, "newsletter.db", "locked", "0.3 seconds")
        finish(office, server)


def test_a_database_that_is_held_for_a_moment(office: Office) -> None:
    """Held for less than that, the campaign only waits."""
    with FakeSmtp() as server:
        with under_way(office, server, NEWSLETTER_DATABASE_WAIT="20") as process:
            with held(office):
                time.sleep(1)
            result = ended(process)
        assert (result.code, result.err.count("locked")) == (0, 0)
        everybody_once(office, server, PEOPLE)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_cleanly(office: Office, number: signal.Signals) -> None:
    """It finishes what is on its way, says how to go on, and leaves nothing claimed."""
    with FakeSmtp() as server:
        with under_way(office, server) as process:
            began = time.monotonic()
            process.send_signal(number)
            result = ended(process)
            assert time.monotonic() - began < 5
        clean(result, "Stopped. Run the same command again", "nobody will get it twice")
        agrees(office, server)
        assert statuses(office) == {
            "sent": len(server.taken),
            "pending": PEOPLE - len(server.taken),
        }
        finish(office, server)


@contextmanager
def held(office: Office) -> Iterator[None]:
    """The office's database, held for writing by somebody else."""
    path = office.folder / "var" / "newsletter.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as holder:
        holder.execute("BEGIN IMMEDIATE")
        yield


@contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    """The folder's content on a disk of 24 MB; skips the test where none can be mounted."""
    mount = shutil.which("mount")
    aside = folder.rename(folder.with_name("aside"))
    folder.mkdir()
    command = [str(mount), "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(folder)]
    done = mount and subprocess.run(command, capture_output=True, check=False)
    if not done or done.returncode:
        pytest.skip("a disk of its own can be mounted by root only")
    try:
        shutil.copytree(aside, folder, dirs_exist_ok=True)
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(path: Path) -> None:
    """Write a file until the disk has no byte left."""
    with path.open("wb", buffering=0) as file:
        for size in (1 << 20, 4096, 1):
            try:
                while file.write(bytes(size)) == size:
                    pass
            except OSError:
                continue


@contextmanager
def unchangeable(files: list[Path]) -> Iterator[None]:
    """Nobody can change the files; skips the test where the file system cannot do that."""
    command = shutil.which("chattr")
    names = [str(path) for path in files]
    if (
        command is None
        or os.geteuid()
        or subprocess.run([command, "+i", *names], capture_output=True, check=False).returncode
    ):
        pytest.skip("files can be made unchangeable on some file systems only, and by root")
    try:
        yield
    finally:
        subprocess.run([command, "-i", *names], check=True)
