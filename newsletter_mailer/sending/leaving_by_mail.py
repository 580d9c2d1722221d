"""Leaving by mail: a message that says `unsubscribe`, or carries the token of a reader's link."""

import datetime as dt
import re
from collections.abc import Sequence
from email.message import EmailMessage
from email.utils import getaddresses

from itsdangerous import BadSignature
from sqlalchemy import Connection

from newsletter_mailer.audience import leaving
from newsletter_mailer.audience.audit import THEMSELVES
from newsletter_mailer.sending.personal_links import signer

WAY = "mail"

_TO = ("To", "Cc", "Delivered-To", "X-Original-To")
_TOKEN = re.compile(r"[A-Za-z0-9_-]{1,200}\.[A-Za-z0-9_-]{43}")
_REPLY = re.compile(r"^(?:(?:re|aw|fwd?)\s*:\s*)+", re.IGNORECASE)
_WORDS = frozenset(
    {"unsubscribe", "unsubscribe me", "please unsubscribe", "please unsubscribe me", "stop"}
    | {"remove me", "please remove me", "leave"}
)


def leave_by_mail(
    connection: Connection,
    message: EmailMessage,
    keys: Sequence[str],
    *,
    now: dt.datetime,
    recipient: str = "",
) -> str | None:
    """Unsubscribe who asks for it in this message; what was done, None if it is no such message.

    A token names the reader wherever it stands in the subject or a recipient's address;
    `recipient` is the one that the mail server knows, if any.
    Without one, the whole subject or the first line must be the wish, and the address in
    From says whose it is. That can be forged, but only to spare somebody mails, which they
    can have again. Automatic answers are never a wish (RFC 3834, 2).
    """
    if _is_automatic(message):
        return None
    subject = _header(message, "Subject")
    for text in (subject, recipient, *(_header(message, name) for name in _TO)):
        for token in _TOKEN.findall(text):
            subscriber_id = _whose(token, keys)
            if subscriber_id is None:
                continue
            if leaving.leave(connection, subscriber_id, now=now, way=WAY):
                return f"subscriber {subscriber_id} is unsubscribed, by the token in the message"
            return "the token belongs to nobody who is on the list any more"
    if _wish(subject) or _wish(_first_line(message)):
        for _, address in getaddresses([_header(message, "From")]):
            if leaving.unsubscribe(connection, address, now=now, way=WAY, by=THEMSELVES):
                return "the sender of the message is unsubscribed"
        return "the sender of the message is not on the list"
    return None


def _whose(token: str, keys: Sequence[str]) -> int | None:
    for key in keys:
        try:
            found = signer(key, "unsubscribe").loads(token)
        except BadSignature:
            continue
        match found:
            case [int(), int(subscriber_id)]:
                return subscriber_id
    return None


def _is_automatic(message: EmailMessage) -> bool:
    automatic = _header(message, "Auto-Submitted").casefold()
    if automatic and automatic != "no":
        return True
    if _header(message, "Precedence").casefold() in {"bulk", "junk", "list", "auto_reply"}:
        return True
    return _header(message, "Return-Path") == "<>" or bool(message["X-Autoreply"])


def _wish(text: str) -> bool:
    words = _REPLY.sub("", text.strip()).strip(" .!\t").casefold()
    return " ".join(words.split()) in _WORDS


def _first_line(message: EmailMessage) -> str:
    """The first line of the text that is not empty."""
    part = message.get_body(("plain",))
    if part is None:
        return ""
    try:
        content = str(part.get_content())
    except (LookupError, ValueError):  # a charset that nobody knows
        return ""
    return next((line for line in content.splitlines() if line.strip()), "")


def _header(message: EmailMessage, name: str) -> str:
    """All values of a header field; empty where a malformed one cannot be read."""
    try:
        return ", ".join(str(value) for value in message.get_all(name, []))
    except (LookupError, ValueError, TypeError, AttributeError, IndexError):
        return ""
