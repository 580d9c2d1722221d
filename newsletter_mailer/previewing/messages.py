"""Messages for the preview: as they would leave, marked tests to oneself, and single pages."""

import base64
import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from newsletter_mailer.compiling.merge import IMAGE, for_html
from newsletter_mailer.errors import IssueError, NewsletterError, UsageError
from newsletter_mailer.findings import Finding, errors_in
from newsletter_mailer.mailbox import checked_address
from newsletter_mailer.previewing.readers import Reader, values
from newsletter_mailer.previewing.workshop import Edition
from newsletter_mailer.sending.asking import NOBODY
from newsletter_mailer.sending.campaign import FrozenImage
from newsletter_mailer.sending.message import MessageMaker
from newsletter_mailer.sending.transports.contract import Letter, Outcome, Receipt
from newsletter_mailer.sending.trying import FOLDER, letterhead_of, send_trial

_TOKEN = "0" * 32
"""What stands in a preview's message where a campaign has a token of its own."""


def message(edition: Edition, agency: str, reader: Reader, now: dt.datetime) -> bytes:
    """The message that a reader at an agency would get, unsigned (DKIM signs what leaves).

    Raises:
        NewsletterError: a picture has gone since the edition was made.
    """
    settings, email = edition.settings, edition.by_agency[agency]
    letterhead = replace(letterhead_of(edition.issue, settings), token=_TOKEN)
    pictures = [
        FrozenImage(image.name, image.media_type, content)
        for image in email.images
        for content in [_content(image.path)]
    ]
    maker = MessageMaker(letterhead, email.subject, email.text, email.html, pictures)
    filled = values(reader, edition.registry.agency(agency), settings, email.html.read_fields)
    return Letter(NOBODY, reader.email, reader.name, agency, filled, maker.at(now)).content()


def page(edition: Edition, agency: str, reader: Reader) -> str:
    """The HTML that a reader at an agency would get, its pictures inside it.

    Raises:
        NewsletterError: a picture has gone since the edition was made.
    """
    email = edition.by_agency[agency]
    inside = {
        f"{IMAGE}{image.name}": f"data:{image.media_type};base64,"
        + base64.b64encode(_content(image.path)).decode("ascii")
        for image in email.images
    }
    asking = email.html.read_fields
    filled = values(reader, edition.registry.agency(agency), edition.settings, asking)
    return email.html.settle(inside.get).fill(for_html(filled))


def text(edition: Edition, agency: str, reader: Reader) -> str:
    """The plain text that a reader at an agency would get."""
    email = edition.by_agency[agency]
    asking = email.text.read_fields
    filled = values(reader, edition.registry.agency(agency), edition.settings, asking)
    return email.text.fill(filled)


def file_name(edition: Edition, agency: str, ending: str) -> str:
    """What a download is called: it has only letters, figures and hyphens, and its ending."""
    stem = re.sub(r"[^A-Za-z0-9-]+", "-", f"{edition.issue.name}-{agency}").strip("-")
    return f"{stem}.{ending}"


def send_test(
    edition: Edition,
    findings: Sequence[Finding],
    *,
    address: str,
    agency: str,
    now: dt.datetime,
) -> str:
    """Send one letter marked [TEST], as the agency gets it, and say what became of it.

    `findings` is what the checks found: as with `send --test`, an error stops it.

    Raises:
        UsageError: the address is malformed.
        IssueError: there are errors that nobody waived.
        SendingError: the transport cannot take it.
    """
    try:
        to = checked_address(address)
    except ValueError as error:
        raise UsageError(f"{error}") from error
    errors = errors_in(findings)
    if errors:
        raise IssueError(errors)
    settings = edition.settings
    ((_, receipt),) = send_trial(
        edition.issue,
        edition.emails,
        edition.registry,
        settings,
        addresses=[to],
        agencies=[agency],
        now=now,
    )
    if receipt.outcome is not Outcome.ACCEPTED:
        raise NewsletterError(_refused(receipt, to))
    if settings.transport == "outbox":
        shown = (settings.outbox / FOLDER).relative_to(settings.root).as_posix()
        return f"Nothing leaves this machine as it is set up: the test for {to} is in {shown}/."
    return f"The mail server has taken the test for {to}."


def _refused(receipt: Receipt, address: str) -> str:
    why = f" {receipt.code} {receipt.detail}".rstrip()
    return f"The test for {address} was not sent ({receipt.outcome}).{why}"


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise NewsletterError(
            f"The picture {path.name} cannot be read: {error.strerror}."
        ) from error
