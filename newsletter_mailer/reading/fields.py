"""Merge fields, and what only looks like one, in the words of an issue."""

import difflib
import re

from newsletter_mailer.findings import Finding, Place, brief
from newsletter_mailer.reading.document import Inline, Inlines, MergeField, Text

TEXT_FIELDS = frozenset({"first_name", "name", "agency_name", "email"})
LINK_FIELDS = frozenset({"preferences_url", "unsubscribe_url"})

FOREIGN = re.compile(r"\{{2,}[^{}]*\}{2,}|\{{2,}|\{%[^%]*%\}|\{%|%\}|\*\|[^|]*\|\*|<%[^%]*%>|<%|%>")
"""Merge fields and commands as this and other mail programs write them."""

_FIELD = re.compile(r"\{\{([a-z_]+)\}\}")


def braced(names: frozenset[str]) -> str:
    """Names as an editor writes them: `{{email}}, {{name}}`."""
    return ", ".join(f"{{{{{name}}}}}" for name in sorted(names))


def fields_in(text: str, place: Place, findings: list[Finding]) -> Inlines:
    """Text with its merge fields told apart; a finding for what only looks like one."""
    if not FOREIGN.search(text):
        return (Text(text),) if text else ()
    content: list[Inline] = []
    at = 0
    for match in FOREIGN.finditer(text):
        field = _FIELD.fullmatch(match[0])
        if field and field[1] in TEXT_FIELDS:
            content += [Text(text[at : match.start()]), MergeField(field[1])]
        else:
            findings.append(_unknown(match[0], place))
            content.append(Text(text[at : match.start()]))
        at = match.end()
    content.append(Text(text[at:]))
    return tuple(part for part in content if part != Text(""))


def refuse_fields(text: str, place: Place, findings: list[Finding]) -> None:
    """A finding for every merge field, known or not, where no reader's value can stand."""
    for number, line in enumerate(text.split("\n"), start=place.line):
        for match in FOREIGN.finditer(line):
            field = _FIELD.fullmatch(match[0])
            here = Place(place.file, number)
            if field and field[1] in TEXT_FIELDS | LINK_FIELDS:
                findings.append(
                    Finding(
                        here,
                        "misplaced-merge-field",
                        f"the merge field {match[0]}",
                        "words that are the same for all readers",
                        "Merge fields stand in the text, in headings and in the subject only.",
                    )
                )
            else:
                findings.append(_unknown(match[0], here))


def _unknown(found: str, place: Place) -> Finding:
    name = re.sub(r"[^a-z]+", "_", found.casefold()).strip("_")
    near = difflib.get_close_matches(name, sorted(TEXT_FIELDS | LINK_FIELDS), n=1, cutoff=0.7)
    mend = "Take it out."
    if near and near[0] in LINK_FIELDS:
        mend = f"Use it as a whole link target: [words]({{{{{near[0]}}}}})."
    elif near:
        mend = f"Did you mean {{{{{near[0]}}}}}?"
    return Finding(
        place, "unknown-merge-field", f"{brief(found)!r}", f"one of {braced(TEXT_FIELDS)}", mend
    )
