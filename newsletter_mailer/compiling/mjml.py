"""MJML to HTML through mrml, with a guard at each place where mrml fails silently.

The rich text is not in the source yet, only tokens that stand for it: what mrml never
sees it cannot damage, and it has little left to do.
"""

import re

import mjml

from newsletter_mailer.compiling.inlining import TOKEN
from newsletter_mailer.compiling.merge import count_fields
from newsletter_mailer.compiling.mjml_look import DEEPEST, nesting
from newsletter_mailer.errors import CompileError

SLOT = re.compile("\ue002([^\ue003]+)\ue003")
"""Where a part of a mail's text goes. `markup` writes these characters as references elsewhere."""

_MSO_SEAM = re.compile(r"<!\[endif\]-->\s*<!--\[if mso \| IE\]>")
_STYLE = re.compile(r"(<style[^>]*>)(.*?)(</style>)", re.DOTALL)
_BETWEEN_LINES = re.compile(r">\n\s*<")
_DEBUG_ESCAPE = re.compile(r"\\u\{[0-9a-f]+\}")
_STRAY_ATTRIBUTE = re.compile(r'(<td[^>]*?) vertical-align="[a-z]+"')


def slot(name: str) -> str:
    """What stands for the part with this name."""
    return f"\ue002{name}\ue003"


def to_html(source: str) -> str:
    """Render MJML to the HTML of a whole mail.

    Raises:
        CompileError: mrml refused the source, crashed on it, or lost part of it.
    """
    if nesting(source) > DEEPEST:  # some thousands of levels crash the whole process
        raise CompileError(f"The mail's source has tags nested more than {DEEPEST} levels deep.")
    try:
        rendered = mjml.mjml2html(source, fonts={})
    except (KeyboardInterrupt, SystemExit, MemoryError):
        raise
    except BaseException as error:  # mrml's panics do not derive from Exception
        raise CompileError(f"MJML refused the mail's source: {error}.") from error
    _check(source, rendered)
    return _tidied(rendered)


def _check(source: str, rendered: str) -> None:
    if count_fields(source) != count_fields(rendered):
        raise CompileError("MJML lost or doubled a merge field of the mail.")
    for mark in (TOKEN, SLOT):
        if sorted(mark.findall(source)) != sorted(mark.findall(rendered)):
            raise CompileError("MJML lost or doubled a part of the mail's text.")
    damaged = _DEBUG_ESCAPE.search(rendered)
    if damaged:
        raise CompileError(f"MJML damaged an attribute of the mail: {damaged[0]!r}.")
    if rendered.count("<!--[if") != rendered.count("<![endif]"):
        raise CompileError("MJML left Outlook's conditional comments unbalanced.")


def _tidied(rendered: str) -> str:
    """The same mail, smaller, with a doctype that browsers read as standards mode."""
    rendered = re.sub(r"^\s*<!doctype html>", "<!DOCTYPE html>", rendered, flags=re.IGNORECASE)
    rendered = _MSO_SEAM.sub("", rendered)
    rendered = _STYLE.sub(_tidied_style, rendered)
    rendered = _BETWEEN_LINES.sub(">\n<", rendered)
    return _STRAY_ATTRIBUTE.sub(r"\1", rendered)


def _tidied_style(match: re.Match[str]) -> str:
    css = re.sub(r"\s+", " ", match[2])
    return match[1] + re.sub(r"\s*([{};,])\s*", r"\1", css).strip() + match[3]
