"""An issue's folder: its files, its front matter, and all of its mistakes at once."""

import datetime as dt
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from newsletter_mailer.checking.coverage import coverage
from newsletter_mailer.drafting.scaffold import scaffold
from newsletter_mailer.errors import IssueError, UsageError
from newsletter_mailer.findings import Finding, Severity
from newsletter_mailer.reading.agencies import Registry
from newsletter_mailer.reading.article import BLOCK_READERS
from newsletter_mailer.reading.document import (
    MergeField,
    Paragraph,
    Text,
    walk,
)
from newsletter_mailer.reading.issue import find_issue, read_issue
from newsletter_mailer.reading.schema import write_schemas
from newsletter_mailer.reading.source import UNSAFE
from newsletter_mailer.settings import load_settings
from tests.projects import (
    HEAD,
    ROOT,
    article,
    mistakes,
    read,
    small_registry,
    write_issue,
)

ISSUE = "issues/07-winter-2019/issue.yaml"
NEWS = "issues/07-winter-2019/articles/news.md"


def headed(*changes: str, articles: str = "articles: [news]") -> str:
    """The text of `issue.yaml` with these lines in the place of those with the same keys."""
    lines = {line.partition(":")[0]: line for line in [*HEAD.splitlines(), articles]}
    lines |= {line.partition(":")[0]: line for line in changes}
    return "\n".join(lines.values()) + "\n"


def fronted(*lines: str) -> str:
    """An article with this front matter."""
    return "\n".join(["---", *lines, "---", "Text."])


def short(findings: tuple[Finding, ...]) -> list[tuple[str, int, str]]:
    """The file's name, the line and the rule of each finding."""
    return [(Path(f.place.file).name, f.place.line, f.rule) for f in findings]


# Good issues


def test_issue_is_read_as_its_files_say(tmp_path: Path) -> None:
    """The head, the opening and the articles of an issue are read in their order."""
    head = headed(
        "season: Winter 2019",
        'subject: "{{first_name}}, what is new"',
        "language: de",
        "opening: welcome",
        "sender: {name: The board, reply_to: Help@Example.ORG}",
        articles="articles: [b, a]",
    )
    articles = {
        "a": article("a", "A"),
        "b": article("b", '"For {{agency_name}}"', "summary: Of {{name}}"),
        "welcome": article("Hello", "Welcome"),
    }
    issue, findings = read(tmp_path, articles, head=head)
    assert findings == []
    assert (issue.name, issue.head.number, issue.head.date) == (
        "07-winter-2019",
        7,
        dt.date(2019, 1, 21),
    )
    assert issue.subject == (MergeField("first_name"), Text(", what is new"))
    assert issue.preheader == (Text("The line after it"),)
    assert issue.head.sender.reply_to == "Help@example.org"
    assert [read.id for read in issue.every_article] == ["welcome", "b", "a"]
    assert issue.articles[0].title == (Text("For "), MergeField("agency_name"))
    assert issue.articles[0].summary == (Text("Of "), MergeField("name"))
    assert issue.articles[0].only_for is None
    assert issue.articles[0].first_for == frozenset()


@pytest.mark.parametrize("number", ["1", "6"])
def test_shipped_issues_hold_no_mistake(registry: Registry, number: str) -> None:
    """The shipped issues are read without a single finding."""
    _, findings = read_issue(find_issue(ROOT / "issues", number), registry)
    assert findings == []


@pytest.mark.parametrize(
    ("words", "ids"),
    {
        "gp": {"gp"},
        "gp, ccg": {"gp", "ccg"},
        "[gp, ccg]": {"gp", "ccg"},
        "\n  - gp\n  - ccg": {"gp", "ccg"},
        "education": {"primary-schools", "secondary-schools", "early-years"},
        "schools": {"primary-schools", "secondary-schools"},
        "schools, police": {"primary-schools", "secondary-schools", "police"},
        "everyone": {
            *("gp", "ccg", "primary-schools", "secondary-schools"),
            *("early-years", "police", "other"),
        },
    }.items(),
)
def test_addressees_become_agencies(tmp_path: Path, words: str, ids: set[str]) -> None:
    """Agencies, sectors, groups and `everyone`, in a list or with commas, name the same ids."""
    articles = {
        "news": article("a", "A", f"for: {words}", f"first_for: {words}"),
        "other": article("a", "B", "for: everyone"),
    }
    issue, _ = read(tmp_path, articles)
    assert issue.articles[0].only_for == frozenset(ids)
    assert issue.articles[0].first_for == frozenset(ids)


def test_values_on_several_lines_are_brought_onto_one(tmp_path: Path) -> None:
    """No title, summary or subject has a line end, however YAML wrote it."""
    head = headed("subject: |\n  What\n\n  is new")
    issue, _ = read(
        tmp_path, {"news": article("a", "|\n  Two\n  lines", "summary: >\n  b\n  c")}, head=head
    )
    assert issue.subject == (Text("What is new"),)
    assert issue.articles[0].title == (Text("Two lines"),)
    assert issue.articles[0].summary == (Text("b c"),)


@pytest.mark.parametrize("end", ["\r\n", "\r"])
def test_line_ends_and_byte_order_mark_make_no_difference(tmp_path: Path, end: str) -> None:
    """Files with a BOM and the line ends of Windows are read as the same issue, line for line."""
    text = article("one\ntwo\n\n::: callout\n[a](https://a.example)\n:::\n")
    head = headed()

    def other(words: str) -> bytes:
        return b"\xef\xbb\xbf" + words.replace("\n", end).encode()

    issue, _ = read_issue(write_issue(tmp_path, {"news": text}, head=head), small_registry())
    same, findings = read_issue(
        write_issue(tmp_path, {"news": other(text)}, head=other(head)), small_registry()
    )
    assert findings == []
    assert same == issue
    places = [[block.place for block in walk(i.articles[0].blocks)] for i in (issue, same)]
    assert places[0] == places[1]


def test_leftovers_of_windows_become_what_they_mean(tmp_path: Path) -> None:
    """Characters U+0080 to U+009F, which make Gmail clip a mail, become quotes and dashes."""
    issue, findings = read(
        tmp_path, {"news": article("\x93Don\x92t\x94 \x96 20\x80\x85\x81", "\x84A\x93")}
    )
    assert findings == []
    assert issue.articles[0].title == (Text("„A“"),)
    (block,) = issue.articles[0].blocks
    assert isinstance(block, Paragraph)
    assert block.content == (Text("“Don’t” – 20€…"),)


def test_control_characters_are_left_out_with_a_warning(tmp_path: Path) -> None:
    """Characters that XML forbids are removed from every file; each line with one is named."""
    issue, findings = read(
        tmp_path,
        {"news": article("a\x00b\nc\u2028d\x0b\ufffee\x1b", "A\x07")},
        head=headed("title: S\x01afe"),
    )
    assert short(tuple(findings)) == [
        ("news.md", 2, "control-character"),
        ("news.md", 4, "control-character"),
        ("news.md", 5, "control-character"),
        ("issue.yaml", 2, "control-character"),
    ]
    assert {finding.severity for finding in findings} == {Severity.WARNING}
    assert findings[1].found == "the control character U+0000"
    assert issue.head.title == "Safe"
    assert issue.articles[0].title == (Text("A"),)
    (block,) = issue.articles[0].blocks
    assert isinstance(block, Paragraph)
    assert block.content == (Text("ab c de"),)


def test_unlisted_article_is_a_warning(tmp_path: Path) -> None:
    """An article that `issue.yaml` does not list is left out, and named."""
    issue, (finding,) = read(
        tmp_path, {"news": article("a"), "draft": "not even front matter"}, head=headed()
    )
    assert len(issue.articles) == 1
    assert finding.severity is Severity.WARNING
    assert str(finding.place) == "issues/07-winter-2019/articles/draft.md:1"
    assert "List it" in finding.mend


# Mistakes in issue.yaml

HEADS: dict[str, tuple[str, int, str, str, str]] = {
    "unknown key": (
        headed("subjekt: a"),
        7,
        "unknown-key",
        "the key subjekt",
        "Did you mean subject?",
    ),
    "unknown key of the sender": (
        headed("sender: {nam: a}"),
        7,
        "unknown-key",
        "sender.nam",
        "Did you mean name?",
    ),
    "no title": (
        headed().replace("title: Safeguarding news\n", ""),
        1,
        "missing-key",
        "no title",
        "Add the line `title: …`",
    ),
    "empty title": (headed("title:"), 2, "bad-value", "nothing as title", "Write it"),
    "long subject": (headed("subject: " + "a" * 151), 4, "bad-value", "as subject", "Shorten it"),
    "list as subject": (
        headed("subject: [a]"),
        4,
        "bad-value",
        "a list as subject",
        "after the colon",
    ),
    "no number": (headed("number: seven"), 1, "bad-value", "'seven' as number", "in digits"),
    "huge number": (headed("number: " + "9" * 5000), 1, "bad-value", "as number", "smaller"),
    "number of another folder": (
        headed("number: 8"),
        1,
        "number-differs",
        "07-winter-2019",
        "Change one",
    ),
    "date in month 13": (
        headed("date: 2018-13-45"),
        3,
        "bad-value",
        "'2018-13-45' as date",
        "2019-01-31",
    ),
    "date as in Germany": (
        headed("date: 21.1.2019"),
        3,
        "bad-value",
        "'21.1.2019' as date",
        "2019-01-31",
    ),
    "date as seconds": (headed("date: 86400"), 3, "bad-value", "'86400' as date", "2019-01-31"),
    "date with a time": (headed("date: 2019-01-21T00:00"), 3, "bad-value", "as date", "2019-01-31"),
    "no language": (headed("language: English"), 7, "bad-value", "'English' as language", ""),
    "no address": (
        headed("sender: {reply_to: office}"),
        7,
        "bad-value",
        "'office' as sender.reply_to",
        "@",
    ),
    "sender as a word": (
        headed("sender: the board"),
        7,
        "bad-value",
        "'the board' as sender",
        "indented",
    ),
    "no article": (
        headed(articles="articles: []"),
        6,
        "bad-value",
        "an empty list as articles",
        "Name one",
    ),
    "articles as a word": (
        headed(articles="articles: news"),
        6,
        "bad-value",
        "'news' as articles",
        "- item",
    ),
    "article outside": (
        headed("opening: ../news"),
        7,
        "bad-value",
        "'../news' as opening",
        "early-years",
    ),
    "missing article": (
        headed(articles="articles:\n  - news\n  - nesw"),
        8,
        "missing-article",
        "'nesw'",
        "Did you mean news?",
    ),
    "missing opening": (
        headed("opening: welcome"),
        7,
        "missing-article",
        "'welcome'",
        "Write the file",
    ),
    "article twice": (
        headed(articles="articles:\n  - news\n  - news"),
        8,
        "repeated-article",
        "news a second time",
        "Take one out",
    ),
    "opening twice": (
        headed("opening: news"),
        6,
        "repeated-article",
        "news a second time",
        "Take one out",
    ),
    "merge field in the title": (
        headed('title: "{{first_name}}"'),
        2,
        "misplaced-merge-field",
        "{{first_name}}",
        "subject only",
    ),
    "unknown merge field": (
        headed('subject: "{{frist_name}}"'),
        4,
        "unknown-merge-field",
        "{{frist_name}}",
        "Did you mean {{first_name}}?",
    ),
    "bare merge field": (
        headed("subject: {{first_name}}, news"),
        4,
        "yaml",
        "keeps for itself",
        "double quotes",
    ),
    "tab": (headed(articles="articles:\n\t- news"), 7, "yaml", "a tab", "two spaces"),
    "second colon": (
        headed("subject: News: what is new"),
        4,
        "yaml",
        "a second colon",
        "double quotes",
    ),
    "not even keys": ("Safeguarding news", 1, "not-keys", "no `key: value` lines", "a colon"),
    "nothing": ("", 1, "not-keys", "no `key: value` lines", "a colon"),
    "comments only": ("# to do\n", 1, "not-keys", "no `key: value` lines", "a colon"),
    "not UTF-8": (headed("season: \udce9t\udce9"), 7, "not-utf-8", "0xe9", "UTF-8"),
}


@pytest.mark.parametrize("name", HEADS)
def test_mistake_in_issue_yaml_is_reported_once(tmp_path: Path, name: str) -> None:
    """A mistake in `issue.yaml` gives one error, with its line and what to do."""
    head, line, rule, found, mend = HEADS[name]
    folder = write_issue(
        tmp_path, {"news": article("a")}, head=head.encode("utf-8", "surrogateescape")
    )
    (finding,) = (f for f in mistakes(folder, small_registry()) if f.severity is Severity.ERROR)
    assert (finding.place.file, finding.place.line, finding.rule) == (ISSUE, line, rule)
    assert found in finding.found
    assert mend in finding.mend
    assert finding.expected
    assert finding.mend


# Mistakes in an article's file

FILES: dict[str, tuple[str, int, str, str, str]] = {
    "unknown key": (
        fronted("title: a", "sumary: b"),
        3,
        "unknown-key",
        "sumary",
        "Did you mean summary?",
    ),
    "internal key": (
        fronted("title: a", "for_: gp"),
        3,
        "unknown-key",
        "for_",
        "Did you mean for?",
    ),
    "no title": (fronted("summary: a"), 2, "missing-key", "no title", "Add the line"),
    "empty front matter": (fronted(), 2, "not-keys", "no `key: value` lines", "a colon"),
    "list as front matter": (
        fronted("- title: a"),
        2,
        "not-keys",
        "no `key: value` lines",
        "a colon",
    ),
    "unknown agency": (
        fronted("title: a", "for: gp, polise"),
        3,
        "unknown-agency",
        "'polise'",
        "Did you mean police?",
    ),
    "unknown agency in a list": (
        fronted("title: a", "first_for:", "  - gp", "  - Primary_Schools"),
        5,
        "unknown-agency",
        "'Primary_Schools'",
        "Did you mean primary-schools?",
    ),
    "agency like no other": (
        fronted("title: a", "for: zzz"),
        3,
        "unknown-agency",
        "'zzz'",
        "add it there",
    ),
    "for nobody": (fronted("title: a", "for: []"), 3, "bad-value", "as for", "Name one"),
    "for nothing": (fronted("title: a", "for:"), 3, "bad-value", "as for", "Name one"),
    "for keys": (fronted("title: a", "for: {gp: yes}"), 3, "bad-value", "as for", "- item"),
    "key twice": (
        fronted("title: a", "summary: b", "title: c"),
        4,
        "yaml-repeated-key",
        "title a second time",
        "one of the two",
    ),
    "alias": (
        fronted("title: &t a", "summary: *t"),
        3,
        "yaml-alias",
        "alias",
        "Write it out",
    ),
    "tab": (fronted("title: a", "for:", "\t- gp"), 4, "yaml", "a tab", "two spaces"),
    "open quote": (fronted('title: "a', "summary: b"), 2, "yaml", "quotes", "Close the quotes"),
    "control character as an escape": (
        fronted(r'title: "a\x02b"'),
        2,
        "control-character",
        "U+0002",
        "backslash",
    ),
    "half a character as an escape": (
        fronted(r'title: "a\ud800b"'),
        2,
        "control-character",
        "U+D800",
        "backslash",
    ),
    "escape of no character": (
        fronted("title: a", r'summary: "a\UFFFFFFFFb"'),
        3,
        "yaml",
        "no character",
        "character itself",
    ),
    "merge field in the title": (
        fronted('title: "{{titel}}"'),
        2,
        "unknown-merge-field",
        "{{titel}}",
        "Take it out",
    ),
    "no front matter": ("Text.", 1, "no-front-matter", "no front matter", "Begin the file"),
    "blank line first": (
        "\n---\ntitle: a\n---\nText.",
        1,
        "no-front-matter",
        "no front matter",
        "Begin the file",
    ),
    "open front matter": (
        "---\ntitle: a\n\nText.\n",
        1,
        "open-front-matter",
        "does not end",
        "after the last key",
    ),
    "no text": ("---\ntitle: a\n---\n\n", 3, "empty-article", "without text", "Write it"),
    "a line across": (
        "---\ntitle: a\n---\n\n***\n",
        3,
        "empty-article",
        "without text",
        "Write it",
    ),
    "only a definition": (
        "---\ntitle: a\n---\n\n[a]: https://a.example\n",
        3,
        "empty-article",
        "without text",
        "Write it",
    ),
    "not UTF-8": (
        fronted("title: a", "summary: b") + "\ncaf\udce9\n",
        6,
        "not-utf-8",
        "0xe9",
        "Save the file as UTF-8",
    ),
    "not UTF-8 after a mark": (
        "\ufeff" + fronted("title: a") + "\n\udcff\n",
        5,
        "not-utf-8",
        "0xff",
        "Save the file as UTF-8",
    ),
    "6 MB": ("a" * 6_000_000, 1, "file-too-large", "6,000,000 bytes", "Split it"),
}


@pytest.mark.parametrize("name", FILES)
def test_mistake_in_an_articles_file_is_reported_once(tmp_path: Path, name: str) -> None:
    """A mistake in front matter or in the file gives one error, with its line and what to do."""
    text, line, rule, found, mend = FILES[name]
    folder = write_issue(tmp_path, {"news": text.encode("utf-8", "surrogateescape")})
    (finding,) = mistakes(folder, small_registry())
    assert (finding.place.file, finding.place.line, finding.rule) == (NEWS, line, rule)
    assert found in finding.found
    assert mend in finding.mend
    assert finding.expected
    assert finding.mend


def test_two_articles_of_one_title(tmp_path: Path) -> None:
    """Two articles may not share a title; the finding names the place of the first."""
    folder = write_issue(tmp_path, {"a": article("a", "News"), "b": article("b", "NEWS")})
    (finding,) = mistakes(folder, small_registry())
    assert str(finding.place) == "issues/07-winter-2019/articles/b.md:2"
    assert "issues/07-winter-2019/articles/a.md:2" in finding.found
    assert finding.mend == "Rename one of the two."


def test_missing_and_unreadable_files(tmp_path: Path) -> None:
    """A folder without `issue.yaml`, or with a folder of that name, gives a finding."""
    folder = tmp_path / "08-spring"
    folder.mkdir()
    (finding,) = mistakes(folder, small_registry())
    assert (str(finding.place), finding.rule) == ("issues/08-spring/issue.yaml:1", "missing-file")
    (folder / "issue.yaml").mkdir()
    (finding,) = mistakes(folder, small_registry())
    assert (finding.rule, "directory" in finding.found) == ("unreadable-file", True)


# All at once


FIVE = {
    "one": article("<br>", "One"),
    "two": article("a", "Two", "for: gpp"),
    "three": article("::: quote\na", "Three"),
    "four": article("a\n\n[b](c)", "Four"),
}
FOUND = [
    ("four.md", 6, "link-target"),
    ("one.md", 4, "raw-html"),
    ("three.md", 4, "unclosed-block"),
    ("two.md", 3, "unknown-agency"),
]


def test_mistakes_of_all_files_are_reported_at_once(tmp_path: Path) -> None:
    """One mistake in each of five files gives five findings, sorted by file and line."""
    folder = write_issue(
        tmp_path, FIVE, head=headed("date: soon", articles="articles: [one, two, three, four]")
    )
    findings = mistakes(folder, small_registry())
    assert short(findings) == [*FOUND, ("issue.yaml", 3, "bad-value")]
    assert list(findings) == sorted(findings)


@pytest.mark.parametrize("head", ["a: b: c", "", "articles: [one]\n"])
def test_articles_are_read_even_where_issue_yaml_cannot_be(tmp_path: Path, head: str) -> None:
    """A broken `issue.yaml` hides no mistake of the articles, listed or not."""
    found = short(mistakes(write_issue(tmp_path, FIVE, head=head), small_registry()))
    assert found[:4] == FOUND
    assert {file for file, _, _ in found[4:]} == {"issue.yaml"}


def test_mistakes_of_one_file_are_reported_at_once(tmp_path: Path) -> None:
    """A wrong key does not hide the mistakes in other keys or in the text below."""
    text = article("<br>", '"{{nam}}"', "sumary: a", "for: gpp", "first_for: [gp, x]")
    head = headed("titel: a", "date: soon", 'subject: "{{nam}}"', articles="articles: [news, two]")
    found = short(mistakes(write_issue(tmp_path, {"news": text}, head=head), small_registry()))
    assert found == [
        ("news.md", 2, "unknown-merge-field"),
        ("news.md", 3, "unknown-key"),
        ("news.md", 4, "unknown-agency"),
        ("news.md", 5, "unknown-agency"),
        ("news.md", 7, "raw-html"),
        ("issue.yaml", 3, "bad-value"),
        ("issue.yaml", 4, "unknown-merge-field"),
        ("issue.yaml", 6, "missing-article"),
        ("issue.yaml", 7, "unknown-key"),
    ]


def test_text_without_front_matter_is_read_too(tmp_path: Path) -> None:
    """Missing front matter does not hide the mistakes in the text."""
    folder = write_issue(tmp_path, {"news": "a\n\n<br>"})
    assert short(mistakes(folder, small_registry())) == [
        ("news.md", 1, "no-front-matter"),
        ("news.md", 3, "raw-html"),
    ]


# What the user sees


def newsletter(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run the command in a folder."""
    return subprocess.run(
        [sys.executable, "-m", "newsletter_mailer", *words],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_check_prints_every_finding_and_ends_with_1(project: Path) -> None:
    """`newsletter check` shows place, rule, what was found and what to do, and no traceback."""
    write_issue(project / "issues", FIVE, head=headed(articles="articles: [one, two, three]"))
    ran = newsletter(project, "check", "7")
    assert (ran.returncode, ran.stdout) == (1, "")
    assert "Traceback" not in ran.stderr
    assert "issues/07-winter-2019/articles/two.md:3  error  unknown-agency" in ran.stderr
    assert "found the agency 'gpp'; expected an id of an agency" in ran.stderr
    assert "Did you mean gp?" in ran.stderr
    assert "issues/07-winter-2019/articles/four.md:1  warning  unlisted-article" in ran.stderr
    assert ran.stderr.endswith("3 errors and 1 warning.\n")


def test_check_gives_json_to_programs(project: Path) -> None:
    """`newsletter check --json` prints the same findings as data, on standard output."""
    write_issue(project / "issues", {"news": article(r'"\u0394" <br>', r'"a\ud83d"')})
    ran = newsletter(project, "check", "7", "--json")
    assert (ran.returncode, ran.stderr) == (1, "")
    findings = json.loads(ran.stdout)["findings"]
    assert [(f["line"], f["rule"]) for f in findings] == [
        (2, "control-character"),
        (4, "raw-html"),
    ]
    assert set(findings[0]) == {"rule", "severity", "file", "line", "found", "expected", "mend"}


NAMES = {
    "6": "06-autumn-2018",
    "006": "06-autumn-2018",
    "06-autumn-2018": "06-autumn-2018",
}


@pytest.mark.parametrize("name", NAMES)
def test_issue_is_found_by_number_or_folder(name: str) -> None:
    """A number, with or without zeros, and a folder's name find an issue."""
    assert find_issue(ROOT / "issues", name) == ROOT / "issues" / NAMES[name]


@pytest.mark.parametrize(
    "name", ["2", "²", "٦", "9" * 5000, "", ".", "..", "autumn", "a\0b", "/no"]
)
def test_unknown_issue_is_wrong_usage(name: str) -> None:
    """A name of no issue is refused with the names that exist."""
    with pytest.raises(UsageError, match="06-autumn-2018"):
        find_issue(ROOT / "issues", name)


def test_number_of_two_folders_is_wrong_usage(tmp_path: Path) -> None:
    """A number that two folders bear names neither."""
    for name in ("07-a", "7-b", "70-c"):
        (tmp_path / name).mkdir()
    with pytest.raises(UsageError, match="07-a and 7-b"):
        find_issue(tmp_path, "7")
    assert find_issue(tmp_path, "70").name == "70-c"


# A new issue, and the schemas


@pytest.mark.parametrize(
    ("today", "season"),
    {
        dt.date(2018, 12, 1): "winter-2018",
        dt.date(2019, 2, 28): "winter-2019",
        dt.date(2019, 3, 1): "spring-2019",
        dt.date(2019, 8, 31): "summer-2019",
        dt.date(2019, 9, 1): "autumn-2019",
    }.items(),
)
def test_new_issue_holds_no_mistake(
    project: Path, registry: Registry, today: dt.date, season: str
) -> None:
    """The folder that `newsletter new` writes can be read and covers every agency as it is."""
    folder = scaffold(load_settings(project), 7, today)
    assert folder == project / "issues" / f"07-{season}"
    issue, findings = read_issue(folder, registry)
    assert findings + coverage(issue, registry) == []
    assert (issue.head.number, issue.head.date) == (7, today)
    assert issue.head.season == season.replace("-", " ").capitalize()
    assert "$" not in repr(issue)
    assert (folder / "images").is_dir()


def test_new_issue_takes_pictures_along(project: Path, registry: Registry) -> None:
    """Pictures and hidden files among the office's templates are copied as they are."""
    images = project / "templates" / "issue" / "images"
    images.mkdir()
    picture = (ROOT / "issues/06-autumn-2018/images/festival.png").read_bytes()
    (images / "logo.png").write_bytes(picture)
    folder = scaffold(load_settings(project), 7, dt.date(2019, 1, 21))
    assert (folder / "images" / "logo.png").read_bytes() == picture
    assert read_issue(folder, registry)[1] == []


def test_new_issue_of_a_taken_number(project: Path) -> None:
    """A number that an issue has is refused, and nothing is written."""
    before = sorted((project / "issues").rglob("*"))
    with pytest.raises(UsageError, match="06-autumn-2018"):
        scaffold(load_settings(project), 6, dt.date(2019, 1, 21))
    assert sorted((project / "issues").rglob("*")) == before


def test_new_issue_without_templates(project: Path) -> None:
    """Where templates/issue is missing, that is said, and nothing is written."""
    (project / "templates" / "issue").rename(project / "elsewhere")
    before = sorted((project / "issues").rglob("*"))
    with pytest.raises(UsageError, match="templates/issue"):
        scaffold(load_settings(project), 7, dt.date(2019, 1, 21))
    assert sorted((project / "issues").rglob("*")) == before


def schemas(folder: Path) -> dict[str, Any]:
    """The written schemas, by file name."""
    return {path.name: json.loads(path.read_text("utf-8")) for path in write_schemas(folder)}


def fits(value: object, schema: dict[str, Any], root: dict[str, Any]) -> bool:
    """Whether data fits a schema, by the few keywords that ours use."""
    known = {
        *("$defs", "$schema", "additionalProperties", "anyOf", "default", "description"),
        *("format", "items", "maxLength", "maximum", "minItems", "minLength", "minimum"),
        *("pattern", "properties", "required", "title", "type", "$ref"),
    }
    assert set(schema) <= known, set(schema) - known
    if "$ref" in schema:
        return fits(value, root["$defs"][schema["$ref"].removeprefix("#/$defs/")], root)
    if "anyOf" in schema:
        return any(fits(value, choice, root) for choice in schema["anyOf"])
    match schema["type"]:
        case "null":
            return value is None
        case "integer":
            least, most = schema["minimum"], schema["maximum"]
            return isinstance(value, int) and least <= value <= most
        case "string":
            if not isinstance(value, str):
                return False
            if schema.get("format") == "date" and not re.fullmatch(r"\d{4}-\d\d-\d\d", value):
                return False
            length = schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", 9999)
            return length and bool(re.search(schema.get("pattern", ""), value))
        case "array":
            return (
                isinstance(value, list)
                and len(value) >= schema.get("minItems", 0)
                and all(fits(item, schema["items"], root) for item in value)
            )
        case _:
            assert schema["type"] == "object"
            assert schema["additionalProperties"] is False
            return (
                isinstance(value, dict)
                and set(schema.get("required", ())) <= set(value) <= set(schema["properties"])
                and all(fits(v, schema["properties"][k], root) for k, v in value.items())
            )


class Loader(yaml.SafeLoader):
    """YAML 1.2 as editors' tools read it: a date is a string."""


Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith("timestamp")]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def loaded(text: str) -> Any:  # noqa: ANN401 - any YAML
    """YAML as data."""
    return yaml.load(text, Loader)  # noqa: S506 - a SafeLoader


def test_shipped_files_fit_the_schemas(tmp_path: Path) -> None:
    """Every issue.yaml, front matter and registry that is shipped fits its JSON Schema."""
    written = schemas(tmp_path / "schemas")
    heads = sorted(ROOT.glob("issues/*/issue.yaml"))
    articles = sorted(ROOT.glob("issues/*/articles/*.md"))
    assert (len(heads), len(articles)) == (2, 24)
    files = {
        "issue.schema.json": [loaded(path.read_text("utf-8")) for path in heads],
        "article.schema.json": [
            loaded(path.read_text("utf-8").split("---\n")[1]) for path in articles
        ],
        "agencies.schema.json": [
            loaded((ROOT / "subscribers" / "agencies.yaml").read_text("utf-8"))
        ],
    }
    for name, values in files.items():
        assert all(fits(value, written[name], written[name]) for value in values)


FITTING: dict[str, bool] = {
    "title: a": True,
    "summary: a": False,
    "title: ''": False,
    "title: a\nfor: gp": True,
    "title: a\nfor: gp, ccg": True,
    "title: a\nfor: [gp, ccg]": True,
    "title: a\nfirst_for: []": False,
    "title: a\nfor_: gp": False,
    "title: a\nfor: {gp: ccg}": False,
    f"title: {'a' * 201}": False,
}


@pytest.mark.parametrize("front", FITTING)
def test_schema_and_program_agree_on_front_matter(tmp_path: Path, front: str) -> None:
    """Front matter fits the written schema exactly where the program can read it."""
    schema = schemas(tmp_path)["article.schema.json"]
    assert fits(loaded(front), schema, schema) is FITTING[front]
    issue = write_issue(tmp_path, {"news": fronted(front)})
    if FITTING[front]:
        read_issue(issue, small_registry())
    else:
        assert mistakes(issue, small_registry())


def test_issue_schema_names_what_is_needed(tmp_path: Path) -> None:
    """The schema of issue.yaml says which keys are needed, and what a date and an address are."""
    schema = schemas(tmp_path)["issue.schema.json"]
    needed = {"number", "title", "date", "subject", "preheader", "articles"}
    assert set(schema["required"]) == needed
    assert schema["properties"]["date"]["format"] == "date"
    assert schema["properties"]["subject"]["maxLength"] == 150
    reply_to = schema["$defs"]["IssueSender"]["properties"]["reply_to"]
    assert {"type": "string", "format": "email"} in reply_to["anyOf"]
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"


def test_schemas_cannot_be_written_into_a_file(tmp_path: Path) -> None:
    """A folder that cannot be made is wrong usage."""
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="file"):
        write_schemas(tmp_path / "file" / "schemas")


# Whatever is typed

MARKS = [
    *("{{", "}}", "{{first_name}}", "<!--", "-->", "<br>", "]]>", "<![CDATA[", "&#12;", "&amp;"),
    *(":::", "::: only gp", "::: facts", "::: callout A", "::: event", "::: figure", "::: table"),
    *("- ", "1. ", "> ", "# ", "## ", "|", "|-|", "---", "```", "    ", "\t", "\n", "\r\n", "\n\n"),
    *("*", "**", "_", "`", "[", "](", ")", "![", "[a](https://a.example)", "[a]: ", "\\", "~~~"),
    *("title: ", "for: gp", "dates:\n  - ", "- [gp] ", "-- ", "\x00", "\x85", "\u2028", "\ufffe"),
    *("\u202e", "\u200b", "\ufeff", "\U0001f469\u200d\U0001f467", "שלום", '"', "'", "&a ", "*a"),
    *("%", "{%", "*|A|*", "https://[::1", "mailto:", "javascript:", "\x1b[31m", "\\ud800"),
    *("\\UFFFFFFFF", "\\x02", "? ", ": ", "!!x ", "@", "\u00a0"),
]
TYPED = st.lists(
    st.sampled_from(MARKS) | st.text(st.characters(codec="utf-8"), max_size=8), max_size=30
).map("".join)


def read_or_refused(folder: Path) -> None:
    """Read an issue; where it has mistakes, each must stand in a line that its file has."""
    try:
        issue, findings = read_issue(folder, small_registry(), shown="issue")
        findings = [*findings, *coverage(issue, small_registry())]
    except IssueError as error:
        findings = list(error.findings)
        assert any(finding.severity is Severity.ERROR for finding in findings)
    for finding in findings:
        path = folder.parent / finding.place.file.replace("issue", folder.name, 1)
        lines = path.read_bytes().decode("utf-8").replace("\r\n", "\n").replace("\r", "\n")
        assert 1 <= finding.place.line <= lines.count("\n") + 1
        assert not UNSAFE.search(str(finding))
        assert "\n" not in str(finding)


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that the examples of these tests share."""
    return tmp_path_factory.mktemp("typed")


@settings(max_examples=300, deadline=None)
@given(body=TYPED)
def test_any_text_as_an_articles_body(scratch: Path, body: str) -> None:
    """Whatever stands in an article, it is read or refused by findings in lines that exist."""
    read_or_refused(write_issue(scratch, {"news": article(body)}))


@settings(max_examples=200, deadline=None)
@given(front=TYPED)
def test_any_text_as_front_matter(scratch: Path, front: str) -> None:
    """Whatever stands in front matter, it is read or refused by findings in lines that exist."""
    read_or_refused(write_issue(scratch, {"news": f"---\n{front}\n---\nText."}))


@settings(max_examples=200, deadline=None)
@given(text=TYPED, key=st.sampled_from(["", "title: ", "articles: ", "subject: "]))
def test_any_text_as_issue_yaml(scratch: Path, text: str, key: str) -> None:
    """Whatever stands in issue.yaml, it is read or refused by findings in lines that exist."""
    head = HEAD + "articles: [news]\n" + key + text
    read_or_refused(write_issue(scratch, {"news": article("a")}, head=head))


@settings(max_examples=150, deadline=None)
@given(kind=st.sampled_from(sorted(BLOCK_READERS)), title=TYPED, body=TYPED)
def test_any_text_in_any_block(scratch: Path, kind: str, title: str, body: str) -> None:
    """Whatever stands in a block, it is read or refused by findings in lines that exist."""
    read_or_refused(write_issue(scratch, {"news": article(f"::: {kind} {title}\n{body}\n:::")}))


@settings(max_examples=50, deadline=None)
@given(data=st.binary(max_size=200))
def test_any_bytes_as_files(scratch: Path, data: bytes) -> None:
    """Whatever bytes an article and a picture are, there is an answer and no crash."""
    body = article("::: figure\n![a](images/any.png)\n:::")
    folder = write_issue(scratch / "bytes", {"news": body, "other": data})
    for start in (b"", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", b"\xff\xd8\xff\xe0", b"GIF89a"):
        (folder / "images" / "any.png").write_bytes(start + data)
        with pytest.raises(IssueError):
            read_issue(folder, small_registry())


SHIPPED = sorted((ROOT / "issues" / "06-autumn-2018" / "articles").glob("*.md"))


@settings(max_examples=100, deadline=None)
@given(path=st.sampled_from(SHIPPED), data=st.data())
def test_any_shuffling_of_an_articles_lines(scratch: Path, path: Path, data: st.DataObject) -> None:
    """An article of issue 6 with lines lost, doubled or moved is read or refused by findings."""
    lines = path.read_text("utf-8").split("\n")
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(lines) - 1))
        to = data.draw(st.integers(0, len(lines) - 1))
        match data.draw(st.sampled_from(["lose", "double", "move", "cut", "indent"])):
            case "lose":
                lines = lines[:at] + lines[at + 1 :] or [""]
            case "double":
                lines.insert(to, lines[at])
            case "move":
                lines.insert(to, lines.pop(at))
            case "cut":
                lines[at] = lines[at][: len(lines[at]) // 2]
            case _:
                lines[at] = "  " + lines[at]
    text = "\n".join(lines)
    folder = write_issue(scratch, {"news": text}, pictures=["festival.png"])
    read_or_refused(folder)
