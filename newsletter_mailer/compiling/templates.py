"""The templates in `templates/email`: MJML and HTML in Jinja, and two style sheets."""

import re
from collections.abc import Callable, Mapping, MutableMapping
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from newsletter_mailer.compiling.inlining import checked_css
from newsletter_mailer.compiling.markup import attribute
from newsletter_mailer.compiling.mjml_rules import TemplateRules
from newsletter_mailer.errors import NewsletterError, TemplateError
from newsletter_mailer.findings import Finding, Place
from newsletter_mailer.settings import Settings

FONTS = "-apple-system, Segoe UI, Roboto, Helvetica, Arial, sans-serif"


class _Environment(jinja2.Environment):
    def make_globals(self, d: MutableMapping[str, Any] | None) -> MutableMapping[str, Any]:
        """The names that every template knows, as one dict: each rendering copies them."""
        return {**self.globals, **(d or {})}


class Templates:
    """Renders the templates of a project; every mistake in one names its file and line."""

    def __init__(
        self,
        settings: Settings,
        helpers: Mapping[str, Any],
        tests: Mapping[str, Callable[[object], bool]],
    ) -> None:
        self.folder = settings.email_templates
        self._root = settings.root
        self._environment = _Environment(
            loader=jinja2.FileSystemLoader(self.folder),
            auto_reload=False,  # the rules below hold for what stands there now
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.filters["attr"] = attribute
        self._environment.filters["digits"] = lambda phone: re.sub(r"[^0-9+]", "", phone)
        self._environment.tests.update(tests)
        self._environment.globals.update(
            helpers,
            theme=settings.theme,
            office=settings.office,
            base_url=settings.base_url,
            sign=settings.logo,
            fonts=FONTS,
            merge=lambda name: Markup("{{" + name + "}}"),  # noqa: S704 - names stand in templates
        )
        self._rules = TemplateRules(self.folder, self._shown, self._environment)
        self.rich_css = self._css("rich.css")
        self.head_css = Markup(self._css("head.css", nested=True))  # noqa: S704 - a style sheet
        self._environment.globals["head_css"] = self.head_css
        blocks = self.folder / "blocks"
        self.text_kinds = {path.name.removesuffix(".html") for path in blocks.glob("*.html")}

    def render(self, name: str, names: Mapping[str, object]) -> Markup:
        """Render a template that knows `names`.

        Raises:
            TemplateError: it is missing, does not parse, uses a name that is not there, or
                makes what breaks a rule of `mjml_rules`.
        """
        try:
            made = self._environment.get_template(name).render(names)
        except jinja2.TemplateNotFound as error:
            raise self._error(name, 1, f"no template {error.name}") from error
        except jinja2.TemplateSyntaxError as error:
            raise self._error(error.name or name, error.lineno, str(error.message)) from error
        except jinja2.UndefinedError as error:
            raise self._error(name, _line_in(error, self.folder / name), str(error)) from error
        except NewsletterError:
            raise
        except (MemoryError, OSError):
            raise
        except Exception as error:  # whatever an expression in a template may raise
            message = f"{type(error).__name__}: {error}"
            raise self._error(name, _line_in(error, self.folder / name), message) from error
        self._rules.check(name, made)
        return Markup(made)  # noqa: S704 - autoescaped

    def _css(self, name: str, *, nested: bool = False) -> str:
        css = str(self.render(name, {}))
        for line, text in enumerate(css.split("\n"), start=1):
            if sign := re.search(r"<|\{\{", text):
                raise self._error(name, line, f"the sign `{sign[0]}` in a style sheet")
        return css if nested else checked_css(css, self.folder / name, self._shown(name))

    def _shown(self, name: str) -> str:
        return (self.folder / name).relative_to(self._root).as_posix()

    def _error(self, name: str, line: int, message: str) -> TemplateError:
        place = Place(self._shown(name), line)
        return TemplateError([Finding(place, "template", message, mend="Mend the template.")])


def _line_in(error: BaseException, path: Path) -> int:
    """The line of a template in an error's traceback."""
    line, trace = 1, error.__traceback__
    while trace:
        if trace.tb_frame.f_code.co_filename == str(path):
            line = trace.tb_lineno
        trace = trace.tb_next
    return line
