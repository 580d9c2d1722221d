"""Notices: short mails to one person, compiled by the pipeline of issues.

They share its frame in `newsletter.mjml`, its rules, its inlining and its merge fields.
"""

import textwrap
from dataclasses import dataclass
from types import SimpleNamespace

from markupsafe import Markup

from newsletter_mailer.compiling.inlining import Inliner
from newsletter_mailer.compiling.merge import Segments
from newsletter_mailer.compiling.mjml import SLOT, slot, to_html
from newsletter_mailer.compiling.templates import Templates
from newsletter_mailer.settings import Settings

_WIDTH = 72
_PARTS = {
    "web-link": "notice-top.html",
    "masthead": "notice-masthead.html",
    "0": "notice.html",
    "footer": "notice-footer.html",
}


@dataclass(frozen=True, slots=True)
class NoticeText:
    """What a notice says: paragraphs before its button, the button, and what follows.

    `why` tells at the foot why it was sent.
    """

    subject: str
    preheader: str
    before: tuple[str, ...]
    button: str
    after: tuple[str, ...]
    why: str


@dataclass(frozen=True, slots=True)
class CompiledNotice:
    """A notice, open only at the merge fields `greeting` and `action_url`."""

    subject: str
    html: Segments
    text: Segments


class NoticeCompiler:
    """Compiles notices with the templates and settings of a project."""

    def __init__(self, settings: Settings) -> None:
        """Read the templates.

        Raises:
            TemplateError: there are mistakes in them.
        """
        self._settings = settings
        self._templates = Templates(settings, {}, {"columns": lambda _section: False})
        self._inliner = Inliner(self._templates.rich_css)

    def compile(self, notice: NoticeText) -> CompiledNotice:
        """Compile a notice.

        Raises:
            TemplateError: a template cannot be rendered.
            CompileError: the toolchain refused or would have damaged it.
        """
        names = {
            "notice": notice,
            "web": False,
            "head": SimpleNamespace(language="en-GB"),
            "title": notice.subject,
            "preheader": notice.preheader,
        }
        parts = {
            name: self._inliner.add(str(self._templates.render(template, names)))
            for name, template in _PARTS.items()
        }
        frame = {
            "sections": ("0",),
            "part": lambda name: Markup(slot(name)),  # noqa: S704 - a slot
        }
        html = to_html(str(self._templates.render("newsletter.mjml", {**names, **frame})))
        whole = SLOT.sub(lambda match: parts[match[1]], html)
        return CompiledNotice(
            notice.subject,
            Segments.of(self._inliner.resolve(whole)),
            Segments.of(self._text(notice)),
        )

    def _text(self, notice: NoticeText) -> str:
        office = self._settings.office
        paragraphs = [
            "{{greeting}}",
            *map(_filled, notice.before),
            f"{notice.button}:\n{{{{action_url}}}}",
            *map(_filled, notice.after),
            "-- ",
            _filled(notice.why),
            "\n".join([office.name, *office.address, f"Phone {office.phone}", office.email]),
        ]
        return "\n\n".join(paragraphs) + "\n"


def _filled(paragraph: str) -> str:
    return textwrap.fill(paragraph, _WIDTH, break_long_words=False, break_on_hyphens=False)
