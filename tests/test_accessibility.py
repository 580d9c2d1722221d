"""Accessibility: each rule finds what it is for, says where it is, and lets the rest be."""

import time
from pathlib import Path

import pytest

from newsletter_mailer.checking.accessibility import RULES, VAGUE, accessibility
from newsletter_mailer.compiling.compiler import Compiler
from newsletter_mailer.compiling.email import CompiledEmail
from newsletter_mailer.findings import Finding, Severity
from newsletter_mailer.reading.document import Issue
from newsletter_mailer.settings import Settings
from tests.projects import FRONT, HEAD, article, blocks_of, read, small_registry, write_issue

NEWS = "issues/07-winter-2019/articles/news.md"


@pytest.fixture(scope="module")
def compiler(settings: Settings) -> Compiler:
    """One compiler for all issues here that keep to the shipped templates."""
    return Compiler(settings)


def findings_in(
    compiler: Compiler, settings: Settings, folder: Path, body: str, head: str = HEAD
) -> list[Finding]:
    """What is found in an issue of one article with this body."""
    write_issue(folder, {}, pictures=["festival.png"])
    issue, _ = read(folder, {"news": article(body)}, head=f"{head}articles: [news]\n")
    return accessibility(issue, compiler.compile(issue, small_registry()), settings)


def found_with(
    settings: Settings, project: Path, name: str, old: str, new: str, body: str = "Words."
) -> list[Finding]:
    """What is found in a small issue after a change of a template."""
    path = project / "templates" / "email" / name
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
    mine = settings.model_copy(update={"root": project})
    return findings_in(Compiler(mine), mine, project / "issues", body)


def test_the_shipped_issues_are_accessible(
    settings: Settings, shipped: dict[int, Issue], compiled: dict[int, tuple[CompiledEmail, ...]]
) -> None:
    """Issues 1 and 6 hold no error in any variant, nor a warning."""
    for number, issue in shipped.items():
        assert accessibility(issue, compiled[number], settings) == []


def test_looking_at_every_variant_is_quick(
    settings: Settings, shipped: dict[int, Issue], compiled: dict[int, tuple[CompiledEmail, ...]]
) -> None:
    """All variants of issue 6 are looked over in well under a second."""
    times = []
    for _ in range(3):
        start = time.perf_counter()
        accessibility(shipped[6], compiled[6], settings)
        times.append(time.perf_counter() - start)
    assert min(times) < 0.4


def test_every_kind_of_block_is_accessible(
    compiler: Compiler, settings: Settings, tmp_path: Path
) -> None:
    """A mail that holds every kind of block has no finding."""
    body = """\
Words with [a named page](https://example.org/page).

## Second level

| h | i |
|---|---|
| j | k |

::: table Caption
| h | i | l |
|---|---|---|
| j | k | m |
:::

::: callout Title
Words.
:::

::: facts Facts
- **9** of ten
:::

::: figure
![A festival](images/festival.png)

A caption.
:::

::: compare
### Do

This.

### Do not

That.
:::

::: cards
### One

Words.
:::

::: key-figures Figures
| What | 2017 | 2018 |
|---|---|---|
| Calls | 10 | 12 |
:::

::: event
title: A day
dates: [2019-02-01 09:30-12:30]
book: https://example.org/book
:::

::: contact
name: The office
email: office@example.org
phone: 0116 000 0000
link: https://example.org
:::

::: resources
- name: A charity
  offers: Help
  link: https://example.org/charity
:::

::: button
[Read the report](https://example.org/report)
:::

::: actions
- [everyone] Read the [report](https://example.org/report).
:::
"""
    assert blocks_of(tmp_path / "alone", body)
    assert findings_in(compiler, settings, tmp_path, body) == []


@pytest.mark.parametrize(
    ("words", "rule", "severity"),
    [
        ("here", "link-vague", Severity.ERROR),
        ("Click here!", "link-vague", Severity.ERROR),
        ("**Read more** »", "link-vague", Severity.ERROR),
        ("this link", "link-vague", Severity.ERROR),
        ("More…", "link-vague", Severity.ERROR),
        ("x", "link-vague", Severity.ERROR),
        ("https://example.org/p", "link-bare-url", Severity.WARNING),
        ("www.example.org", "link-bare-url", Severity.WARNING),
        ("example.org/page", "link-bare-url", Severity.WARNING),
    ],
)
def test_words_that_say_nothing_about_a_link(
    compiler: Compiler, settings: Settings, tmp_path: Path, words: str, rule: str, severity: str
) -> None:
    """Vague words are errors and bare addresses warnings, each with the line of the link."""
    body = f"First.\n\nSecond [{words}](https://example.org/p) end.\n"
    (found,) = findings_in(compiler, settings, tmp_path, body)
    assert (found.rule, found.severity) == (rule, severity)
    assert str(found.place) == f"{NEWS}:{FRONT + 3}"
    assert found.mend


@pytest.mark.parametrize(
    "words",
    [
        "the report",
        "Read more about neglect",
        "office@example.org",
        "Here be dragons",
        "gov.uk",
        "{{name}}",
    ],
)
def test_words_that_say_where_a_link_leads(
    compiler: Compiler, settings: Settings, tmp_path: Path, words: str
) -> None:
    """Links with words of their own have no finding."""
    assert findings_in(compiler, settings, tmp_path, f"[{words}](https://example.org/p)") == []


@pytest.mark.parametrize(
    ("block", "line"),
    [
        ("- a\n\n::: button\n[here](https://example.org)\n:::", 3),
        (
            "::: resources\n- name: A\n  offers: B\n- name: here\n  offers: C\n  link: https://e.org\n:::",
            4,
        ),
        (
            "::: resources\n- name: A\n  offers: B\n  more: [{text: here, link: https://e.org}]\n:::",
            2,
        ),
        ("::: facts\n- a\n- b [here](https://example.org)\n:::", 3),
        ("::: actions\n- [gp] a\n- [gp] b [here](https://example.org)\n:::", 3),
        ("| h | i |\n|---|---|\n| j | [here](https://example.org) |\n", 3),
        ("::: quote\nWords [here](https://example.org)\n\n-- who\n:::", 2),
    ],
)
def test_links_of_every_kind_of_block_have_their_line(
    compiler: Compiler, settings: Settings, tmp_path: Path, block: str, line: int
) -> None:
    """A vague link is placed where it stands: in boxes, tables, forms and actions too."""
    places = {f.place for f in findings_in(compiler, settings, tmp_path, block)}
    assert [str(place) for place in places] == [f"{NEWS}:{FRONT + line}"]


def test_the_list_of_vague_words_is_as_it_is_compared() -> None:
    """Every vague text is in small letters, without signs at its ends."""
    assert all(words == words.casefold().strip(" .…!") for words in VAGUE)


def test_the_same_words_for_two_targets(
    compiler: Compiler, settings: Settings, tmp_path: Path
) -> None:
    """Two links that sound alike and lead apart are one warning; two to one page are none."""
    body = "[The form](https://example.org/a)\n\n[the form](https://example.org/b)\n"
    (found,) = findings_in(compiler, settings, tmp_path, body)
    assert (found.rule, found.severity) == ("link-ambiguous", Severity.WARNING)
    assert found.place.line == FRONT + 3
    same = "[The form](https://example.org/a)\n\n[the form](https://example.org/a/)\n"
    assert findings_in(compiler, settings, tmp_path, same) == []


def test_a_finding_that_some_agencies_see_names_them(
    compiler: Compiler, settings: Settings, tmp_path: Path
) -> None:
    """A vague link in an `only` part is one finding, with the agencies that get it."""
    body = "Words.\n\n::: only gp, police\n[here](https://example.org)\n:::\n"
    (found,) = findings_in(compiler, settings, tmp_path, body)
    assert found.found.endswith("(for gp, police)")


@pytest.mark.parametrize(
    ("name", "old", "new", "rule"),
    [
        ("newsletter.mjml", ' lang="{{ head.language|attr }}"', "", "mail-language"),
        ("newsletter.mjml", "{{ head.language|attr }}", "de", "mail-language"),
        ("newsletter.mjml", "<mj-title>{{ title|attr }}</mj-title>", "", "mail-title"),
        ("masthead.html", "h1>", "p>", "mail-heading"),
        ("masthead.html", "<h1>", "<h1>Second</h1><h1>", "mail-heading"),
        ("footer.html", "<p ", "<table><tr><td>x</td></tr></table><p ", "table-role"),
        (
            "footer.html",
            "<p ",
            '<table role="presentation"><tr><th scope="col">x</th></tr></table><p ',
            "table-role",
        ),
        ("footer.html", "<p ", "<table><tr><th>x</th></tr></table><p ", "table-scope"),
        ("footer.html", "<p ", '<img src="https://example.org/a.png" alt=" " /><p ', "image-alt"),
        ("footer.html", "<p ", '<a href="https://example.org"></a><p ', "link-empty"),
        ("footer.html", "<p ", '<a href="https://example.org">here</a><p ', "link-vague"),
        ("footer.html", "<p ", "<h6>Deep</h6><p ", "heading-skipped"),
    ],
)
def test_a_mistake_of_a_template_is_placed_in_it(
    settings: Settings, project: Path, name: str, old: str, new: str, rule: str
) -> None:
    """What a template does wrong is an error, found once, in that template."""
    found = found_with(settings, project, name, old, new)
    assert {finding.rule for finding in found} == {rule}
    assert len({finding.place for finding in found}) == 1
    assert found[0].severity is Severity.ERROR
    if rule not in ("mail-title", "mail-heading", "mail-language"):
        assert found[0].place.file == f"templates/email/{name}"
    assert rule in RULES


def test_a_picture_without_alt_is_placed_at_its_figure(settings: Settings, project: Path) -> None:
    """Where a template drops the alternative text, the figure of the issue is named."""
    body = "Words.\n\n::: figure\n![A festival](images/festival.png)\n:::\n"
    (found,) = found_with(settings, project, "blocks/figure.html", ' alt="', ' title="', body)
    assert (found.rule, str(found.place)) == ("image-alt", f"{NEWS}:{FRONT + 3}")


def test_a_picture_in_a_link_gives_it_words(settings: Settings, project: Path) -> None:
    """A link around a picture is named by the picture's alternative text, or its label."""
    link = '<a href="https://example.org"><img src="https://example.org/a.png" alt="Home" /></a>'
    labelled = '<a href="https://example.org/x" aria-label="Our page"></a>'
    assert found_with(settings, project, "footer.html", "<p ", f"{link}{labelled}<p ") == []


def test_a_skipped_heading_names_agencies_and_line(settings: Settings, project: Path) -> None:
    """A level that is skipped for some agencies only is placed at its heading, with their names."""
    body = "## Two\n\nWords.\n\n::: only gp\n::: facts Deep facts\n- one\n:::\n:::\n"
    (found,) = found_with(
        settings, project, "blocks/facts.html", "heading(level,", "heading(level + 1,", body
    )
    assert (found.rule, str(found.place)) == ("heading-skipped", f"{NEWS}:{FRONT + 6}")
    assert found.found.endswith("(for gp)")
