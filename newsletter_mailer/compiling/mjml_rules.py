"""What a template may hold: checked before mrml sees it, since mrml says nothing.

mrml leaves out an attribute that it does not know or whose unit is wrong, lets unknown tags
through, and keeps the last of two bodies. So the text of every template is looked over with
its Jinja parts masked, which gives the exact line of each mistake. What comes out of Jinja is
looked over once more, and a mistake there is traced back to the tag that it came from.
"""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import jinja2

from newsletter_mailer.compiling.inlining import TOKEN
from newsletter_mailer.compiling.masking import CONTROL, FIELD, VALUE, masked
from newsletter_mailer.compiling.mjml_look import DEEPEST, look_over, nesting
from newsletter_mailer.compiling.mjml_mistake import Mistake
from newsletter_mailer.errors import TemplateError
from newsletter_mailer.findings import Finding, Place

DOCUMENT = "newsletter.mjml"
"""The template that makes a whole mail."""


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
        self._sound: set[tuple[str, str]] = set()
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
        text = masked(source)
        look = look_over(text, _root_of(name), self._sound, is_html=name.endswith(".html"))
        try:
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
            # Variants mostly differ in their text only, for which tokens with numbers stand.
            shape = TOKEN.sub("", made)
            if shape not in self._seen:
                mistakes = look_over(TOKEN.sub("text", made), "", self._sound).mistakes
                if mistakes:
                    raise TemplateError(
                        [_finding(mistake, self._origin(mistake)) for mistake in mistakes]
                    )
                self._seen.add(shape)
        elif name.endswith(".html"):
            self._check_text(name, made)

    def _check_text(self, name: str, html: str) -> None:
        is_deep = html.count("<") > DEEPEST and nesting(html) > DEEPEST
        if not is_deep and not _STYLED_FIELD.search(html):
            return
        look = look_over(html, None, set(), is_html=True)
        rules = ("template-field-in-style", "template-too-deep")
        mistakes = [mistake for mistake in look.mistakes if mistake.rule in rules]
        if mistakes:
            raise TemplateError(
                [_finding(mistake, self._origin(mistake, name)) for mistake in mistakes[:1]]
            )

    def _origin(self, mistake: Mistake, name: str = "") -> Place:
        """The tag of a template that a tag came from: best one that Jinja had a part in."""
        found = [
            (VALUE not in attributes, template, line)
            for template, line, tag, attributes in self._tags
            if tag == mistake.tag
            and (not name or template == name)
            and _could_make(attributes, mistake.attributes)
        ]
        if not found:
            return Place(self._shown(name or DOCUMENT))
        _, template, line = min(found)
        return Place(self._shown(template), line)


def _could_make(attributes: str, made: str) -> bool:
    """Whether attributes in a template, as they are masked, can have become what was made."""
    parts = re.split(f"[{VALUE}{FIELD}]|{CONTROL}", attributes)
    return re.fullmatch(".*".join(map(re.escape, parts)), made, re.DOTALL) is not None


_STYLED_FIELD = re.compile(r"""style=(?:"[^"]*\{\{|'[^']*\{\{)""")


def _finding(mistake: Mistake, place: Place) -> Finding:
    return Finding(place, mistake.rule, mistake.found, mistake.expected, mistake.mend)
