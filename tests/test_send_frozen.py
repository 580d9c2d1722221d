"""A campaign whose files are edited while it is sent: everyone gets the frozen content."""

import re
import shutil
import signal
import time
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import pytest
from PIL import Image as Picture

from newsletter_mailer.settings import load_settings
from newsletter_mailer.signing_key import signing_key
from tests.fake_smtp import FakeSmtp
from tests.forked import fork
from tests.mailroom import ISSUE, SEND, everybody_once, small_office, way_to
from tests.office import Office, part_of

PEOPLE = 60
PER_SECOND = 30

_LONGEST = 60.0


@pytest.fixture
def office(project: Path) -> Office:
    """An office with the shipped issue 6, and subscribers in five agencies."""
    made = Office(project)
    made.subscribe(PEOPLE)
    return made


def edit_everything(office: Office) -> None:
    """Change whatever the messages were made from, and leave it readable."""
    folder = office.folder
    for path in (folder / "issues" / ISSUE / "articles").glob("*.md"):
        path.write_text(path.read_text(encoding="utf-8") + "\nEdited since.\n", encoding="utf-8")
    replace(folder / "issues" / ISSUE / "issue.yaml", r"(?m)^(title|subject): .*$", r"\1: Edited")
    replace(folder / "subscribers" / "agencies.yaml", r"name: ([^,}\n]+)", r"name: Edited \1")
    replace(folder / "templates" / "email" / "footer.html", "Phone", "Edited phone")
    replace(folder / "newsletter.toml", r"(?m)^named = .*$", 'named = "Edited {{first_name}},"')
    replace(folder / "newsletter.toml", r"(?m)^unnamed = .*$", 'unnamed = "Edited,"')
    replace(folder / "newsletter.toml", r"(?m)^name = .*$", 'name = "Edited"')
    for path in (folder / "issues" / ISSUE / "images").glob("*.png"):
        with Picture.open(path) as picture:
            Picture.new("RGB", picture.size, "orange").save(path)


def break_everything(office: Office) -> None:
    """Leave nothing that messages are made from readable."""
    folder = office.folder
    for path in (folder / "issues" / ISSUE / "articles").glob("*.md"):
        path.write_text("---\nnonsense: [\n", encoding="utf-8")
    for path in (folder / "templates" / "email").rglob("*.html"):
        path.write_text("{% nonsense", encoding="utf-8")
    for path in (folder / "issues" / ISSUE / "images").iterdir():
        path.unlink()
    (folder / "subscribers" / "agencies.yaml").write_text("sectors: [", encoding="utf-8")


def replace(path: Path, pattern: str, by: str) -> None:
    """Replace what a pattern finds, which must be there."""
    text, times = re.subn(pattern, by, path.read_text(encoding="utf-8"))
    assert times, (path, pattern)
    path.write_text(text, encoding="utf-8")


def wordings(server: FakeSmtp) -> dict[str, tuple[object, ...]]:
    """What each recipient reads: header, text, HTML and pictures, without the campaign's token."""
    found = {}
    for taken in server.taken:
        mail = message_from_bytes(taken.content, policy=policy.default)
        assert isinstance(mail, EmailMessage)
        token = mail["Message-ID"].strip("<").partition(".")[0]
        header = [mail[name] for name in ("From", "To", "Subject", "List-Id", "List-Unsubscribe")]
        pictures = [
            part.get_content() for part in mail.walk() if part.get_content_maintype() == "image"
        ]
        html = part_of(mail, "html").replace(token, "token")
        found[taken.recipient] = (*header, part_of(mail, "plain"), html, pictures)
    return found


def unedited(office: Office, folder: Path) -> dict[str, tuple[object, ...]]:
    """What each recipient reads when the same campaign is sent with nothing edited."""
    # A second key would make other personal links.
    signing_key(load_settings(office.folder))
    with FakeSmtp() as server:
        Office(Path(shutil.copytree(office.folder, folder))).ok(*SEND, **way_to(server))
        return wordings(server)


def test_edits_while_it_is_sent_reach_nobody(office: Office, tmp_path: Path) -> None:
    """Texts, subject, pictures, agencies, templates, greeting and sender: all stay as frozen.

    They are edited while a slow process sends; another one sends the rest.
    """
    expected = unedited(office, tmp_path / "control")
    with FakeSmtp() as server:
        with office.start(*SEND, **way_to(server, per_second=PER_SECOND)) as process:
            try:
                wait_for(server, 5)
                edit_everything(office)
                wait_for(server, len(server.taken) + 20)
                process.send_signal(signal.SIGTERM)
                process.communicate(timeout=_LONGEST)
            finally:
                process.kill()
        assert 25 <= len(server.taken) < PEOPLE
        went_on = office.ok(*SEND, **way_to(server))
        assert "files have changed since" in went_on.err
        everybody_once(office, server, PEOPLE)
        assert wordings(server) == expected
    assert len({reads[-3] for reads in expected.values()}) == PEOPLE  # each has their own text
    with FakeSmtp() as trial:
        office.ok("send", "6", "--test", "tester@example.org", **way_to(trial))
        (edited,) = wordings(trial).values()
    assert str(edited).count("Edited") > 10  # what was edited does matter to what is sent


def test_files_that_nobody_can_read_any_more_stop_nothing(project: Path, tmp_path: Path) -> None:
    """Articles, pictures, templates and registry are broken: the rest still get it as frozen."""
    office = small_office(project, PEOPLE)
    expected = unedited(office, tmp_path / "control")
    with FakeSmtp() as server:
        with fork(office, *SEND, **way_to(server, per_second=PER_SECOND)) as process:
            wait_for(server, 5)
            break_everything(office)
            process.send_signal(signal.SIGTERM)
            process.communicate(_LONGEST)
        assert 5 <= len(server.taken) < PEOPLE
        office.ok(*SEND, **way_to(server))
        everybody_once(office, server, PEOPLE)
        assert wordings(server) == expected


def test_an_issue_whose_folder_is_gone_is_still_finished(project: Path) -> None:
    """The folder was removed in mid-campaign: by its number, the rest still get it."""
    office = small_office(project, PEOPLE)
    with FakeSmtp() as server:
        with fork(office, *SEND, **way_to(server, per_second=PER_SECOND)) as process:
            wait_for(server, 5)
            process.send_signal(signal.SIGTERM)
            process.communicate(_LONGEST)
        assert 5 <= len(server.taken) < PEOPLE
        (folder,) = (project / "issues").glob("*6-*")
        shutil.rmtree(folder)
        office.ok(*SEND, **way_to(server))
        everybody_once(office, server, PEOPLE)
    unknown = office.run("send", "99", "--yes")
    assert (unknown.code, "There is no issue" in unknown.err) == (2, True)


def wait_for(server: FakeSmtp, number: int) -> None:
    """Wait until the server has taken so many letters."""
    deadline = time.monotonic() + _LONGEST
    while len(server.taken) < number:
        assert time.monotonic() < deadline
        time.sleep(0.005)
