"""The local journal: what it tells after a process died, and when it is not believed."""

import errno
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter_mailer.errors import SendingError
from newsletter_mailer.sending.journal import Journal, journal_of
from newsletter_mailer.sending.journal import Testimony as Told
from newsletter_mailer.sending.transports.contract import Outcome, Receipt

UPTIME = "an-uptime"


def uptime() -> str:
    """The machine's uptime in these tests."""
    return UPTIME


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    """The journal of `me`, in which letters 1 to 9 are claimed at attempt 2."""
    made = Journal(tmp_path, "me", uptime)
    made.expect([(number, 2) for number in range(1, 10)])
    yield made
    made.close(done=True)


def told(folder: Path, numbers: range, owner: str = "me", attempt: int = 2) -> list[Outcome]:
    """What the journal tells of letters."""
    with journal_of(folder, owner, uptime) as testimony:
        assert testimony is not None
        return [testimony.outcome(number, attempt) for number in numbers]


def test_it_tells_what_became_of_each_letter(tmp_path: Path) -> None:
    """Begun and unanswered is in doubt; accepted is accepted; all else has surely not left."""
    journal = Journal(tmp_path, "me", uptime)
    journal.expect([(number, 2) for number in range(1, 8)])
    for number in range(1, 7):
        journal.begin(number)
    answers = [
        Outcome.ACCEPTED,
        Outcome.REJECTED,
        Outcome.RETRY,
        Outcome.UNSENT,
        Outcome.IN_DOUBT,
    ]
    for number, outcome in enumerate(answers, 1):
        journal.answer([Receipt(number, outcome)])
    assert journal.has_begun(6)
    assert not journal.has_begun(1)
    assert not journal.has_begun(7)
    journal.close(done=False)
    with journal_of(tmp_path, "me", uptime) as testimony:
        assert testimony is not None
        found = [testimony.outcome(number, 2) for number in range(1, 8)]
        assert testimony.outcome(1, 3) is Outcome.UNSENT  # a later attempt was never begun
    assert found == [
        Outcome.ACCEPTED,
        Outcome.UNSENT,
        Outcome.UNSENT,
        Outcome.UNSENT,
        Outcome.IN_DOUBT,
        Outcome.IN_DOUBT,
        Outcome.UNSENT,
    ]
    assert list(tmp_path.glob("me.journal")) == []


def test_another_uptime_is_not_believed(tmp_path: Path) -> None:
    """After a start of the machine, lines may be missing that were never on the disk."""
    Journal(tmp_path, "me", uptime).close(done=False)
    with journal_of(tmp_path, "me", lambda: "another") as testimony:
        assert testimony is None


def test_a_machine_that_does_not_tell_its_uptime_is_not_believed(tmp_path: Path) -> None:
    """Where nobody can tell two uptimes apart, no journal counts."""
    Journal(tmp_path, "me", lambda: "").close(done=False)
    with journal_of(tmp_path, "me", lambda: "") as testimony:
        assert testimony is None


def test_a_living_owners_journal_is_not_believed(journal: Journal, tmp_path: Path) -> None:
    """It may be written at this moment; and it is left alone."""
    journal.begin(1)
    with journal_of(tmp_path, "me", uptime) as testimony:
        assert testimony is None
    assert (tmp_path / "me.journal").is_file()


def test_no_owner_and_no_journal_tell_nothing(tmp_path: Path) -> None:
    """Neither is an error."""
    for owner in ("", "unknown"):
        with journal_of(tmp_path, owner, uptime) as testimony:
            assert testimony is None


def test_a_journal_stays_until_what_it_tells_is_written_down(tmp_path: Path) -> None:
    """Where settling by it fails, it is there for the next try."""
    journal = Journal(tmp_path, "me", uptime)
    journal.expect([(1, 2)])
    journal.begin(1)
    journal.close(done=False)

    def failing() -> None:
        with journal_of(tmp_path, "me", uptime):
            raise OSError(errno.EIO, os.strerror(errno.EIO))

    with pytest.raises(OSError, match="rror"):
        failing()
    assert told(tmp_path, range(1, 2)) == [Outcome.IN_DOUBT]


def test_writing_it_anew_keeps_what_is_not_in_the_ledger(tmp_path: Path) -> None:
    """200,000 letters go through one journal of fixed size; the open ones are still told."""
    journal = Journal(tmp_path, "me", uptime)
    size = (tmp_path / "me.journal").stat().st_size
    journal.expect([(-1, 2), (-2, 2)])
    journal.begin(-1)
    journal.begin(-2)
    journal.answer([Receipt(-2, Outcome.ACCEPTED)])
    for group in range(1000):
        numbers = range(group * 200, group * 200 + 200)
        journal.expect([(number, 2) for number in numbers])
        for number in numbers:
            journal.begin(number)
            journal.answer([Receipt(number, Outcome.ACCEPTED)])
        journal.forget(numbers)
    assert (tmp_path / "me.journal").stat().st_size == size
    journal.close(done=False)
    assert told(tmp_path, range(-2, 0)) == [Outcome.ACCEPTED, Outcome.IN_DOUBT]


@given(
    notes=st.lists(st.tuples(st.sampled_from("SAND"), st.integers(1, 5)), max_size=12),
    cut=st.integers(0, 200),
)
def test_a_cut_off_line_was_not_written(notes: list[tuple[str, int]], cut: int) -> None:
    """However many bytes there are, exactly the whole lines count."""
    lines = [f"{sign} {number} 1\n".encode() for sign, number in notes]
    content = b"H x\n" + b"".join(lines)
    kept = content[: max(len(content) - cut, 4)]
    whole = kept.count(b"\n") - 1
    expected = {(number, 1): sign.encode() for sign, number in notes[:whole]}
    assert Told.of(kept + bytes(50)).told == expected
    assert Told.of(kept).told == expected


def test_a_journal_of_a_killed_process_is_believed(tmp_path: Path) -> None:
    """Killed without warning, with nothing flushed by anybody, its lines are all there."""
    code = (
        "import os, signal, sys\n"
        "from pathlib import Path\n"
        "from newsletter_mailer.sending.journal import Journal\n"
        "j = Journal(Path(sys.argv[1]), 'me', lambda: 'an-uptime')\n"
        "j.expect([(n, 2) for n in range(1000)])\n"
        "for n in range(1000): j.begin(n)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False)
    assert done.returncode == -9
    assert told(tmp_path, range(1000)) == [Outcome.IN_DOUBT] * 1000


def test_a_disk_without_room_is_said_at_the_start(tmp_path: Path) -> None:
    """Before any letter leaves: SendingError, and no half of a journal stays."""
    code = (
        "import resource, sys\n"
        "from pathlib import Path\n"
        "from newsletter_mailer.errors import SendingError\n"
        "from newsletter_mailer.sending.journal import Journal\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))\n"
        "try:\n"
        "    Journal(Path(sys.argv[1]), 'me')\n"
        "except SendingError as error:\n"
        "    print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], check=True, capture_output=True, text=True
    )
    assert "cannot be written" in done.stdout
    assert "Make room" in done.stdout
    assert list(tmp_path.glob("*.journal")) == []


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    """A file in its place is a SendingError with the reason."""
    (tmp_path / "journals").write_text("", encoding="utf-8")
    with pytest.raises(SendingError, match="cannot be written: File exists"):
        Journal(tmp_path / "journals", "me", uptime)
