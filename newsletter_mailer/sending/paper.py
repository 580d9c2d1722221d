"""Pages to read, to print and to file, from the templates in `templates/report`."""

from collections.abc import Callable, Mapping

import jinja2

from newsletter_mailer.errors import TemplateError
from newsletter_mailer.findings import Finding, Place
from newsletter_mailer.settings import Settings

_FOLDER = "templates/report"


def from_template(
    name: str, settings: Settings, filters: Mapping[str, Callable[..., object]], **values: object
) -> str:
    """The page that a template makes of these values, the office and its theme.

    Raises:
        TemplateError: the template, or one that it includes, is missing or broken.
    """
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(settings.root / _FOLDER),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= filters
    try:
        return environment.get_template(name).render(
            office=settings.office, theme=settings.theme, **values
        )
    except jinja2.TemplateNotFound as error:
        raise _broken(name, 1, f"no template {error.name}") from error
    except jinja2.TemplateSyntaxError as error:
        raise _broken(error.name or name, error.lineno, str(error.message)) from error
    except jinja2.UndefinedError as error:
        raise _broken(name, 1, str(error)) from error


def _broken(template: str, line: int, message: str) -> TemplateError:
    place = Place(f"{_FOLDER}/{template}", line)
    return TemplateError([Finding(place, "template", message, mend="Mend the template.")])
