"""The certificate as a page to read, print on A4 and file."""

import datetime as dt

from newsletter_mailer.sending.certificate import Certificate
from newsletter_mailer.sending.paper import from_template
from newsletter_mailer.settings import Settings


def certificate_page(
    certificate: Certificate, digest: str, settings: Settings, now: dt.datetime
) -> str:
    """The page, in the office's time zone. `digest` is the SHA-256 of the JSON beside it.

    Raises:
        TemplateError: `templates/report/certificate.html` is missing or broken.
    """
    zone = settings.office.zone
    filters = {
        "number": lambda number: f"{number:,}",
        "moment": lambda moment: (
            f"{moment.astimezone(zone):%-d %B %Y, %H:%M:%S %Z}" if moment else "–"
        ),
    }
    return from_template(
        "certificate.html",
        settings,
        filters,
        certificate=certificate,
        campaign=certificate.campaign,
        digest=digest,
        now=now,
    )
