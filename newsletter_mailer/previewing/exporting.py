"""A preview as a folder: it opens from the disk in a browser, without the program."""

import datetime as dt
import json
from collections.abc import Mapping
from pathlib import Path

from newsletter_mailer.previewing import messages
from newsletter_mailer.previewing.facts import Facts, version_facts
from newsletter_mailer.previewing.page import ASSETS, PAGE, asset, web_view
from newsletter_mailer.previewing.readers import SAMPLES
from newsletter_mailer.previewing.workshop import Edition
from newsletter_mailer.whole import whole_folder

_MARK = "facts.js"
"""The file by which a folder is known to hold a preview and nothing that somebody would miss."""


def write_folder(
    edition: Edition,
    facts: Facts,
    web_pages: Mapping[str, str],
    folder: Path,
    now: dt.datetime,
) -> Path:
    """Write a preview into a folder, in the place of an earlier one; returns its page.

    The folder is written whole or not at all.

    Raises:
        UsageError: the folder holds something else, or cannot be written.
        NewsletterError: a picture has gone since the edition was made.
    """
    files = _files(edition, facts, web_pages, now)
    with whole_folder(folder, "a preview", _MARK) as draft:
        for name, content in files.items():
            path = draft / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
    return folder / PAGE


def script(name: str, data: object) -> bytes:
    """Data as a script that sets one name: a page on the disk can load no JSON."""
    return f"var {name} = {json.dumps(data, ensure_ascii=False)};\n".encode()


def _files(
    edition: Edition, facts: Facts, web_pages: Mapping[str, str], now: dt.datetime
) -> dict[str, bytes]:
    files = {name: asset(edition.settings, name) for name in ASSETS}
    files[_MARK] = script("previewFacts", {**facts, "live": False})
    files |= {f"images/{image.name}": image.path.read_bytes() for image in edition.images.values()}
    usual = SAMPLES[0]
    for email in edition.emails:
        raw = messages.message(edition, email.agencies[0], usual, now)
        parts = {
            f"version/{email.name}": version_facts(edition, email),
            f"web/{email.name}": {"html": web_view(edition, web_pages[email.name])},
            f"message/{email.name}": {"raw": raw.decode("ascii")},
        }
        files |= {f"{name}.js": _taken(name, data) for name, data in parts.items()}
        name = f"files/{edition.issue.name}-{email.name}"
        files[f"{name}.eml"] = raw
        files[f"{name}.html"] = messages.page(edition, email.agencies[0], usual).encode()
        files[f"{name}.txt"] = messages.text(edition, email.agencies[0], usual).encode()
    return files


def _taken(name: str, data: object) -> bytes:
    content = json.dumps(data, ensure_ascii=False)
    return f"previewTake({json.dumps(name)}, {content});\n".encode()
