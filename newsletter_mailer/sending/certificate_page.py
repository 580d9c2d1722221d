"""The certificate as a page to read, print on A4 and file."""

import datetime as dt

import jinja2

from newsletter_mailer.errors import TemplateError
from newsletter_mailer.findings import Finding, Place
from newsletter_mailer.sending.certificate import Certificate
from newsletter_mailer.settings import Settings

_TEMPLATE = "certificate.html"


def certificate_page(
    certificate: Certificate, digest: str, settings: Settings, now: dt.datetime
) -> str:
    """The page, in the office's time zone. `digest` is the SHA-256 of the JSON beside it.

    Raises:
        TemplateError: `templates/report/certificate.html` is missing or broken.
    """
    folder = settings.root / "templates" / "report"
    zone = settings.office.zone
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(folder),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["number"] = lambda number: f"{number:,}"
    environment.filters["moment"] = lambda moment: (
        f"{moment.astimezone(zone):%-d %B %Y, %H:%M:%S %Z}" if moment else "–"
    )
    try:
        return environment.get_template(_TEMPLATE).render(
            certificate=certificate,
            campaign=certificate.campaign,
            digest=digest,
            now=now,
            office=settings.office,
            theme=settings.theme,
        )
    except jinja2.TemplateNotFound as error:
        raise _broken(1, f"no template {error.name}") from error
    except jinja2.TemplateSyntaxError as error:
        raise _broken(error.lineno, str(error.message)) from error
    except jinja2.UndefinedError as error:
        raise _broken(1, str(error)) from error


def _broken(line: int, message: str) -> TemplateError:
    place = Place(f"templates/report/{_TEMPLATE}", line)
    return TemplateError([Finding(place, "template", message, mend="Mend the template.")])
