"""Files that change under the preview: saved, broken, deleted, renamed, huge, led astray."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from newsletter_mailer.findings import Finding
from newsletter_mailer.previewing.state import State
from tests.previews import Preview, with_preview

ARTICLE = "articles/training.md"
ISSUE = "issues/06-autumn-2018"


def troubled(state: State) -> bool:
    """Whether the files cannot be shown."""
    return state.trouble is not None


def whole(state: State) -> bool:
    """Whether there is an edition of the newest files with all its mails."""
    return state.trouble is None and state.edition is not None and state.edition.whole


def findings_of(state: State) -> tuple[Finding, ...]:
    """What is wrong with the files."""
    assert state.trouble is not None
    return state.trouble.findings


def test_a_save_is_shown(project: Path) -> None:
    """New words are in the mail of every agency, and the edition's number rises."""
    path = project / ISSUE / ARTICLE

    async def work(preview: Preview) -> None:
        first = await preview.until(whole)
        assert first.edition is not None
        text = path.read_text(encoding="utf-8")
        path.write_text(f"{text}\nA marmalade day.\n", encoding="utf-8")
        number = first.edition.number
        await preview.until(lambda s: whole(s) and s.edition and s.edition.number > number)
        for agency in ("gp", "police"):
            assert "A marmalade day." in (await preview.get(f"files/{agency}.txt")).text

    with_preview(project, work)


def test_the_mail_that_is_looked_at_comes_first(project: Path) -> None:
    """After a save, the first state has the mail of the agency that the page last asked for."""
    path = project / ISSUE / ARTICLE

    async def work(preview: Preview) -> None:
        first = await preview.until(whole)
        await preview.json("version/police.json")
        path.write_text(path.read_text(encoding="utf-8") + "\nMore.\n", encoding="utf-8")
        state = await preview.until(
            lambda s: s.serial > first.serial and s.edition != first.edition
        )
        assert state.edition is not None
        if not state.edition.whole:  # else the machine was too quick to see it
            assert "police" in state.edition.by_agency
            assert len(state.edition.emails) == 1
        after = await preview.until(whole)
        assert after.edition is not None
        assert len(after.edition.emails) == 22

    with_preview(project, work)


def test_a_broken_file_keeps_the_last_good_view(project: Path) -> None:
    """The mistake has its file and line, the mail stays, and mending takes the mistake away."""
    path = project / ISSUE / ARTICLE
    good = path.read_text(encoding="utf-8")

    async def work(preview: Preview) -> None:
        before = (await preview.until(whole)).edition
        path.write_text(good.replace("title:", "titel:", 1), encoding="utf-8")
        state = await preview.until(troubled)
        assert state.edition is before
        assert f"{ISSUE}/{ARTICLE}" in {finding.place.file for finding in findings_of(state)}
        told = (await preview.json("facts.json"))["state"]["trouble"]["findings"]
        assert any(each["line"] == 2 and each["file"].endswith(ARTICLE) for each in told)
        assert (await preview.get("files/gp.html")).text.startswith("<!DOCTYPE html>")
        path.write_text(good, encoding="utf-8")
        await preview.until(whole)

    with_preview(project, work)


def deleted(path: Path) -> None:
    """Delete it."""
    path.unlink()


def renamed(path: Path) -> None:
    """Give it another name."""
    path.rename(path.with_name("trainings.md"))


def half_written(path: Path) -> None:
    """Leave only the first bytes of it, in the middle of a character."""
    path.write_bytes(b"---\ntitle: Caf" + b"\xc3")


def huge(path: Path) -> None:
    """Ten megabytes."""
    path.write_bytes(path.read_bytes() + b"word " * 2_000_000)


def led_astray(path: Path) -> None:
    """Make it a link out of the issue's folder, to a file that could be read."""
    secret = path.parents[3] / "secret.md"
    secret.write_text(path.read_text(encoding="utf-8") + "\nA secret.\n", encoding="utf-8")
    path.unlink()
    path.symlink_to(secret)


def led_round(path: Path) -> None:
    """Make it a link to itself."""
    path.unlink()
    path.symlink_to(path)


def made_a_folder(path: Path) -> None:
    """Put a folder in its place."""
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (deleted, "no file articles/training.md"),
        (renamed, "no file articles/training.md"),
        (half_written, "not UTF-8"),
        (huge, r"a file of 10,\d+,\d+ bytes"),
        (led_astray, "a link to a file outside"),
        (led_round, "a link to a file outside"),
        (made_a_folder, "no file articles/training.md"),
    ],
)
def test_a_file_that_is_spoilt_ends_in_a_message(
    project: Path, spoil: Callable[[Path], None], words: str
) -> None:
    """No crash: the mistake is named with its file, the last view stays, mending is seen."""
    path = project / ISSUE / ARTICLE
    good = path.read_bytes()

    async def work(preview: Preview) -> None:
        before = (await preview.until(whole)).edition
        spoil(path)
        state = await preview.until(troubled)
        assert state.edition is before
        found = "\n".join(map(str, findings_of(state)))
        assert re.search(words, found), found
        assert ISSUE in found
        assert "A secret." not in (await preview.get("files/gp.txt")).text
        if path.is_dir():
            path.rmdir()
        path.unlink(missing_ok=True)
        path.write_bytes(good)
        await preview.until(whole)

    with_preview(project, work)


def test_the_folder_itself_may_go_and_come_back(project: Path) -> None:
    """An issue that is renamed for a moment is followed when it is back."""
    issue = project / ISSUE

    async def work(preview: Preview) -> None:
        await preview.until(whole)
        away = issue.rename(issue.with_name("elsewhere"))
        state = await preview.until(troubled)
        assert "issue.yaml" in str(findings_of(state)[0].place)
        away.rename(issue)
        await preview.until(whole)
        path = issue / ARTICLE
        path.write_text(path.read_text(encoding="utf-8") + "\nBack again.\n", encoding="utf-8")
        await preview.until(
            lambda s: whole(s) and s.edition and "Back again." in str(s.edition.emails[0].text)
        )

    with_preview(project, work)


@pytest.mark.parametrize(
    ("name", "old", "new", "words"),
    [
        ("newsletter.toml", "[office]", "[offfice]", "offfice"),
        ("subscribers/agencies.yaml", "default:", "defautl:", "agencies.yaml"),
        ("templates/email/top.html", "{% endif %}", "{% endfi %}", "top.html"),
    ],
)
def test_settings_agencies_and_templates_are_followed_too(
    project: Path, name: str, old: str, new: str, words: str
) -> None:
    """A mistake in them is a message as well; when it is mended, the preview goes on."""
    path = project / name
    good = path.read_text(encoding="utf-8")

    async def work(preview: Preview) -> None:
        await preview.until(whole)
        path.write_text(good.replace(old, new, 1), encoding="utf-8")
        state = await preview.until(troubled)
        assert state.trouble is not None
        said = state.trouble.message + "".join(map(str, state.trouble.findings))
        assert words in said
        path.write_text(good, encoding="utf-8")
        await preview.until(whole)

    with_preview(project, work)


def test_a_preview_begins_with_broken_files(project: Path) -> None:
    """There is nothing to see, but the mistakes are; then the mended issue is shown."""
    path = project / ISSUE / "issue.yaml"
    good = path.read_text(encoding="utf-8")
    path.write_text("number: six\n", encoding="utf-8")

    async def work(preview: Preview) -> None:
        facts = await preview.json("facts.json")
        assert facts["state"]["trouble"]["findings"][0]["file"] == f"{ISSUE}/issue.yaml"
        await preview.get("files/gp.html", 404)
        path.write_text(good, encoding="utf-8")
        await preview.until(whole)
        assert (await preview.json("facts.json"))["issue"]["number"] == 6

    with_preview(project, work)
