"""Looking a template or a rendered mail over: the mistakes in its tags and its text."""

import re
from contextlib import suppress
from dataclasses import dataclass, field

from newsletter_mailer.compiling.masking import CONTROL, ELSE, FIELD, IF, VALUE
from newsletter_mailer.compiling.mjml_attributes import attribute_mistakes, field_in_style
from newsletter_mailer.compiling.mjml_elements import ATTRIBUTES, CHILDREN
from newsletter_mailer.compiling.mjml_mistake import Mistake
from newsletter_mailer.findings import brief

DEEPEST = 100
"""Levels of tags in each other. Some thousands crash the process inside mrml."""

_TOKEN = re.compile(
    rf"<!--(?P<comment>.*?)-->|</(?P<close>[A-Za-z][\w:{VALUE}-]*)\s*>"
    rf"|<(?P<open>[A-Za-z][\w:{VALUE}-]*)"
    r"""(?P<attributes>(?:[^<>"']++|"[^"]*+"|'[^']*+')*+)>"""
    rf"|(?P<control>{CONTROL})|(?P<stray><)",
    re.DOTALL,
)
_VOID = frozenset(
    {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "wbr"}
)
_CLOSES_ITSELF = frozenset({"p", "li", "td", "th", "tr", "thead", "tbody", "dt", "dd"})
"""Tags that HTML closes where they are left open."""


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
class Look:
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
    attributes: str = ""
    """Those of the tag that is looked at."""
    sound: set[tuple[str, str]] = field(default_factory=set)
    """Tags and attributes that are known to hold no mistake."""

    def over(self) -> list[Mistake]:
        """Every mistake, in the order of the text."""
        at = 0
        for match in _TOKEN.finditer(self.text):
            self._words(self.text[at : match.start()])
            self._token(match)
            self.line += match[0].count("\n")
            at = match.end()
        self._words(self.text[at:])
        for name, line in self.stack:
            if not (self.is_html and name in _CLOSES_ITSELF):
                self._unclosed(name, line)
        return self.mistakes

    def report(self, rule: str, found: str, expected: str, mend: str, tag: str = "") -> None:
        """Add a mistake on the line that is looked at."""
        attributes = self.attributes if tag else ""
        self.mistakes.append(Mistake(self.line, rule, found, expected, mend, tag, attributes))

    def _inside(self) -> str | None:
        return self.stack[-1][0] if self.stack else self.root

    def _words(self, words: str) -> None:
        """Text between two tags."""
        inside = self._inside()
        bare = words.replace(VALUE, " ").strip()
        if bare:
            line = self.line
            self.line += words[: len(words) - len(words.lstrip())].count("\n")
            if inside == "mj-style" and (FIELD in words or "{{" in words):
                self.report(*field_in_style("an mj-style"), "mj-style")
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
        if control == IF:
            self.branches.append((tuple(self.stack), self.bodies, self.bodies))
        elif self.branches:
            stack, before, most = self.branches.pop()
            most = max(most, self.bodies)
            if control == ELSE:
                self.branches.append((stack, before, most))
                self.stack, self.bodies = list(stack), before
            else:
                self.bodies = most

    def _open(self, name: str, attributes: str) -> None:
        self.tags.append((self.line, name, attributes))
        self.attributes = attributes
        self._placed(name)
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
                raise _TooDeepError

    def _placed(self, name: str) -> None:
        """Report a tag that is unknown, or not where it belongs."""
        inside = self._inside()
        is_mjml = name.startswith("mj-") or name == "mjml"
        allowed = CHILDREN.get(inside, frozenset()) if inside else frozenset({"mjml"})
        where = f"<{inside}>" if inside else "the template"
        if is_mjml and name not in ATTRIBUTES:
            self.report(
                "template-unknown-tag",
                f"the tag <{name}>",
                f"one of {', '.join(sorted(ATTRIBUTES))}",
                "Check its spelling, or use another.",
                name,
            )
        elif is_mjml and self.is_html:
            self.report(
                "template-misplaced-tag",
                f"<{name}> in a template of rich text",
                "HTML",
                "Use MJML in the .mjml templates.",
                name,
            )
        elif self.is_html or inside is None:
            return
        elif is_mjml and name not in allowed:
            self.report(
                "template-misplaced-tag",
                f"<{name}> right inside {where}",
                f"one of {', '.join(sorted(allowed))}" if allowed else "text and HTML",
                "Move it to where it belongs.",
                name,
            )
        elif not is_mjml and (inside in CHILDREN or not inside):
            self.report(
                "template-misplaced-tag",
                f"<{name}> right inside {where}",
                "HTML inside <mj-text> or <mj-raw>",
                "Move it into one.",
                name,
            )

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
        if (tag, written) not in self.sound:
            mistakes = list(attribute_mistakes(tag, written, self.line))
            self.mistakes += mistakes
            if not mistakes:
                self.sound.add((tag, written))


class _TooDeepError(Exception):
    """Looking on would only repeat what is reported."""


def look_over(
    text: str, root: str | None, sound: set[tuple[str, str]], *, is_html: bool = False
) -> Look:
    """Look a text over; the answer holds its mistakes and its tags."""
    look = Look(text, root, is_html, sound=sound)
    with suppress(_TooDeepError):
        look.over()
    return look
