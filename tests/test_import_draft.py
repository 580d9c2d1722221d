"""`newsletter import`: documents as people write them become issues that can go out."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.drafts import parts, spans, write_marked_down, write_page, write_word
from tests.office import Office

WRITERS: dict[str, Callable[[int, Path], Path]] = {
    "docx": write_word,
    "html": write_page,
    "md": write_marked_down,
}


@pytest.fixture
def office(project: Path) -> Office:
    """The shipped project, with issues 1 and 6."""
    return Office(project)


def mend(folder: Path, findings: list[dict[str, str]]) -> list[str]:
    """Do what the report says for each error, and return the rules of those mended."""
    mended = []
    errors = [finding for finding in findings if finding["severity"] == "error"]
    errors.sort(key=lambda finding: int(finding["line"]), reverse=True)  # lines are added
    for number, finding in enumerate(errors):
        path = folder / finding["file"]
        lines = path.read_text(encoding="utf-8").split("\n")
        at = int(finding["line"]) - 1
        lines[at] = _mended(lines[at], finding, number)
        path.write_text("\n".join(lines), encoding="utf-8")
        mended.append(finding["rule"])
    return mended


def _mended(line: str, finding: dict[str, str], number: int) -> str:
    advice = finding["mend"]
    if day := re.fullmatch(r"Write the date as (\d{4}-\d\d-\d\d)\.", advice):
        return f"{line} {day[1]}"
    if address := re.match(r"Confirm (\S+) with its owner", advice):
        old = finding["found"].partition("'")[2].partition("'")[0]
        assert old in line
        return line.replace(old, address[1])
    if "add text" in advice:
        return f"{line}\n\nThere is more to say of this."
    if url := re.match(r"Try (\S+?)(?: or |, and write \[words\]\(address\))", advice):
        # The broken address: the same signs, with gaps and without some hyphens.
        signs = [re.escape(sign) for sign in url[1].replace("-", "")]
        broken = r"[\s\\-]*".join(signs)
        new, times = re.subn(broken, f"[resource {number}]({url[1]})", line)
        assert times == 1, (broken, line)
        return new
    raise AssertionError(finding)


@pytest.mark.parametrize("kind", WRITERS)
@pytest.mark.parametrize("number", [1, 6])
def test_a_whole_newsletter_imports_and_passes_check_after_the_reported_mends(
    office: Office, number: int, kind: str
) -> None:
    """Both newsletters become an issue; once its report is followed, `check` finds no error.

    The report names every link that a line end broke, with its file and line, and the date.
    """
    draft = WRITERS[kind](number, office.folder / f"draft.{kind}")
    report = office.ok("import", draft.name, "--json").data
    assert report["issue"].startswith("07-")
    mended = mend(office.folder, report["findings"])
    assert mended.count("bad-value") == 1
    assert mended.count("link-broken-line") == {1: 5, 6: 0}[number]
    assert "link-retired-domain" in mended
    checked = office.run("check", "7", "--offline", "--json")
    errors = [each for each in checked.data["findings"] if each["severity"] == "error"]
    assert errors == []
    assert checked.code == 0
    assert_no_word_lost(number, office.folder / report["folder"], report["articles"])


def assert_no_word_lost(number: int, folder: Path, articles: list[str]) -> None:
    """Every paragraph, item, cell and heading of a text stands in the articles, in its order.

    Those with addresses are left out: they were mended.
    """
    assert len(articles) == sum(part.kind == "h1" for part in parts(number))
    files = [folder / "articles" / f"{name}.md" for name in articles]
    bodies = [file.read_text(encoding="utf-8").split("\n---\n", 1)[1] for file in files]
    read = re.sub(r"[\W_]+", "", " ".join(bodies))
    at = 0
    for part in parts(number):
        if part.kind == "h1" or "http" in part.text or "@" in part.text:
            continue
        for words in part.text.split(" | "):
            plain = re.sub(r"[\W_]+", "", "".join(text for text, _, _ in spans(words)))
            found = read.find(plain, at)
            assert found >= 0, words
            at = found + len(plain)
