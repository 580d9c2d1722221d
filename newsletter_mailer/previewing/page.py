"""The page's own files: they lie in `templates/preview`, and there are no others."""

import base64
import hashlib
import re

from newsletter_mailer.errors import TemplateError
from newsletter_mailer.findings import Finding, Place
from newsletter_mailer.previewing.workshop import Edition
from newsletter_mailer.settings import Settings

PAGE = "index.html"

ASSETS = {
    PAGE: "text/html; charset=utf-8",
    "preview.css": "text/css; charset=utf-8",
    "mail.js": "text/javascript; charset=utf-8",
    "panels.js": "text/javascript; charset=utf-8",
    "versions.js": "text/javascript; charset=utf-8",
    "sharing.js": "text/javascript; charset=utf-8",
    "choosing.js": "text/javascript; charset=utf-8",
    "preview.js": "text/javascript; charset=utf-8",
}
"""Every file of the page, and its media type."""

FRAME = "<!DOCTYPE html>\n<html><head><title>The mail</title></head><body></body></html>\n"
"""What a frame holds before a mail is put into it."""

_FOLDER = "templates/preview"
_SCRIPT = re.compile(r"<script>(.*?)</script>", re.DOTALL)


def asset(settings: Settings, name: str) -> bytes:
    """One of the page's files.

    Raises:
        TemplateError: it cannot be read.
        KeyError: the page has no file of this name.
    """
    if name not in ASSETS:
        raise KeyError(name)
    try:
        return (settings.root / _FOLDER / name).read_bytes()
    except OSError as error:
        raise TemplateError(
            [
                Finding(
                    Place(f"{_FOLDER}/{name}"),
                    "template",
                    f"no file that can be read ({error.strerror})",
                    "a part of the preview's page",
                    f"Copy {_FOLDER} from a new project.",
                )
            ]
        ) from error


def web_view(edition: Edition, html: str) -> str:
    """A page for the archive with its pictures beside it, where they are not published yet."""
    published = f"{edition.settings.base_url}/archive/{edition.issue.name}/images/"
    return html.replace(published, "images/")


def policy_for(html: str) -> str:
    """A Content-Security-Policy that lets a page run the scripts it came with, and no other."""
    digests = (hashlib.sha256(each.encode()).digest() for each in _SCRIPT.findall(html))
    scripts = " ".join(f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests)
    allowed = scripts or "'none'"
    return (
        f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; "
        "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
