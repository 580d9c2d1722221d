"""Mail that came back: delivery reports (RFC 3464) and complaints (RFC 5965), read.

Which delivery a report is about is told by the address it was sent to, where each
delivery has a return path of its own (VERP), or by the returned message's own link for
unsubscribing. Both are signed, so that nobody can have somebody else suppressed.
"""

import datetime as dt
import email.utils
import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import Message

from newsletter_mailer.sending.return_path import read_verp
from newsletter_mailer.tracking.bounces import bounce_of, code_in
from newsletter_mailer.tracking.events import Event, Kind
from newsletter_mailer.tracking.tokens import Tokens

PROVIDER = "mail"
"""What stands in the place of a provider's name for what came by mail."""

_TO = ("X-Original-To", "Delivered-To", "Envelope-To", "To")
"""Where a report's own recipient stands, the surest first."""

_UNSUBSCRIBE = re.compile(r"/unsubscribe/([A-Za-z0-9_.=-]+)")

_LONGEST = 300


@dataclass(frozen=True, slots=True)
class Report:
    """A report, and the event that it tells; `kind` is OTHER where nothing follows from it."""

    event: Event

    @property
    def words(self) -> str:
        """What it says, on one line."""
        code = f" ({self.event.code})" if self.event.code else ""
        return f"{self.event.kind}{code}"


def read_report(
    raw: bytes, keys: Sequence[str], now: dt.datetime, recipient: str = ""
) -> Report | None:
    """The report in a message; None for a message that is none.

    `recipient` is the address the report was sent to, where the mail server says so.
    Nothing in a message raises: what cannot be read is no report.
    """
    try:
        message = message_from_bytes(raw, policy=policy.default)
        found = _complaint(message) or _delivery_status(message)
        if found is None:
            return None
        kind, code, detail = found
        delivery = _delivery(message, keys, recipient)
        at = _date(message, now)
        name = str(message.get("Message-ID", "")).strip() or raw.decode("latin-1")
    except Exception:
        return None
    seed = f"{name}|{delivery}|{kind}|{code}"
    return Report(
        Event(
            PROVIDER,
            hashlib.sha256(seed.encode("utf-8", "replace")).hexdigest()[:32],
            kind,
            at,
            delivery[0] if delivery else None,
            delivery[1] if delivery else None,
            code=code,
            detail=detail,
            raw={"kind": str(kind), "code": code, "detail": detail},
        )
    )


def _complaint(message: Message) -> tuple[Kind, str, str] | None:
    """What a report of abuse says (RFC 5965): anything but `not-spam` is a complaint."""
    for part in _parts(message, "message/feedback-report"):
        fields = _fields(part)
        kind = fields.get("feedback-type", "abuse").lower()
        if kind in {"abuse", "fraud", "virus", "other"}:
            return Kind.COMPLAINED, "", f"reported as {kind}"
        return Kind.OTHER, "", f"reported as {kind}"
    return None


def _delivery_status(message: Message) -> tuple[Kind, str, str] | None:
    """The worst that a delivery report says of a recipient (RFC 3464, 2.3)."""
    worst: tuple[Kind, str, str] | None = None
    for part in _parts(message, "message/delivery-status"):
        for group in _inside(part):
            fields = {name.lower(): str(value) for name, value in group.items()}
            action = fields.get("action", "").strip().lower()
            if not action:
                continue
            said = " ".join(fields.get("diagnostic-code", "").split())
            code = code_in(fields.get("status", ""))
            if code.endswith(".0.0") or not code:
                code = code_in(said) or code
            kind = _KINDS.get(action, Kind.OTHER) if action != "failed" else bounce_of(code)
            if worst is None or action == "failed":
                worst = (kind, code, said[:_LONGEST])
    return worst


_KINDS = {
    "delayed": Kind.DEFERRED,
    "delivered": Kind.DELIVERED,
    "relayed": Kind.PROCESSED,
    "expanded": Kind.DELIVERED,
}
"""The actions of RFC 3464, 2.3.3, but `failed`, which its code decides."""


def _delivery(message: Message, keys: Sequence[str], recipient: str) -> tuple[int, int] | None:
    """The delivery that a report is about."""
    for address in (recipient, *_addresses(message)):
        for key in keys:
            found = read_verp(address, key)
            if found is not None:
                return found
    tokens = Tokens(keys, "unsubscribe")
    for returned in _returned(message):
        for link in _UNSUBSCRIBE.finditer(str(returned.get("List-Unsubscribe", ""))):
            numbers = tokens.read(link[1])
            if numbers is not None:
                return numbers[0], numbers[1]
    return None


def _addresses(message: Message) -> Iterator[str]:
    for name in _TO:
        for value in message.get_all(name, []):
            yield from (address for _, address in email.utils.getaddresses([str(value)]))
    for part in _parts(message, "message/feedback-report"):
        yield _fields(part).get("original-mail-from", "")
    for returned in _returned(message):
        yield str(returned.get("Return-Path", ""))


def _returned(message: Message) -> Iterator[Message]:
    """The message that came back, whole or its header only."""
    for part in message.walk():
        if part.get_content_type() == "message/rfc822":
            yield from _inside(part)
        elif part.get_content_type() in {"text/rfc822-headers", "message/rfc822-headers"}:
            yield message_from_bytes(_body(part), policy=policy.default)


def _parts(message: Message, kind: str) -> Iterator[Message]:
    return (part for part in message.walk() if part.get_content_type() == kind)


def _fields(part: Message) -> dict[str, str]:
    """The fields in a part that is made of them."""
    body = next(_inside(part), part)
    if body is part or not body.keys():
        body = message_from_bytes(_body(body), policy=policy.default)
    return {name.lower(): str(value).strip() for name, value in body.items()}


def _inside(part: Message) -> Iterator[Message]:
    """The messages that a part consists of."""
    inner = part.get_payload()
    return (
        (each for each in inner if isinstance(each, Message))
        if isinstance(inner, list)
        else iter(())
    )


def _body(part: Message) -> bytes:
    content = part.get_payload(decode=True)
    return content if isinstance(content, bytes) else str(part.get_payload()).encode()


def _date(message: Message, now: dt.datetime) -> dt.datetime:
    """When the report was written; now where it does not say, or says a time to come."""
    try:
        said = email.utils.parsedate_to_datetime(str(message["Date"]))
    except (TypeError, ValueError):
        return now
    said = said if said.tzinfo else said.replace(tzinfo=dt.UTC)
    return min(said, now)
