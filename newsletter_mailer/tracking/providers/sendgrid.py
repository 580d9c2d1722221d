"""SendGrid's event webhook: its signature, its words, and its events.

Sources: SendGrid's "Event Webhook Reference" and "Getting Started with the Event Webhook
Security Features". Events come in a JSON array, in any order and more than once, and what
is not answered with a 2xx is repeated for 24 hours.
"""

import base64
import binascii
import datetime as dt
import json
from collections.abc import Mapping, Sequence
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_der_public_key

from newsletter_mailer.errors import SettingsError
from newsletter_mailer.tracking.bounces import bounce_of, code_in
from newsletter_mailer.tracking.events import Event, Kind
from newsletter_mailer.tracking.providers.contract import MalformedError, NotTrustedError

CAMPAIGN, DELIVERY = "campaign", "delivery"
"""The custom arguments of each message: its campaign's token, and its subscriber's number.

They come back at the top level of its events.
"""

WORDS = {
    "processed": Kind.PROCESSED,
    "deferred": Kind.DEFERRED,
    "delivered": Kind.DELIVERED,
    "dropped": Kind.DROPPED,
    "bounce": Kind.SOFT_BOUNCED,
    "blocked": Kind.BLOCKED,
    "open": Kind.OPENED,
    "click": Kind.CLICKED,
    "spamreport": Kind.COMPLAINED,
    "unsubscribe": Kind.UNSUBSCRIBED,
    "group_unsubscribe": Kind.UNSUBSCRIBED,
    "group_resubscribe": Kind.OTHER,
    # Why a message was dropped, in the beginning of its `reason`.
    "dropped: bounced address": Kind.DROPPED_DEAD,
    "dropped: invalid": Kind.DROPPED_DEAD,
    "dropped: spam reporting address": Kind.DROPPED_COMPLAINED,
    "dropped: unsubscribed address": Kind.DROPPED_LEFT,
    # SendGrid's own judgement of a bounce, in `bounce_classification`.
    "classified: invalid address": Kind.BOUNCED,
    "classified: reputation": Kind.BLOCKED,
    "classified: content": Kind.BLOCKED,
    "classified: frequency or volume too high": Kind.BLOCKED,
    "classified: technical failure": Kind.SOFT_BOUNCED,
    "classified: mailbox unavailable": Kind.SOFT_BOUNCED,
}
"""The provider's words, and ours. Others are kept, and nothing follows from them."""

_PERSONAL = frozenset({"email", "ip", "useragent"})
"""Never kept: who it was stands in the ledger, and how they looked at it is nobody's business."""

_AHEAD = dt.timedelta(minutes=10)
"""By how much the provider's clock may be ahead of ours."""

_FIGURES = 15


class SendGrid:
    """Verifies and reads SendGrid's events.

    `keys` are public keys in base64 (SPKI), as SendGrid shows them: a request is good that
    any of them verifies, so that a new key can be set before the old one is gone.
    """

    name = "sendgrid"

    def __init__(self, keys: Sequence[str], replay_hours: float) -> None:
        """Read the keys.

        Raises:
            SettingsError: one of them is not such a key.
        """
        self._keys = [_public_key(key) for key in keys]
        self._window = dt.timedelta(hours=replay_hours)

    def verify(self, headers: Mapping[str, str], body: bytes, now: dt.datetime) -> None:
        """See that SendGrid signed this body, within the window: ECDSA over time and body.

        Raises:
            NotTrustedError: it did not.
        """
        stamp = headers.get("x-twilio-email-event-webhook-timestamp", "")
        if not (stamp.isascii() and stamp.isdigit() and len(stamp) < 12):  # noqa: PLR2004 - seconds
            raise NotTrustedError("no time")
        signed_at = dt.datetime.fromtimestamp(int(stamp), dt.UTC)
        if not now - self._window <= signed_at <= now + _AHEAD:
            raise NotTrustedError("signed at another time")
        try:
            signature = base64.b64decode(
                headers.get("x-twilio-email-event-webhook-signature", ""), validate=True
            )
        except binascii.Error as error:
            raise NotTrustedError("no signature") from error
        signed = stamp.encode("ascii") + body
        for key in self._keys:
            try:
                key.verify(signature, signed, ec.ECDSA(hashes.SHA256()))
            except InvalidSignature:
                continue
            return
        raise NotTrustedError("no key of ours verifies it")

    def read(self, body: bytes) -> list[Event]:
        """The events in a request that was verified; see `read_events`."""
        return read_events(body)


def read_events(body: bytes) -> list[Event]:
    """The events in a request's body.

    Raises:
        MalformedError: it is not a JSON array.
    """
    try:
        found = json.loads(body)
    except ValueError as error:
        raise MalformedError("not JSON") from error
    if not isinstance(found, list):
        raise MalformedError("not an array")
    return [event for each in found if (event := _event(each)) is not None]


def _event(raw: Any) -> Event | None:  # noqa: ANN401 - any JSON
    """An event; None for one without an id or a time, which cannot be told from another."""
    if not isinstance(raw, dict):
        return None
    event_id, seconds = raw.get("sg_event_id"), _number(raw.get("timestamp"))
    if not isinstance(event_id, str) or not event_id or seconds is None:
        return None
    kind, code = _meaning(raw)
    return Event(
        SendGrid.name,
        _storable(event_id[:200]),
        kind,
        dt.datetime.fromtimestamp(min(seconds, 4_102_444_800), dt.UTC),  # up to the year 2100
        subscriber_id=_number(raw.get(DELIVERY)),
        token=_text(raw, CAMPAIGN),
        code=code,
        detail=_text(raw, "reason") or _text(raw, "response"),
        agent=_text(raw, "useragent"),
        address=_text(raw, "ip"),
        flagged=raw.get("sg_machine_open") is True,
        url=_text(raw, "url"),
        raw={name: value for name, value in raw.items() if name not in _PERSONAL},
    )


def _meaning(raw: Mapping[str, Any]) -> tuple[Kind, str]:
    """Our word for an event, and the enhanced code in it."""
    word, reason = _text(raw, "event").lower(), _text(raw, "reason")
    if word == "dropped":
        start = f"dropped: {reason.lower()}"
        return next(
            (k for w, k in WORDS.items() if ":" in w and start.startswith(w)), WORDS[word]
        ), ""
    if word != "bounce":
        return WORDS.get(word, Kind.OTHER), code_in(_text(raw, "status"))
    code = code_in(_text(raw, "status")) or code_in(reason)
    if code and not code.endswith(".0.0"):
        return bounce_of(code), code
    judged = WORDS.get(f"classified: {_text(raw, 'bounce_classification').lower()}")
    if judged is not None:
        return judged, code
    if _text(raw, "type") == "blocked":
        return WORDS["blocked"], code
    # A bounce of type `bounce` is one after which SendGrid itself gives an address up.
    gone = _text(raw, "type") == "bounce" and not code.startswith("4")
    return (Kind.BOUNCED if gone else WORDS[word]), code


def _public_key(text: str) -> ec.EllipticCurvePublicKey:
    try:
        key = load_der_public_key(base64.b64decode(text, validate=True))
    except (ValueError, binascii.Error):
        key = None
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise SettingsError(
            f"tracking.sendgrid_keys holds {text[:20]!r}…, which is not a public key for signed "
            "events. Copy the verification key from SendGrid's page Settings, Mail Settings, "
            "Event Webhook, whole and on one line."
        )
    return key


def _number(value: object) -> int | None:
    """A whole number, not negative; custom arguments come back as strings."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= _FIGURES:
        return int(value)
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 10**_FIGURES:
        return value
    return None


def _text(raw: Mapping[str, Any], name: str) -> str:
    value = raw.get(name)
    return _storable(value) if isinstance(value, str) else ""


def _storable(text: str) -> str:
    """Text without what a database refuses: NUL in PostgreSQL, half a surrogate pair in both."""
    if text.isascii():
        return text.replace("\x00", "")
    return text.replace("\x00", "").encode("utf-8", "replace").decode("utf-8")
