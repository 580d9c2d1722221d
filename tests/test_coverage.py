"""Coverage: what reaches nobody, and who is left with nothing."""

from pathlib import Path

import pytest

from newsletter_mailer.checking.coverage import coverage
from newsletter_mailer.findings import Finding, Severity
from newsletter_mailer.reading.agencies import Registry
from newsletter_mailer.reading.document import Issue
from tests.projects import FRONT, HEAD, article, read, small_registry

BASE = {"base": article("Text for everyone.", "Base")}
"""An article that every agency gets, so that a test's own may be for some only."""


def covered(folder: Path, body: str, *front: str) -> list[Finding]:
    """The findings of coverage for an article with this body and front matter."""
    issue, findings = read(folder, {"news": article(body, "News", *front), **BASE})
    assert findings == []
    return coverage(issue, small_registry())


GOOD = {
    "plain text": ("a", ()),
    "for some": ("a", ("for: gp", "first_for: gp")),
    "a part for some": ("a\n\n::: only gp\nb\n:::", ()),
    "parts for all": ("::: only health\na\n:::\n\n::: only education, police, other\nb\n:::", ()),
    "a part for a part": ("a\n\n::: only health\nb\n\n::: only gp\nc\n:::\n:::", ()),
    "a heading of a part": ("a\n\n::: only gp\n## b\n\nc\n:::", ()),
    "a heading above headings": ("## a\n\n### b\n\nc", ()),
    "an action for some": ("a\n\n::: actions\n- [gp] b\n:::", ()),
    "an action of those who get it": ("a\n\n::: actions\n- [gp] b\n:::", ("for: health",)),
    "an article of actions": ("::: actions\n- [gp] b\n:::", ("for: gp",)),
}


@pytest.mark.parametrize("name", GOOD)
def test_what_reaches_someone_gives_no_finding(tmp_path: Path, name: str) -> None:
    """Parts, headings and actions that someone gets, and that leave nobody empty, are right."""
    body, front = GOOD[name]
    assert covered(tmp_path, body, *front) == []


Expected = tuple[str, tuple[str, ...], int, str, str, str]
"""A body, front matter; the line in the body, the rule, and parts of what was found and to do."""

ERRORS: dict[str, Expected] = {
    "a part for others than the article": (
        *("a\n\n::: only gp\nb\n:::", ("for: police",)),
        *(3, "reaches-nobody", "a part that reaches no agency", "take the part out"),
    ),
    "a part for others than the part around": (
        *("a\n\n::: only police\nb\n\n::: only gp\nc\n:::\n:::", ()),
        *(6, "reaches-nobody", "a part that reaches no agency", "take the part out"),
    ),
    "a part for others, in a callout, in a part": (
        *("a\n\n::: only police\n::: callout\nb\n\n::: only gp\nc\n:::\n:::\n:::", ()),
        *(7, "reaches-nobody", "a part that reaches no agency", "take the part out"),
    ),
    "a part for others, in a list": (
        *("a\n\n- b\n- c\n\n  ::: only gp\n  d\n  :::", ("for: schools",)),
        *(6, "reaches-nobody", "a part that reaches no agency", "take the part out"),
    ),
    "an action for others than the article": (
        *("a\n\n::: actions\n- [police] b\n- [gp, ccg] c\n:::", ("for: police",)),
        *(
            5,
            "reaches-nobody",
            "the action 'c', which reaches no agency",
            "that the article is for",
        ),
    ),
    "an action for others than the part": (
        *("a\n\n::: only schools\nb\n\n::: actions\n- [gp] c\n:::\n:::", ()),
        *(
            7,
            "reaches-nobody",
            "the action 'c', which reaches no agency",
            "that the article is for",
        ),
    ),
    "an article of parts": (
        *("::: only health\na\n:::\n\n::: only schools, police\nb\n:::", ()),
        *(-1, "empty-for-agency", "nothing for Early years, Another agency", "outside the `only`"),
    ),
    "an article of a part of a part": (
        *("::: only health\n::: only gp\na\n:::\n:::", ("for: health",)),
        *(-2, "empty-for-agency", "nothing for Commissioners", "outside the `only`"),
    ),
    "an article of actions": (
        *("::: actions\n- [gp] a\n:::", ("for: health, police",)),
        *(-2, "empty-for-agency", "nothing for Commissioners, Police", "outside the `only`"),
    ),
    "an article of a callout of parts": (
        *("::: callout A\n::: only gp\na\n:::\n:::", ("for: health",)),
        *(-2, "empty-for-agency", "nothing for Commissioners", "outside the `only`"),
    ),
    "a heading of a part that it stands above": (
        *("a\n\n## b\n\n::: only gp, police\nc\n:::\n\n## d\n\ne", ("for: health, police",)),
        *(3, "bare-heading", "'b' with nothing below it for Commissioners", "inside the `only`"),
    ),
    "a heading at the end": (
        *("a\n\n## b", ()),
        *(3, "bare-heading", "'b' with nothing below it for any agency", "add text"),
    ),
    "a heading above one like it": (
        *("## b\n\n## c\n\nd", ()),
        *(1, "bare-heading", "'b' with nothing below it for any agency", "add text"),
    ),
    "a heading in a callout": (
        *("::: callout\n## b\n\n::: only gp\nc\n:::\n:::", ("for: health",)),
        *(2, "bare-heading", "'b' with nothing below it for Commissioners", "inside the `only`"),
    ),
}


@pytest.mark.parametrize("name", ERRORS)
def test_part_that_reaches_nobody_or_leaves_someone_empty(tmp_path: Path, name: str) -> None:
    """Each gives one error, at its line, that names the agencies and says what to do."""
    body, front, line, rule, found, mend = ERRORS[name]
    (finding,) = covered(tmp_path, body, *front)
    assert finding.severity is Severity.ERROR
    assert (finding.place.line - FRONT - len(front), finding.rule) == (line, rule)
    assert found in finding.found
    assert mend in finding.mend
    assert finding.expected


def test_action_that_misses_some_is_a_warning(tmp_path: Path) -> None:
    """An action that only some of its addressees get is a warning that names the others."""
    (finding,) = covered(
        tmp_path, "a\n\n::: actions\n- [gp, schools] b\n- [gp] c\n:::", "for: health"
    )
    assert (finding.severity, finding.rule) == (Severity.WARNING, "action-misses")
    assert finding.place.line - FRONT == 5
    assert (
        finding.found == "the action 'b', which does not reach Primary schools, Secondary schools"
    )


def test_first_for_others_is_a_warning(tmp_path: Path) -> None:
    """`first_for` with agencies that do not get the article is a warning that names them."""
    (finding,) = covered(tmp_path, "a", "for: gp", "first_for: health, police")
    assert (finding.severity, finding.rule) == (Severity.WARNING, "first-for-others")
    assert finding.found == "`first_for` with Commissioners, Police, who do not get the article"


def test_agencies_without_any_article(tmp_path: Path) -> None:
    """Agencies that get no article but the opening are named in one error."""
    head = HEAD + "opening: welcome\narticles: [a, b]\n"
    articles = {
        "welcome": article("Hello.", "Welcome"),
        "a": article("a", "A", "for: health"),
        "b": article("a", "B", "for: education, other"),
    }
    issue, _ = read(tmp_path, articles, head=head)
    (finding,) = coverage(issue, small_registry())
    assert str(finding.place) == "issues/07-winter-2019/issue.yaml:1"
    assert (finding.rule, finding.found) == ("agency-without-article", "no article for Police")


def test_findings_are_sorted_by_place(tmp_path: Path) -> None:
    """Findings of several articles come in the order of files and lines."""
    body = "## a\n\n::: only gp\nb\n:::\n\n::: actions\n- [police] c\n:::"
    articles = {"z": article(body, "Z", "for: health"), "a": article(body, "A", "for: health")}
    issue, _ = read(tmp_path, {**articles, **BASE})
    findings = coverage(issue, small_registry())
    assert findings == sorted(findings)
    assert [(Path(f.place.file).stem, f.place.line, f.rule) for f in findings] == [
        ("a", 5, "bare-heading"),
        ("a", 12, "reaches-nobody"),
        ("z", 5, "bare-heading"),
        ("z", 12, "reaches-nobody"),
    ]


@pytest.mark.parametrize("number", [1, 6])
def test_shipped_issues_reach_everyone(
    shipped: dict[int, Issue], registry: Registry, number: int
) -> None:
    """The shipped issues give no finding at all."""
    assert coverage(shipped[number], registry) == []
