"""Masking: a template's text with marks in the place of its Jinja parts.

What is left can be looked over as MJML, on the lines that it has in the file.
"""

import re

VALUE, FIELD, IF, ELSE, END = "\ue010", "\ue011", "\ue012", "\ue013", "\ue014"
"""The marks: a value, a merge field, and the ends of conditions and loops.

No template holds private-use characters.
"""

CONTROL = f"[{IF}{ELSE}{END}]"

_FIRST_WORDS = {
    "if": IF, "for": IF, "elif": ELSE, "else": ELSE, "endif": END, "endfor": END,
}  # fmt: skip

_JINJA = re.compile(
    r"\{%-?\s*raw\s*-?%\}(?P<raw>.*?)\{%-?\s*endraw\s*-?%\}|\{#.*?#\}"
    r"""|\{\{(?P<value>(?:'[^']*'|"[^"]*"|[^'"])*?)\}\}"""
    r"""|\{%[-+]?\s*(?P<word>\w*)(?:'[^']*'|"[^"]*"|[^'"])*?%\}""",
    re.DOTALL,
)


def masked(source: str) -> str:
    """The text of a template, masked; every line keeps its number."""
    return _JINJA.sub(_mark, source)


def _mark(match: re.Match[str]) -> str:
    if match["raw"] is not None:
        return match["raw"]
    mark = _FIRST_WORDS.get(match["word"] or "", "")
    if match["value"] is not None:
        mark = FIELD if re.search(r"\bmerge\s*\(", match["value"]) else VALUE
    return mark + "\n" * match[0].count("\n")
