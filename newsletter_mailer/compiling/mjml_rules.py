"""What a template may hold: checked before mrml sees it, since mrml says nothing.

mrml leaves out an attribute that it does not know or whose unit is wrong, lets unknown tags
through, and keeps the last of two bodies. So the text of every template is looked over with
its Jinja parts masked, which gives the exact line of each mistake. What comes out of Jinja is
looked over once more, and a mistake there is traced back to the tag that it came from.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import jinja2
import tinycss2.color3

from newsletter_mailer.errors import TemplateError
from newsletter_mailer.findings import Finding, Place, brief

DEEPEST = 100
"""Levels of tags in each other. Some thousands crash the process inside mrml."""

DOCUMENT = "newsletter.mjml"
"""The template that makes a whole mail."""

# What stands for the Jinja parts of a template; no template holds private-use characters.
_VALUE, _FIELD, _IF, _ELSE, _END = "\ue010", "\ue011", "\ue012", "\ue013", "\ue014"
_CONTROL = f"[{_IF}{_ELSE}{_END}]"
_FIRST_WORDS = {
    "if": _IF, "for": _IF, "elif": _ELSE, "else": _ELSE, "endif": _END, "endfor": _END,
}  # fmt: skip

_TOKEN = re.compile(
    rf"<!--(?P<comment>.*?)-->|</(?P<close>[A-Za-z][\w:{_VALUE}-]*)\s*>"
    rf"|<(?P<open>[A-Za-z][\w:{_VALUE}-]*)"
    r"""(?P<attributes>(?:[^<>"']++|"[^"]*+"|'[^']*+')*+)>"""
    rf"|(?P<control>{_CONTROL})|(?P<stray><)",
    re.DOTALL,
)
_ATTRIBUTE = re.compile(
    r"""([^\s=/"'<>]+)(?:\s*=\s*("[^"]*"|'[^']*'|[^\s"'<>]*))?""",
)
_VOID = frozenset(
    {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "wbr"}
)
_CLOSES_ITSELF = frozenset({"p", "li", "td", "th", "tr", "thead", "tbody", "dt", "dd"})
"""Tags that HTML closes where they are left open."""

# The kinds of values that attributes take.

_N = r"\d+(?:\.\d+)?"
_PATTERNS = {
    "px": rf"{_N}px|0",
    "px-or-percent": rf"{_N}(?:px|%)|0",
    "px-or-auto": rf"{_N}px|0|auto",
    "width": rf"{_N}(?:px|%)|0|auto",
    "line-height": rf"{_N}(?:px|%)?",
    "letter-spacing": rf"-?{_N}(?:px|em)|0",
    "whole": r"\d+",
    "name": r"[^{}]*",
}
_EXPECTED = {
    "px": "a length such as 16px",
    "px-or-percent": "a length such as 16px or 50%",
    "px-or-auto": "a length such as 16px, or auto",
    "width": "a length such as 16px or 50%, or auto",
    "line-height": "a number such as 1.5, or a length such as 24px",
    "letter-spacing": "a length such as 1px or 0.1em",
    "whole": "a whole number",
    "name": "a name that is the same for all readers",
    "box": "one to four lengths such as 0 16px",
    "colour": "a colour such as #00566b",
    "border": "a border such as 1px solid #d5dee5",
}
_BORDER_STYLES = frozenset(
    {"none", "solid", "dashed", "dotted", "double", "groove", "ridge", "inset", "outset"}
)
_ANYTHING = frozenset({"text", "url"})
"""Kinds whose values do not become CSS, so that merge fields may stand in them."""

_TRIALS = ("1", "1px", "#000000", "none", "")
"""What a Jinja value may turn out to be, for checking what stands around it."""


def _of(kind: str, *names: str) -> dict[str, str]:
    return dict.fromkeys(names, kind)


def _sides(name: str, kind: str) -> dict[str, str]:
    return _of(kind, *(f"{name}-{side}" for side in ("top", "right", "bottom", "left")))


_COMMON = _of("name", "css-class", "mj-class")
_PADDING = {"padding": "box", **_sides("padding", "px-or-percent")}
_BORDER = {"border": "border", **_sides("border", "border")}
_ROUND = _BORDER | {"border-radius": "box"}
_AROUND = _COMMON | _PADDING | {"container-background-color": "colour"}
_FONT = {
    **_of("css", "font-family", "font-style", "font-weight", "text-decoration", "text-transform"),
    "font-size": "px",
    "line-height": "line-height",
    "letter-spacing": "letter-spacing",
    "color": "colour",
}
_VERTICAL = "top|bottom|middle"
_THREE = "left|center|right"
_BACKGROUND = {
    "background-color": "colour",
    "background-url": "url",
    "background-repeat": "repeat|no-repeat",
    **_of(
        "css",
        "background-size",
        "background-position",
        "background-position-x",
        "background-position-y",
    ),
}
_SECTION = _COMMON | _PADDING | _ROUND | _BACKGROUND | {
    "direction": "ltr|rtl",
    "full-width": "full-width|false",
    "text-align": _THREE,
    "text-padding": "box",
}  # fmt: skip

ATTRIBUTES: dict[str, dict[str, str]] = {
    "mjml": {"lang": "text", "dir": "ltr|rtl|auto", "owa": "text"},
    "mj-head": {},
    "mj-title": {},
    "mj-preview": {},
    "mj-attributes": {},
    "mj-raw": {},
    "mj-style": {},
    "mj-breakpoint": {"width": "px"},
    "mj-font": {"name": "text", "href": "url"},
    "mj-body": _COMMON | {"width": "px", "background-color": "colour"},
    "mj-wrapper": _SECTION,
    "mj-section": _SECTION,
    "mj-group": _COMMON
    | {
        "background-color": "colour",
        "direction": "ltr|rtl",
        "vertical-align": _VERTICAL,
        "width": "px-or-percent",
    },
    "mj-column": _COMMON | _PADDING | _ROUND | {
        **{f"inner-{name}": kind for name, kind in _ROUND.items()},
        **_of("colour", "background-color", "inner-background-color"),
        "direction": "ltr|rtl",
        "vertical-align": _VERTICAL,
        "width": "px-or-percent",
    },
    "mj-text": _AROUND | _FONT | {
        "align": f"{_THREE}|justify",
        "background-color": "colour",
        "height": "px-or-percent",
        "vertical-align": _VERTICAL,
    },
    "mj-button": _AROUND | _FONT | _ROUND | {
        "align": _THREE,
        "background-color": "colour",
        "height": "px-or-percent",
        "href": "url",
        "inner-padding": "box",
        **_of("text", "name", "title", "rel", "target"),
        "text-align": _THREE,
        "vertical-align": _VERTICAL,
        "width": "px-or-percent",
    },
    "mj-image": _AROUND | _ROUND | {
        "align": _THREE,
        "fluid-on-mobile": "true|false",
        "font-size": "px",
        "height": "px-or-auto",
        "max-height": "px-or-percent",
        "width": "px",
        **_of("text", "alt", "name", "title", "rel", "target", "usemap"),
        **_of("url", "href", "src", "srcset"),
    },
    "mj-divider": _AROUND | {
        "align": _THREE,
        "border-color": "colour",
        "border-style": "css",
        "border-width": "px",
        "width": "px-or-percent",
    },
    "mj-spacer": _AROUND | _BORDER | {"height": "px-or-percent"},
    "mj-table": _AROUND | {
        **{name: _FONT[name] for name in ("color", "font-family", "font-size", "font-weight")},
        "align": _THREE,
        "border": "border",
        "cellpadding": "whole",
        "cellspacing": "whole",
        "line-height": "line-height",
        "table-layout": "auto|fixed|initial|inherit",
        "vertical-align": _VERTICAL,
        "width": "width",
    },
    "mj-hero": _COMMON | _PADDING | {
        **{f"inner-{name}": kind for name, kind in _PADDING.items()},
        **_of("colour", "background-color", "inner-background-color"),
        **_of("px-or-percent", "height", "background-width", "background-height"),
        "background-position": "css",
        "background-url": "url",
        "border-radius": "box",
        "mode": "fixed-height|fluid-height",
        "vertical-align": _VERTICAL,
    },
}  # fmt: skip
"""Every MJML element that a template may use, with the kinds of its attributes' values.

From the tables of MJML 4 and 5, less what mrml 6.0.1 drops or damages.
"""
_EVERY = {name: kind for kinds in ATTRIBUTES.values() for name, kind in kinds.items()}
ATTRIBUTES |= {"mj-all": _EVERY, "mj-class": _EVERY | {"name": "name"}}

_PARTS = ("mj-text", "mj-button", "mj-image", "mj-divider", "mj-spacer", "mj-table", "mj-raw")
CHILDREN: dict[str, frozenset[str]] = {
    "mjml": frozenset({"mj-head", "mj-body"}),
    "mj-head": frozenset(
        {
            "mj-title",
            "mj-preview",
            "mj-attributes",
            "mj-raw",
            "mj-style",
            "mj-breakpoint",
            "mj-font",
        }
    ),
    "mj-attributes": frozenset(ATTRIBUTES),
    "mj-body": frozenset({"mj-wrapper", "mj-section", "mj-hero", "mj-raw"}),
    "mj-wrapper": frozenset({"mj-section", "mj-hero", "mj-raw"}),
    "mj-section": frozenset({"mj-column", "mj-group", "mj-raw"}),
    "mj-group": frozenset({"mj-column", "mj-raw"}),
    "mj-column": frozenset(_PARTS),
    "mj-hero": frozenset(_PARTS),
}
"""What may stand right inside the elements that hold no text."""


@dataclass(frozen=True, slots=True)
class Mistake:
    """What is wrong in a text, on which line, and in which tag and attribute."""

    line: int
    rule: str
    found: str
    expected: str
    mend: str
    tag: str = ""
    attribute: str = ""


def masked(environment: jinja2.Environment, source: str) -> str:
    """A template's text with marks in the place of its Jinja parts; every line keeps its number.

    Raises:
        jinja2.TemplateSyntaxError: Jinja cannot make it out.
    """
    parts: list[str] = []
    mark = ""
    for _, kind, value in environment.lex(source):
        if kind == "data":
            parts.append(value)
            continue
        if kind == "variable_begin":
            mark = _VALUE
        elif kind == "block_begin":
            mark = "?"
        elif kind == "name" and mark == "?":
            mark = _FIRST_WORDS.get(value, "")
        elif kind == "name" and mark == _VALUE and value == "merge":
            mark = _FIELD
        elif kind in ("variable_end", "block_end"):
            parts.append(mark.replace("?", ""))
            mark = ""
        parts.append("\n" * value.count("\n"))
    return "".join(parts)


def nesting(text: str) -> int:
    """How many levels of tags stand in each other; counting ends one beyond `DEEPEST`."""
    stack: list[str] = []
    deepest = 0
    for match in _TOKEN.finditer(text):
        name = match["open"]
        if name and not _is_single(name, match["attributes"]):
            stack.append(name)
            deepest = max(deepest, len(stack))
            if deepest > DEEPEST:
                break
        elif match["close"] in stack:
            while stack.pop() != match["close"]:
                pass
    return deepest


def _is_single(name: str, attributes: str) -> bool:
    return name.lower() in _VOID or attributes.rstrip().endswith("/")


@dataclass(slots=True)
class _Look:
    """Looks a text over, tag by tag."""

    text: str
    root: str | None
    """The element around the text; None where anything may stand."""
    is_html: bool = False
    mistakes: list[Mistake] = field(default_factory=list)
    tags: list[tuple[int, str, str]] = field(default_factory=list)
    stack: list[tuple[str, int]] = field(default_factory=list)
    branches: list[tuple[tuple[tuple[str, int], ...], int, int]] = field(default_factory=list)
    bodies: int = 0
    line: int = 1

    def over(self) -> list[Mistake]:
        """Every mistake, in the order of the text."""
        at = 0
        for match in _TOKEN.finditer(self.text):
            self._words(self.text[at : match.start()])
            if len(self.stack) <= DEEPEST:
                self._token(match)
            self.line += match[0].count("\n")
            at = match.end()
        self._words(self.text[at:])
        for name, line in self.stack:
            if not (self.is_html and name in _CLOSES_ITSELF):
                self._unclosed(name, line)
        return self.mistakes

    def report(
        self, rule: str, found: str, expected: str, mend: str, tag: str = "", attribute: str = ""
    ) -> None:
        """Add a mistake on the line that is looked at."""
        self.mistakes.append(Mistake(self.line, rule, found, expected, mend, tag, attribute))

    def _inside(self) -> str | None:
        return self.stack[-1][0] if self.stack else self.root

    def _words(self, words: str) -> None:
        """Text between two tags."""
        inside = self._inside()
        bare = words.replace(_VALUE, " ").strip()
        if bare:
            line = self.line
            self.line += words[: len(words) - len(words.lstrip())].count("\n")
            if inside == "mj-style" and (_FIELD in words or "{{" in words):
                self._field_in_style("an mj-style")
            elif inside in CHILDREN or inside == "":
                where = f"<{inside}>" if inside else "the top of the template"
                self.report(
                    "template-bare-text",
                    f"{brief(bare)!r} right inside {where}",
                    "text inside <mj-text>",
                    "Wrap it in <mj-text>, or take it out.",
                    inside or "",
                )
            self.line = line
        self.line += words.count("\n")

    def _token(self, match: re.Match[str]) -> None:
        if match["open"]:
            self._open(match["open"], match["attributes"])
        elif match["close"]:
            self._close(match["close"])
        elif match["control"]:
            self._control(match["control"])
        elif match["stray"]:
            self.report(
                "template-sign",
                "a `<` that begins no tag",
                "`&lt;` for the sign itself",
                "Write &lt;, or close the tag, its quotes or the comment.",
            )
        else:
            self._comment(match["comment"])

    def _comment(self, comment: str) -> None:
        if self.is_html:
            self.report(
                "template-comment",
                "an HTML comment in a template of rich text",
                "`{# … #}`",
                "Write it as a comment of Jinja's, which no reader gets.",
            )
        elif "--" in comment or comment.startswith((">", "->")) or comment.endswith("-"):
            self.report(
                "template-comment",
                "a comment with `--` inside",
                "`--` at its two ends only",
                "Write the comment without it.",
            )

    def _control(self, control: str) -> None:
        """Each branch of a condition begins with the tags that are open before it."""
        if control == _IF:
            self.branches.append((tuple(self.stack), self.bodies, self.bodies))
        elif self.branches:
            stack, before, most = self.branches.pop()
            most = max(most, self.bodies)
            if control == _ELSE:
                self.branches.append((stack, before, most))
                self.stack, self.bodies = list(stack), before
            else:
                self.bodies = most

    def _open(self, name: str, attributes: str) -> None:
        self.tags.append((self.line, name, attributes))
        is_mjml = name.startswith("mj-") or name == "mjml"
        if is_mjml and not self._is_placed(name):
            pass
        elif not is_mjml and (self._inside() in CHILDREN or self._inside() == ""):
            self.report(
                "template-misplaced-tag",
                f"<{name}> right inside <{self._inside() or 'the template'}>",
                "HTML inside <mj-text> or <mj-raw> only",
                "Move it into one.",
                name,
            )
        if name == "mj-body" and self._inside() != "mj-attributes":
            self.bodies += 1
            if self.bodies > 1:
                self.report(
                    "template-two-bodies",
                    "a second <mj-body>",
                    "one",
                    "Put its sections into the first: only the last would be in the mail.",
                    name,
                )
        self._attributes(name, attributes)
        if not _is_single(name, attributes):
            self.stack.append((name, self.line))
            if len(self.stack) > DEEPEST:
                self.report(
                    "template-too-deep",
                    f"tags nested more than {DEEPEST} levels deep",
                    f"at most {DEEPEST}",
                    "Close tags before others open.",
                    name,
                )
                self.stack.clear()
                self.root = None
                self.text = ""
                raise _TooDeepError

    def _is_placed(self, name: str) -> bool:
        inside = self._inside()
        if name not in ATTRIBUTES:
            self.report(
                "template-unknown-tag",
                f"the tag <{name}>",
                f"one of {', '.join(sorted(ATTRIBUTES))}",
                "Check its spelling, or use another.",
                name,
            )
        elif inside is None and not self.is_html:
            return True
        elif self.is_html or name not in (CHILDREN.get(inside or "") or ({"mjml"} if not inside else ())):
            self.report(
                "template-misplaced-tag",
                f"<{name}> in rich text" if self.is_html else f"<{name}> inside <{inside}>",
                "MJML in .mjml templates, each element where it belongs"
                if self.is_html or not CHILDREN.get(inside or "")
                else f"one of {', '.join(sorted(CHILDREN[inside or '']))}",
                "Move it out.",
                name,
            )
        else:
            return True
        return False

    def _close(self, name: str) -> None:
        names = [one for one, _ in self.stack]
        if name not in names:
            self.report(
                "template-unclosed",
                f"</{name}>, which closes nothing",
                f"</{names[-1]}>" if names else "a tag opened above",
                "Take it out, or open its tag. A condition opens and closes the same tags.",
                name,
            )
            return
        while self.stack[-1][0] != name:
            left, line = self.stack.pop()
            if not (self.is_html and left in _CLOSES_ITSELF):
                self._unclosed(left, line)
        self.stack.pop()

    def _unclosed(self, name: str, line: int) -> None:
        self.mistakes.append(
            Mistake(
                line,
                "template-unclosed",
                f"<{name}>, which is not closed",
                f"</{name}>",
                "Close it. A condition opens and closes the same tags.",
                name,
            )
        )

    def _attributes(self, tag: str, written: str) -> None:
        start = self.line
        for match in _ATTRIBUTE.finditer(written):
            self.line = start + written.count("\n", 0, match.start())
            name = re.sub(_CONTROL, "", match[1])
            if name and _VALUE not in name and _FIELD not in name:
                quoted = match[2] or ""
                value = quoted[1:-1] if quoted[:1] in ('"', "'") else quoted
                self._attribute(tag, name, value, is_quoted=quoted[:1] in ('"', "'"))
        self.line = start

    def _attribute(self, tag: str, name: str, value: str, *, is_quoted: bool) -> None:
        has_field = _FIELD in value or "{{" in value
        if name == "style" and has_field:
            self._field_in_style("a style attribute", tag, name)
        if tag not in ATTRIBUTES:
            return
        kind = ATTRIBUTES[tag].get(name)
        if tag == "mj-style" and name == "inline":
            self.report(
                "template-style-inline",
                "mj-style with `inline`",
                "rules for rich text in rich.css, which is written into the elements",
                "Move the rules there: mrml would leave them in the head.",
                tag,
                name,
            )
        elif kind is None:
            self.report(
                "template-unknown-attribute",
                f"the attribute {name!r} of <{tag}>",
                f"one of {', '.join(sorted(ATTRIBUTES[tag])) or 'none'}",
                "Check its spelling, or take it out: mrml would leave it out without a word.",
                tag,
                name,
            )
        elif not is_quoted:
            self.report(
                "template-attribute-value",
                f"{name!r} of <{tag}> without a value in quotes",
                f'{name}="…"',
                "Write the quotes.",
                tag,
                name,
            )
        elif has_field and kind not in _ANYTHING:
            self._field_in_style(f"{name!r} of <{tag}>, which becomes a style", tag, name)
        elif name == "mj-class" and len(value.split()) > 1:
            self.report(
                "template-mj-class",
                f"several names in mj-class: {brief(value)!r}",
                "one",
                "Make one mj-class of them: which of them wins differs between tools.",
                tag,
                name,
            )
        elif not _fits(kind, value):
            shown = re.sub(f"{_VALUE}+", "{{ … }}", value)
            self.report(
                "template-attribute-value",
                f"{name}={brief(shown)!r} of <{tag}>",
                _EXPECTED.get(kind, f"one of {kind.replace('|', ', ')}"),
                "Mend the value: mrml would leave it out without a word.",
                tag,
                name,
            )

    def _field_in_style(self, where: str, tag: str = "mj-style", attribute: str = "") -> None:
        self.report(
            "template-field-in-style",
            f"a merge field in {where}",
            "merge fields in text and in links only",
            "Take it out: mail programs drop the style, and what stands there would be unsafe.",
            tag,
            attribute,
        )


class _TooDeepError(Exception):
    """Looking on would only repeat what is reported."""


def _fits(kind: str, value: str) -> bool:
    """Whether a value, in which marks may stand for Jinja's, is of a kind."""
    if kind in ("text", "url", "css") or re.search(_CONTROL, value):
        return True
    parts = value.split() if kind in ("box", "border") else [value]
    most = {"box": 4, "border": 3}.get(kind, 1)
    single = {"box": "px-or-percent", "border": "border-part"}.get(kind, kind)
    return 1 <= len(parts) <= most and all(_part_fits(single, part) for part in parts)


def _part_fits(kind: str, part: str) -> bool:
    if _VALUE not in part:
        return _value_fits(kind, part)
    if "|" in kind or kind == "name":
        return True
    return any(_value_fits(kind, re.sub(f"{_VALUE}+", trial, part)) for trial in _TRIALS)


def _value_fits(kind: str, value: str) -> bool:
    if kind == "colour":
        return tinycss2.color3.parse_color(value) is not None
    if kind == "border-part":
        return (
            value in _BORDER_STYLES
            or re.fullmatch(_PATTERNS["px"], value) is not None
            or tinycss2.color3.parse_color(value) is not None
        )
    return re.fullmatch(_PATTERNS.get(kind, kind), value) is not None


def look_over(text: str, root: str | None, *, is_html: bool = False) -> _Look:
    """Look a text over; the answer holds its mistakes and its tags."""
    look = _Look(text, root, is_html)
    try:
        look.over()
    except _TooDeepError:
        pass
    return look


def _root_of(name: str) -> str | None:
    """The element around what a template makes."""
    if name == DOCUMENT:
        return ""
    ends = {".columns.mjml": "mj-body", ".element.mjml": "mj-column"}
    return next((root for end, root in ends.items() if name.endswith(end)), None)


class TemplateRules:
    """The rules, kept by every template of a folder and by what they make."""

    def __init__(
        self, folder: Path, shown: Callable[[str], str], environment: jinja2.Environment
    ) -> None:
        """Look over the text of every template.

        Raises:
            TemplateError: with every mistake in every template.
        """
        self._shown = shown
        self._tags: list[tuple[str, int, str, str]] = []
        self._seen: set[str] = set()
        findings: list[Finding] = []
        for path in sorted(folder.rglob("*")):
            if path.suffix in (".mjml", ".html") and path.is_file():
                name = path.relative_to(folder).as_posix()
                findings += self._look_over(name, path, environment)
        if findings:
            raise TemplateError(findings)

    def _look_over(
        self, name: str, path: Path, environment: jinja2.Environment
    ) -> Iterator[Finding]:
        try:
            source = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            yield Finding(
                Place(self._shown(name)),
                "template-unreadable",
                "a template that cannot be read as UTF-8 text",
                mend="Save it as UTF-8, and check its permissions.",
            )
            return
        try:
            look = look_over(masked(environment, source), _root_of(name), is_html=name.endswith(".html"))
            if look.mistakes:
                environment.parse(source)
        except jinja2.TemplateSyntaxError:
            return  # rendering it says where and why
        self._tags += [(name, line, tag, attributes) for line, tag, attributes in look.tags]
        for mistake in look.mistakes:
            yield _finding(mistake, Place(self._shown(name), mistake.line))

    def check(self, name: str, made: str) -> None:
        """Look over what a template made.

        Raises:
            TemplateError: naming the template, and the line that the mistake came from.
        """
        if name == DOCUMENT:
            if made not in self._seen:
                mistakes = look_over(made, "").mistakes
                if mistakes:
                    raise TemplateError(
                        [_finding(mistake, self._origin(mistake)) for mistake in mistakes]
                    )
                self._seen.add(made)
        elif name.endswith(".html"):
            self._check_text(name, made)

    def _check_text(self, name: str, html: str) -> None:
        if _STYLED_FIELD.search(html):
            look = look_over(html, None, is_html=True)
        elif html.count("<") > DEEPEST and nesting(html) > DEEPEST:
            look = look_over(html, None, is_html=True)
        else:
            return
        rules = ("template-field-in-style", "template-too-deep")
        mistakes = [mistake for mistake in look.mistakes if mistake.rule in rules]
        if mistakes:
            raise TemplateError(
                [_finding(mistake, self._origin(mistake, name)) for mistake in mistakes[:1]]
            )

    def _origin(self, mistake: Mistake, name: str = "") -> Place:
        """The tag of a template that made a mistake: one with a Jinja value there, if any."""
        candidates = [
            (template, line, attributes)
            for template, line, tag, attributes in self._tags
            if tag == mistake.tag and (not name or template == name)
        ]
        for template, line, attributes in candidates:
            if f"{mistake.attribute}=" in attributes and _VALUE in attributes:
                return Place(self._shown(template), line)
        for template, line, _ in candidates:
            return Place(self._shown(template), line)
        return Place(self._shown(name or DOCUMENT))


_STYLED_FIELD = re.compile(r"""style=(?:"[^"]*\{\{|'[^']*\{\{)""")


def _finding(mistake: Mistake, place: Place) -> Finding:
    return Finding(place, mistake.rule, mistake.found, mistake.expected, mistake.mend)
