"""What no mail program should be given is found in the finished mails."""

from dataclasses import replace

import pytest

from newsletter_mailer.checking.encoding import RULES, encoding
from newsletter_mailer.checking.mail import WAIVABLE
from newsletter_mailer.compiling.email import CompiledEmail
from newsletter_mailer.compiling.merge import Segments
from newsletter_mailer.reading.document import Issue

Compiled = dict[int, tuple[CompiledEmail, ...]]


def changed(email: CompiledEmail, part: str, words: str) -> CompiledEmail:
    """A variant with these words at the end of its subject, html or text."""
    segments: Segments = getattr(email, part)
    *before, last = segments.literals
    longer = Segments((*before, last + words), segments.fields)
    parts = {"subject": email.subject, "html": email.html, "text": email.text, part: longer}
    return replace(email, subject=parts["subject"], html=parts["html"], text=parts["text"])


@pytest.mark.parametrize("number", [1, 6])
def test_shipped_issues_are_clean(
    compiled: Compiled, shipped: dict[int, Issue], number: int
) -> None:
    """No part of a shipped mail holds anything that a mail program may stumble over."""
    assert encoding(shipped[number], compiled[number]) == []


@pytest.mark.parametrize("part", ["subject", "html", "text"])
@pytest.mark.parametrize(
    ("words", "rule", "named"),
    [
        ("a\x07b", "control-character-in-mail", "U+0007"),
        ("a\x00b", "control-character-in-mail", "U+0000"),
        ("a\x7fb", "control-character-in-mail", "U+007F"),
        ("it\x92s", "control-character-in-mail", "U+0092"),
        ("a\ud83db", "not-utf-8", "U+D83D"),
        ("Dear {{ name }},", "stray-merge-field", "braces"),
        ("Dear {{Name}},", "stray-merge-field", "braces"),
        ("Dear {{name,", "stray-merge-field", "braces"),
    ],
)
def test_damage_is_found_in_each_part(
    compiled: Compiled, shipped: dict[int, Issue], part: str, words: str, rule: str, named: str
) -> None:
    """Control characters, halves of characters and stray fields are found wherever they stand."""
    email = changed(compiled[6][0], part, words)
    (finding,) = encoding(shipped[6], [email])
    assert finding.rule == rule
    assert named in finding.found
    assert email.name in finding.found
    assert str(finding).isprintable()
    assert finding.place.file.endswith("/issue.yaml")


@pytest.mark.parametrize("words", ["it&#146;s", "it&#x92;s", "it&#X0092;s", "a&#7;b", "a&#0;b"])
def test_a_reference_to_a_control_character_is_one(
    compiled: Compiled, shipped: dict[int, Issue], words: str
) -> None:
    """`&#146;` in HTML is found as the character itself is."""
    (finding,) = encoding(shipped[6], [changed(compiled[6][0], "html", words)])
    assert finding.rule == "control-character-in-mail"


@pytest.mark.parametrize("words", ["&#160;&#xA0;&#8199;&#128512;&#10;", "\t\n", "é … 😀 م", "}}"])
def test_common_characters_are_fine(
    compiled: Compiled, shipped: dict[int, Issue], words: str
) -> None:
    """Spaces, tabs, line ends, other scripts and emoji are no damage."""
    for part in ("html", "text"):
        assert encoding(shipped[6], [changed(compiled[6][0], part, words)]) == []


@pytest.mark.parametrize("end", ["\n", "\r\nBcc: all@example.org", "\u2028"])
def test_a_subject_is_one_line(compiled: Compiled, shipped: dict[int, Issue], end: str) -> None:
    """A line end in a subject, which could forge a header, is found."""
    (finding,) = encoding(shipped[6], [changed(compiled[6][0], "subject", end)])
    assert finding.rule == "broken-subject"


def test_known_fields_are_no_strays(compiled: Compiled, shipped: dict[int, Issue]) -> None:
    """Merge fields that are filled in later are left in peace."""
    email = replace(compiled[6][0], text=Segments.of("{{greeting}} {{email}} {{unsubscribe_url}}"))
    assert encoding(shipped[6], [email]) == []


def test_what_variants_share_is_found_once(compiled: Compiled, shipped: dict[int, Issue]) -> None:
    """The same damage in all 22 variants is one finding."""
    emails = [replace(email, text=Segments.of("a\x07b")) for email in compiled[6]]
    assert len(encoding(shipped[6], emails)) == 1


def test_damaged_mails_cannot_be_waived() -> None:
    """Nobody can answer for a mail that readers' programs cannot take."""
    assert not RULES & WAIVABLE
