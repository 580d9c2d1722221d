"""Mending links in files: the URL changes, and not a byte besides."""

import datetime as dt
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter_mailer.checking.links.fixing import fix, replacements
from newsletter_mailer.checking.links.mention import Mention
from newsletter_mailer.checking.links.mentions import mentions
from newsletter_mailer.checking.links.verdict import LinkResult, Verdict
from newsletter_mailer.errors import IssueError, UsageError
from newsletter_mailer.findings import Place
from newsletter_mailer.reading.agencies import Registry
from newsletter_mailer.reading.document import Issue
from newsletter_mailer.reading.issue import read_issue
from newsletter_mailer.reading.targets import Syntax, spelt, targets
from tests.link_server import LinkServer, page, reply, send_to
from tests.office import Office
from tests.projects import ROOT, article, small_registry, write_issue

HOST = "127.0.0.1"
ONLINE = {"NEWSLETTER_LINKS__CHECK": "true", "NEWSLETTER_LINKS_ALLOW": HOST}
OLD = "http://old.example.org/page"
NEW = "https://new.example.org/a_b/c?x=1&y=2"
NOW = dt.datetime(2026, 3, 1, 9, 30, tzinfo=dt.UTC)

KITCHEN_SINK = ROOT / "tests" / "fixtures" / "kitchen-sink" / "42-spring-2031"
ISSUES = [*sorted((ROOT / "issues").iterdir()), KITCHEN_SINK]


def result(url: str, replacement: str | None) -> LinkResult:
    """What a look at a link came to."""
    return LinkResult(url, Verdict.MOVED, "Moved", NOW, replacement=replacement)


def mended(folder: Path, body: str | bytes, wanted: dict[str, str]) -> bytes:
    """The body of an article after its links were mended."""
    text = article(body) if isinstance(body, str) else body
    issue = write_issue(folder / "issues", {"news": text})
    fix(folder, lambda: read_issue(issue, small_registry())[0], wanted)
    return (issue / "articles" / "news.md").read_bytes()


def expect(folder: Path, before: str, after: str) -> None:
    """That mending makes of one body the other."""
    made = mended(folder, before, {OLD: NEW}).decode()
    assert made == article(after)


@pytest.mark.parametrize("folder", ISSUES, ids=lambda path: path.name)
def test_every_link_is_found_in_its_file(folder: Path, registry: Registry) -> None:
    """In each shipped article the targets found in its text are those of the tree, no more."""
    issue, _ = read_issue(folder, registry)
    for one in issue.every_article:
        text = (folder / "articles" / f"{one.id}.md").read_bytes().decode("utf-8")
        in_tree = Counter(
            mention.url
            for mention in mentions(issue)
            if mention.article == one.id and mention.url.startswith("http")
        )
        found = targets(text)
        in_text = Counter(
            target.url
            for target in found
            if target.url.startswith("http") and target.syntax is not Syntax.WORDS
        )
        assert in_text == in_tree
        lines = text.splitlines()
        assert all(text[each.start : each.end] in lines[each.line - 1] for each in found)


FORM = """\
::: resources
- name: N
  offers: O
  link: OLD
  more:
    - text: T
      link: OLD
    - {text: U, link: OLD}
    - {link: OLD, text: V}
:::"""


@pytest.mark.parametrize(
    "body",
    [
        "See [it all](OLD).",
        'See [it all]( OLD  "Their page" ).',
        "See [it\nall](\nOLD\n).",
        "See [it all](<OLD>).",
        "See [the [whole] thing](OLD).",
        "See <OLD>.",
        "See [all][1].\n\n[1]: OLD\n",
        "See [all].\n\n[All]:\n  <OLD> 'Their page'\n",
        "> - See **[all](OLD)**\n>   and [more](OLD)",
        "| a | b |\n|---|---|\n| [x](OLD) | y |",
        "::: button\n[Go to it](OLD)\n:::",
        "::: contact\nname: Us\nlink: OLD   # theirs\n:::",
        "::: contact\nname: Us\nlink: 'OLD'\n:::",
        '::: contact\nname: Us\nlink: "OLD"\n:::',
        "::: event\ntitle: T\ndates: [2031-01-02]\nbook: OLD\n:::",
        "::: only gp\nSee [it all](OLD).\n:::\n\nAll.",
        FORM,
    ],
)
def test_each_way_to_write_a_link(tmp_path: Path, body: str) -> None:
    """In Markdown, in definitions and in forms the URL is changed, and nothing around it."""
    expect(tmp_path, body.replace("OLD", OLD), body.replace("OLD", NEW))


def test_a_link_that_shows_its_own_address(tmp_path: Path) -> None:
    """Words that are the URL change with it, escaped so that they still show it."""
    escaped = NEW.replace("_", "\\_")
    expect(tmp_path, f"See [{OLD}]({OLD}).", f"See [{escaped}]({NEW}).")
    other = "http://other.example.org/"
    expect(tmp_path, f"See [{OLD}]({other}).", f"See [{OLD}]({other}).")


@pytest.mark.parametrize(
    "body",
    [
        "See [more]({old}/more), [text]({old}?x=1), [place]({old}#top), [host](http://x.org/?u={old}).",
        "The words {old} are no link, nor `<{old}>`, nor `[x]({old})`.",
        "```\n[x]({old})\n<{old}>\n```\n\nText.",
        "Text.\n\n    [x]({old})\n",
        "No link: \\[x]({old}) and \\<{old}>.",
        "link: {old}",
    ],
)
def test_what_is_no_such_link_stays(tmp_path: Path, body: str) -> None:
    """Longer URLs, code, escaped signs and bare words that hold the URL are left as they are."""
    before = f"See [it]({OLD}).\n\n" + body.format(old=OLD)
    after = f"See [it]({NEW}).\n\n" + body.format(old=OLD)
    expect(tmp_path, before, after)


@pytest.mark.parametrize(
    ("url", "written"),
    [
        ("http://old.example.org/a_b", "http://old.example.org/a\\_b"),
        ("http://old.example.org/?a=1&b=2", "http://old.example.org/?a=1&amp;b=2"),
        ("http://old.example.org/a(b)", "http://old.example.org/a(b)"),
        ("http://old.example.org/a)b", "http://old.example.org/a\\)b"),
        ("http://old.example.org/a%20b", "<http://old.example.org/a b>"),
        ("http://old.example.org/%C3%BC", "http://old.example.org/ü"),
        ("http://xn--bcher-kva.example.org/", "http://bücher.example.org/"),
    ],
)
def test_a_url_is_known_however_it_is_written(tmp_path: Path, url: str, written: str) -> None:
    """Escaped, unencoded and bracketed forms are found by what the tree makes of them."""
    made = mended(tmp_path, f"See [it]({written}).", {url: NEW}).decode()
    assert made.replace("<", "").replace(">", "") == article(f"See [it]({NEW}).")


@pytest.mark.parametrize(
    "new",
    [
        "https://x.example.org/a(b",
        "https://x.example.org/a)b",
        "https://x.example.org/?a=1&copy;=2",
        "https://x.example.org/it's,a*b_c~d!",
    ],
)
@pytest.mark.parametrize(
    "body",
    [
        "See [it](OLD) and <OLD>.",
        "See [it](<OLD>).",
        "::: contact\nname: Us\nlink: 'OLD'\n:::",
        "::: resources\n- name: N\n  offers: O\n  more: [{text: T, link: OLD}]\n:::",
    ],
)
def test_signs_of_the_new_url_are_escaped(tmp_path: Path, new: str, body: str) -> None:
    """Brackets, entities, quotes and commas in the new URL arrive in the tree as they are."""
    issue = write_issue(tmp_path / "issues", {"news": article(body.replace("OLD", OLD))})

    def read() -> Issue:
        return read_issue(issue, small_registry())[0]

    fixed = fix(tmp_path, read, {OLD: new})
    assert fixed.left == ()
    assert {mention.url for mention in mentions(read())} == {new}


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("last", ["", "\n\n\n"])
def test_the_bytes_around_stay(tmp_path: Path, end: str, mark: bytes, last: str) -> None:
    """Byte-order mark, line ends, a missing last line end, odd spaces and permissions stay."""
    lines = [
        "---",
        "title:  Größe\u00a0 ",
        "---",
        "Schön\t [it](OLD) \u2028 x  ",
        "",
        f"<OLD>{last}",
    ]
    text = end.join(lines)
    before, after = (mark + text.replace("OLD", url).encode("utf-8") for url in (OLD, NEW))
    issue = write_issue(tmp_path / "issues", {"news": before})
    path = issue / "articles" / "news.md"
    path.chmod(0o640)
    fixed = fix(tmp_path, lambda: read_issue(issue, small_registry())[0], {OLD: NEW})
    assert path.read_bytes() == after
    assert path.stat().st_mode & 0o777 == 0o640
    assert [change.place.line for change in fixed.changes] == [4, 6]
    assert sorted(entry.name for entry in path.parent.iterdir()) == ["news.md"]


WORDS = st.text(alphabet="abc ÄÖ_*`[]()<>\\&;:#!|-\n\t'\"{}", max_size=30)
LINKS = st.sampled_from(["[x](OLD)", "<OLD>", "[x](<OLD>)", "OLD", "[OLD](OLD)", "OLD/longer"])


@given(st.lists(st.tuples(WORDS, LINKS), max_size=6), st.sampled_from(["\n", "\r\n"]))
def test_rewriting_touches_targets_only(parts: list[tuple[str, str]], end: str) -> None:
    """Whatever stands around them, ranges hold the URL alone, in order, without overlap."""
    text = "".join(words + link for words, link in parts).replace("OLD", OLD).replace("\n", end)
    at = 0
    for target in targets(text):
        assert at <= target.start < target.end
        at = target.end
        assert end not in text[target.start : target.end]
        assert text[target.start : target.end].startswith("http")
        assert text.count("\n", 0, target.start) == target.line - 1


@given(st.text(alphabet="ab()&;_*'~.,/?=#%20", max_size=20), st.sampled_from(list(Syntax)))
def test_what_is_spelt_is_read_back(rest: str, syntax: Syntax) -> None:
    """A URL written into any kind of place is found there again as the same URL."""
    url = next(iter(t.url for t in targets(f"<https://x.example.org/{rest}>")), None)
    if url is None:
        return
    place = {
        Syntax.DESTINATION: "[x](URL)",
        Syntax.ANGLED: "[x](<URL>)",
        Syntax.AUTOLINK: "<URL>",
        Syntax.PLAIN: "::: contact\nlink: URL\n:::",
        Syntax.SINGLE: "::: contact\nlink: 'URL'\n:::",
        Syntax.DOUBLE: '::: contact\nlink: "URL"\n:::',
        Syntax.FLOW: "::: resources\n- {link: URL, name: N}\n:::",
    }.get(syntax)
    if place:
        found = targets(place.replace("URL", spelt(url, syntax)))
        assert [target.url for target in found] == [url]


def test_a_file_that_would_change_otherwise_is_put_back(tmp_path: Path) -> None:
    """When the issue reads differently afterwards, all files get their bytes back."""
    texts = {"news": article(f"See [it]({OLD})."), "more": article(f"And [it]({OLD}).", "More")}
    issue = write_issue(tmp_path / "issues", texts)
    other = write_issue(tmp_path / "other", {**texts, "more": article("Other words.", "More")})
    reads = iter([issue, other])
    with pytest.raises(IssueError, match="left as it was"):
        fix(tmp_path, lambda: read_issue(next(reads), small_registry())[0], {OLD: NEW})
    for name, text in texts.items():
        assert (issue / "articles" / f"{name}.md").read_bytes() == text.encode()


def test_a_file_that_cannot_be_written_stays(tmp_path: Path) -> None:
    """When a folder takes no file, the message names it and nothing has changed."""
    issue = write_issue(tmp_path / "issues", {"news": article(f"See [it]({OLD}).")})
    path = issue / "articles" / "news.md"
    long = path.with_name("n" * 240 + ".md")  # with a draft's ending it is too long for any name
    path.rename(long)
    path.symlink_to(long)
    with pytest.raises(UsageError, match="cannot be written"):
        fix(tmp_path, lambda: read_issue(issue, small_registry())[0], {OLD: NEW})
    assert OLD in long.read_text(encoding="utf-8")


def test_which_replacements_are_safe() -> None:
    """Moved pages and wrappers are replaced, chains to their end, circles and doubts never."""
    inner = "https://www.example.org/page?utm_source=x&id=3"
    wrapped = f"https://www.google.com/url?q={quote(inner, safe='')}"
    a, b, c = (f"https://{name}.example.org/" for name in "abc")
    found = [Mention(Place("f"), url, "w", "news") for url in (wrapped, a, b, c, "tel:123")]
    results = {a: result(a, b), b: result(b, None), c: result(c, c)}
    assert replacements(found, results) == {wrapped: inner, a: b}
    stripped = replacements(found, results, strip_tracking=True)
    assert stripped[wrapped] == "https://www.example.org/page?id=3"
    results[b] = result(b, c)
    assert replacements(found, results)[a] == c
    results[c] = result(c, a)
    assert replacements(found, results) == {wrapped: inner}


# On the command line


@pytest.fixture
def server() -> Iterator[LinkServer]:
    """A small web whose pages have moved for good, or for now."""
    plays = {
        f"{HOST}/new": reply(200, page("New")),
        f"{HOST}/newer": reply(200, page("Newer")),
        f"{HOST}/old": send_to("/new"),
        f"{HOST}/older": send_to("/newer", 308),
        f"{HOST}/for-now": send_to("/new", 302),
    }
    with LinkServer(plays).running() as made:
        yield made


_URL = re.compile(rb"https?://[^\s)>]+")


def bytes_of(folder: Path) -> dict[str, bytes]:
    """The files of issue 6."""
    issue = folder / "issues" / "06-autumn-2018"
    return {p.name: p.read_bytes() for p in issue.rglob("*") if p.is_file()}


def test_fix_on_issue_6_changes_only_urls(project: Path, server: LinkServer) -> None:
    """Moved and wrapped links of issue 6 are mended; all else is the same byte by byte."""
    home = f"http://{HOST}:{server.port}"
    wrapped = f"https://www.google.com/url?q={quote(home + '/new', safe='')}"
    names = ["old", "older", "for-now", "new", "gone"]
    urls = [*(f"{home}/{name}" for name in names), wrapped]
    articles = project / "issues" / "06-autumn-2018" / "articles"
    count = 0

    def other(_: re.Match[bytes]) -> bytes:
        nonlocal count
        count += 1
        return urls[count % len(urls)].encode()

    for path in sorted(articles.glob("*.md")):
        path.write_bytes(_URL.sub(other, path.read_bytes()))
    before = bytes_of(project)
    office = Office(project)
    done = office.run("check", "6", "--fix", "--json", **ONLINE)
    after = bytes_of(project)
    expected = {
        f"{home}/old": f"{home}/new",
        f"{home}/older": f"{home}/newer",
        wrapped: f"{home}/new",
    }
    assert {change["old"]: change["new"] for change in done.data["fixed"]} == expected

    def as_expected(match: re.Match[bytes]) -> bytes:
        return expected.get(match[0].decode(), match[0].decode()).encode()

    assert after == {name: _URL.sub(as_expected, data) for name, data in before.items()}
    assert after != before
    verdicts = {each["url"]: each["verdict"] for each in done.data["links"]}
    assert verdicts[f"{home}/newer"] == "ok"
    assert not set(verdicts) & set(expected)
    again = office.run("check", "6", "--fix", "--json", **ONLINE)
    assert again.data["fixed"] == []
    assert bytes_of(project) == after


def test_what_was_changed_is_said(project: Path, server: LinkServer) -> None:
    """Each change is printed as file:line old → new; offline only wrappers are undone."""
    old, new = (f"http://{HOST}:{server.port}/{name}" for name in ("old", "new"))
    wrapped = f"https://www.google.com/url?q={quote(new + '?utm_source=x', safe='')}"
    body = f"See [the first report]({old}).\n\nSee [the second one]({wrapped})."
    issue = write_issue(project / "issues", {"news": article(body)})
    shown = "issues/07-winter-2019/articles/news.md"
    office = Office(project)
    said = office.run("check", "7", "--fix", "--offline", **ONLINE).out
    assert f"{shown}:6 {wrapped} → {new}?utm_source=x" in said
    assert server.connections == 0
    said = office.run("check", "7", "--fix", "--strip-tracking", **ONLINE).out
    assert f"{shown}:4 {old} → {new}" in said
    assert f"{shown}:6 {new}?utm_source=x → {new}" in said
    assert (issue / "articles" / "news.md").read_text(encoding="utf-8").count(f"({new})") == 2
    before = (issue / "articles" / "news.md").stat().st_mtime_ns
    assert "Nothing to mend" in office.ok("check", "7", "--fix", **ONLINE).out
    assert (issue / "articles" / "news.md").stat().st_mtime_ns == before


def test_strip_tracking_alone_is_wrong_usage(project: Path) -> None:
    """Files are changed only on request: --strip-tracking needs --fix."""
    assert Office(project).run("check", "6", "--strip-tracking").code == 2
