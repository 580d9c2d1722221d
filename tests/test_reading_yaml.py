"""YAML: every value with its line, and words for a person where it cannot be read."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from newsletter_mailer.findings import Finding
from newsletter_mailer.reading.source import Source
from newsletter_mailer.reading.yaml_lines import Marked, read_yaml


def marked(text: str, first_line: int = 1) -> Marked:
    """YAML that holds no mistake."""
    findings: list[Finding] = []
    read = read_yaml(text, Source("a.yaml", text), findings, first_line=first_line)
    assert findings == []
    assert read is not None
    return read


def found_in(text: str, first_line: int = 1) -> list[Finding]:
    """The findings in YAML with a mistake."""
    findings: list[Finding] = []
    read_yaml(text, Source("a.yaml", text), findings, first_line=first_line)
    assert findings
    return findings


def test_scalars_stay_text() -> None:
    """A phone number, a version and a Norwegian country code are what was typed."""
    read = marked("a: 0116\nb: 1.10\nc: no\nd: 2019-01-21\ne:\nf: 0x1F\ng: ~")
    typed = ["0116", "1.10", "no", "2019-01-21", "", "0x1F", "~"]
    assert read.data == dict(zip("abcdefg", typed, strict=True))


def test_every_value_knows_its_line() -> None:
    """Keys, items and values inside them are found by their path; unknown paths by what is near."""
    read = marked("a:\n  - b: c\n    d: >\n      e\n      f\n  - g\nh: i\n", first_line=11)
    lines = {
        ("a",): 11,
        ("a", 0): 12,
        ("a", 0, "b"): 12,
        ("a", 0, "d"): 13,
        ("a", 1): 16,
        ("h",): 17,
        ("h", "x"): 17,
        ("z",): 11,
        (): 11,
    }
    assert {path: read.line(path) for path in lines} == lines
    assert marked("", first_line=5).line(("a",)) == 5


MISTAKES: dict[str, tuple[str, int, str, str]] = {
    "tab as indentation": ("a:\n\t- b", 12, "a tab", "two spaces"),
    "tab before a key": ("\ta: b", 11, "a tab", "two spaces"),
    "open double quote": (
        'a: b\nc: "d\ne: f',
        12,
        "a mistake in quotes: 'c: \"d'",
        "Close the quotes",
    ),
    "open single quote": ("c: 'd\ne: f", 11, "a mistake in quotes", "Close the quotes"),
    "backslash in quotes": ('a: "C:\\docs"', 11, "a mistake in quotes", "backslashes twice"),
    "escape of no character": (
        'a: b\nc: "\\U00110000"',
        12,
        "an escape that names no character",
        "itself",
    ),
    "second colon": ("a: b\nc: d: e", 12, "a second colon in 'c: d: e'", "double quotes"),
    "merge field first": ("a: {{name}} and", 11, "keeps for itself", "double quotes"),
    "emphasis first": ("a: *b* c", 11, "keeps for itself", "double quotes"),
    "at first": ("a: @b", 11, "keeps for itself", "double quotes"),
    "percent first": ("a: %b", 11, "keeps for itself", "double quotes"),
    "backtick first": ("- `b`", 11, "keeps for itself", "double quotes"),
    "open bracket": ("a: [b\nc: d", 12, "'c: d'", "quotes"),
    "item beside a key": ("a: b\n- c", 12, "does not fit: '- c'", "indentation"),
    "word beside a key": ("a: b\nc", 12, "does not fit: 'c'", "colon"),
    "words after quotes": ("a: 'b' c", 11, "does not fit", "quotes"),
    "two documents": ("a: b\n---\nc: d", 12, "a second document: '---'", "Take this line out"),
    "a directive": ("%YAML 9.9\n---\na: b", 11, "%YAML", "quotes"),
    "braces as a key": ("{{a}}: b", 11, "where YAML expects a key", "double quotes"),
    "list as a key": ("? [a]\n: b", 11, "where YAML expects a key", "double quotes"),
    "key twice": ("a: b\nc: d\na: e", 13, "the key a a second time", "one of the two"),
    "alias": ("a: &x b\nc: *x", 12, "alias", "Write it out"),
    "list inside itself": ("a: &x\n  - *x", 12, "alias", "Write it out"),
    "control character": ('a: "b\\0"', 11, "U+0000", "backslash"),
    "control character in a key": ('"a\\e": b', 11, "U+001B", "backslash"),
    "half a character": ('a: "\\ud83d"', 11, "U+D83D", "backslash"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistake_is_explained_at_its_line(name: str) -> None:
    """A mistake gives one finding with its line, in words that name no part of a parser."""
    text, line, found, mend = MISTAKES[name]
    (finding,) = found_in(text, first_line=11)
    assert finding.place.line == line
    assert found in finding.found
    assert mend in finding.mend
    assert finding.expected
    assert finding.mend
    for word in ("block end", "mapping", "scalar", "token", "None"):
        assert word not in str(finding)


def test_what_an_escape_must_not_name_is_left_out() -> None:
    """A control character that an escape names does not reach the data."""
    findings: list[Finding] = []
    text = '"a\\x02": "b\\x03\\N\\ud800c"'
    read = read_yaml(text, Source("a.yaml", text), findings)
    assert read is not None
    assert read.data == {"a": "bc"}
    assert {finding.rule for finding in findings} == {"control-character"}


def test_a_billion_laughs_are_refused_at_once() -> None:
    """Aliases that stand for a billion values cost no time and no memory."""
    laughs = "a: &a [ha, ha]\n" + "".join(
        f"{chr(98 + n)}: &{chr(98 + n)} [{', '.join([f'*{chr(97 + n)}'] * 10)}]\n"
        for n in range(12)
    )
    begun = time.monotonic()
    findings = found_in(laughs)
    assert time.monotonic() - begun < 10
    assert {finding.rule for finding in findings} == {"yaml-alias"}


DEEP = {
    "brackets": "a: " + "[" * 10_000,
    "braces": "a: " + "{b: " * 10_000,
    "hyphens": "- " * 10_000,
    "keys": "".join(" " * n + "a:\n" for n in range(2_000)),
    "question marks": "? " * 10_000,
}


@pytest.mark.parametrize("name", DEEP)
def test_deep_nesting_is_refused(name: str) -> None:
    """Thousands of values in each other are refused by one finding within seconds."""
    begun = time.monotonic()
    (finding,) = found_in(DEEP[name])
    assert time.monotonic() - begun < 30
    assert finding.found == "values nested far too deep"


@settings(max_examples=300, deadline=None)
@given(
    text=st.lists(
        st.sampled_from(
            [
                *("a: ", "b", "\n", "  ", "- ", "[", "]", "{", "}", ",", "&a ", "*a", "!t ", "|\n"),
                *(">-\n", '"', "'", "\\", "\\x01", "\\U0010", "? ", ": ", "#", "%", "@", "<<: "),
                *("---\n", "...\n", "\t", "\u00e9", "\ufeff", "~", "0"),
            ]
        ),
        max_size=25,
    ).map("".join)
)
def test_any_text_is_read_or_refused(text: str) -> None:
    """Whatever is typed, there is data or a finding, and lines that exist."""
    findings: list[Finding] = []
    read = read_yaml(text, Source("a.yaml", text), findings)
    assert read is not None or findings
    lines = {finding.place.line for finding in findings} | set(read.lines.values() if read else ())
    assert all(1 <= line <= text.count("\n") + 1 for line in lines)
