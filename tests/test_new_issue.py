"""`newsletter new --from` and `newsletter blocks`: how an issue begins."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser

from newsletter_mailer.reading.agencies import Registry
from newsletter_mailer.reading.article import BLOCK_READERS
from newsletter_mailer.reading.issue import find_issue, read_issue
from tests.browser import chromium, faults, take_picture
from tests.office import Office
from tests.projects import article, write_issue


@pytest.fixture
def office(project: Path) -> Office:
    """The shipped project, with issues 1 and 6."""
    return Office(project)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A running Chromium."""
    with chromium() as running:
        yield running


def test_an_issue_from_another_has_its_name_and_the_articles_to_keep(
    office: Office, registry: Registry
) -> None:
    """`new 7 --from 6 --keep` takes title, language and the named articles; nothing is wrong."""
    issue_6 = office.folder / "issues" / "06-autumn-2018" / "issue.yaml"
    text = issue_6.read_text(encoding="utf-8").replace("Safeguarding news\n", '"Care: weekly"\n')
    text += "sender:\n  name: The board\n  reply_to: board@example.org\n"
    issue_6.write_text(text, encoding="utf-8")
    names = ["--keep", "resources", "--keep", "youth-service"]
    made = office.ok("new", "7", "--from", "6", *names, "--json").data
    assert made["kept"] == ["resources", "youth-service"]
    issue, findings = read_issue(office.folder / made["folder"], registry)
    assert findings == []
    assert (issue.head.title, issue.head.number) == ("Care: weekly", 7)
    assert issue.head.sender.reply_to == "board@example.org"
    assert [each.id for each in issue.articles] == ["first-article", "resources", "youth-service"]
    before = read_issue(find_issue(office.folder / "issues", "6"), registry)[0]
    kept = {each.id: each for each in before.articles}
    assert issue.articles[2] == kept["youth-service"]  # with its picture
    assert "# - online-grooming" in (office.folder / made["folder"] / "issue.yaml").read_text()
    assert office.run("check", "7", "--offline").code == 0


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--from", "6", "--keep", "nowhere"], "There is no article 'nowhere' in 06-autumn-2018"),
        (["--keep", "training"], "Add --from"),
        (["--from", "5"], "There is no issue '5'"),
    ],
)
def test_a_beginning_that_cannot_be_is_refused(office: Office, words: list[str], says: str) -> None:
    """An issue or an article that is not there is named, and no folder is made."""
    ran = office.run("new", "7", *words)
    assert (ran.code, says in ran.err) == (2, True)
    assert not list((office.folder / "issues").glob("*07*"))


def test_an_issue_with_mistakes_is_no_model(office: Office) -> None:
    """`new --from` an issue that cannot be read shows its mistakes, and makes nothing."""
    write_issue(office.folder / "issues", {"news": article("<br>")})
    ran = office.run("new", "8", "--from", "7")
    assert (ran.code, "raw-html" in ran.err) == (1, True)
    assert not list((office.folder / "issues").glob("*08*"))


def test_the_examples_of_a_new_issue_hold_every_block_without_a_mistake(
    office: Office, tmp_path: Path, registry: Registry
) -> None:
    """A new issue comes with a file of every kind of block, and each reads as it stands."""
    folder = office.folder / office.ok("new", "7", "--from", "6", "--json").data["folder"]
    text = (folder / "examples" / "blocks.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^::: ([a-z-]+)", text, re.MULTILINE)) == set(BLOCK_READERS)
    body = re.sub(r"^# .*$", "", text, flags=re.MULTILINE).replace("`{{…}}`", "")
    issue = write_issue(tmp_path, {"news": article(body)}, pictures=["example.png"])
    assert read_issue(issue, registry)[1] == []


def test_the_gallery_shows_every_block_and_copies_its_source(
    office: Office, browser: Browser
) -> None:
    """Each block stands there in its look with its source, at any width, and axe finds nothing."""
    assert "blocks.html" in office.ok("blocks").out
    path = office.folder / "blocks.html"
    text = path.read_text(encoding="utf-8")
    names = re.findall(r"^# (.+)$", (
        office.folder / "templates" / "issue" / "examples" / "blocks.md"
    ).read_text(encoding="utf-8"), re.MULTILINE)  # fmt: skip
    assert not re.findall(r'(?:src|srcset|data)="(?!data:)', text)
    views: list[tuple[int, Literal["light", "dark"]]] = [(1280, "light"), (375, "dark")]
    for width, scheme in views:
        page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
        page.goto(path.as_uri())
        take_picture(page, f"blocks-{width}-{scheme}")
        assert page.locator("section > h2").all_inner_texts() == names
        assert page.locator(".wrong").count() == 0
        assert not page.evaluate("document.documentElement.scrollWidth > window.innerWidth")
        assert page.evaluate(
            "[...document.querySelectorAll('.look')].every(box => box.offsetHeight > 40)"
        )
        assert not (found := faults(page)), found
        page.close()
    page = browser.new_page()
    page.goto(path.as_uri())
    page.get_by_role("button", name="Copy Quote", exact=True).click()
    page.get_by_text("Copied").first.wait_for()
    for words in ("up 47%", "For your agency: 2 actions"):  # as the mail's own templates say it
        assert page.locator(".look").get_by_text(words).is_visible()
    page.close()
    quiet = browser.new_context(java_script_enabled=False).new_page()
    quiet.goto(path.as_uri())
    assert quiet.locator("button:visible").count() == 0
    assert "-- Head of Early Help" in quiet.locator("#quote pre").inner_text()
    quiet.context.close()


def test_a_mistake_in_an_example_stands_beside_it(office: Office) -> None:
    """An office's own example with a mistake shows file and line; the others are shown."""
    file = office.folder / "templates" / "issue" / "examples" / "blocks.md"
    text = file.read_text(encoding="utf-8").replace("only gp", "only gpp")
    file.write_text(text, encoding="utf-8")
    line = text.split("\n").index("::: only gpp, ccg") + 1
    page = office.ok("blocks", "--out", "b.html", "--json").data["page"]
    shown = (office.folder / page).read_text(encoding="utf-8")
    assert f"templates/issue/examples/blocks.md:{line}: error: the agency" in shown
    assert shown.count("shadowrootmode") == text.count("\n# ") - 1


def test_a_gallery_without_examples_is_wrong_usage(office: Office) -> None:
    """Where the file of examples is gone, that is said."""
    (office.folder / "templates" / "issue" / "examples" / "blocks.md").unlink()
    ran = office.run("blocks")
    assert (ran.code, "templates/issue/examples/blocks.md" in ran.err) == (2, True)
