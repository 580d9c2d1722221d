"""Looking the attributes of a tag over, in a template or in a rendered mail."""

import re
from collections.abc import Iterator

from newsletter_mailer.compiling.masking import CONTROL, FIELD, VALUE
from newsletter_mailer.compiling.mjml_elements import ANYTHING, ATTRIBUTES, EXPECTED, fits
from newsletter_mailer.compiling.mjml_mistake import Mistake
from newsletter_mailer.findings import brief

_ATTRIBUTE = re.compile(
    r"""([^\s=/"'<>]+)(?:\s*=\s*("[^"]*"|'[^']*'|[^\s"'<>]*))?""",
)

Wrong = tuple[str, str, str, str]
"""What is wrong: the rule, what was found, what was expected, and how to mend it."""


def attribute_mistakes(tag: str, written: str, line: int) -> Iterator[Mistake]:
    """The mistakes in the attributes of a tag, as they are written from `line` on."""
    for match in _ATTRIBUTE.finditer(written):
        name = re.sub(CONTROL, "", match[1])
        if name and VALUE not in name and FIELD not in name:
            at = line + written.count("\n", 0, match.start())
            for wrong in _wrong_in(tag, name, match[2] or ""):
                yield Mistake(at, *wrong, tag, written)


def field_in_style(where: str) -> Wrong:
    """A merge field where CSS stands."""
    return (
        "template-field-in-style",
        f"a merge field in {where}",
        "merge fields in text and in links only",
        "Take it out: mail programs drop the style, and what stands there would be unsafe.",
    )


def _wrong_in(tag: str, name: str, quoted: str) -> Iterator[Wrong]:
    is_quoted = quoted[:1] in ('"', "'")
    value = quoted[1:-1] if is_quoted else quoted
    has_field = FIELD in value or "{{" in value
    if name == "style" and has_field:
        yield field_in_style("a style attribute")
    if tag not in ATTRIBUTES:
        return
    kind = ATTRIBUTES[tag].get(name)
    if tag == "mj-style" and name == "inline":
        yield (
            "template-style-inline",
            "mj-style with `inline`",
            "rules for rich text in rich.css, which is written into the elements",
            "Move the rules there: mrml would leave them in the head.",
        )
    elif kind is None:
        yield (
            "template-unknown-attribute",
            f"the attribute {name!r} of <{tag}>",
            f"one of {', '.join(sorted(ATTRIBUTES[tag])) or 'none'}",
            "Check its spelling, or take it out: mrml would leave it out without a word.",
        )
    elif not is_quoted:
        yield (
            "template-attribute-value",
            f"{name!r} of <{tag}> without a value in quotes",
            f'{name}="…"',
            "Write the quotes.",
        )
    elif has_field and kind not in ANYTHING:
        yield field_in_style(f"{name!r} of <{tag}>, which becomes a style")
    elif name == "mj-class" and len(value.split()) > 1:
        yield (
            "template-mj-class",
            f"several names in mj-class: {brief(value)!r}",
            "one",
            "Make one mj-class of them: which of them wins differs between tools.",
        )
    elif not fits(kind, value):
        shown = re.sub(f"{VALUE}+", "{{ … }}", value)
        yield (
            "template-attribute-value",
            f"{name}={brief(shown)!r} of <{tag}>",
            EXPECTED.get(kind, f"one of {kind.replace('|', ', ')}"),
            "Mend the value: mrml would leave it out without a word.",
        )
