"""The event webhook: what the provider tells of messages, signed as it signs.

Source: the provider's pages "Event Webhook Reference" and "Event Webhook Security Features":
ECDSA with SHA-256 over the timestamp and the raw body, the public key as base64 of its SPKI.
"""

import base64
import json
import secrets
import urllib.request
from collections.abc import Iterable, Sequence
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.fake_sendgrid.provider import Message

SIGNATURE = "X-Twilio-Email-Event-Webhook-Signature"
TIMESTAMP = "X-Twilio-Email-Event-Webhook-Timestamp"

_MORE: dict[str, dict[str, object]] = {
    "delivered": {"response": "250 OK"},
    "deferred": {"response": "451 4.7.1 Try again later", "attempt": "1"},
    "bounce": {"type": "bounce", "status": "5.1.1", "reason": "550 5.1.1 No such user"},
    "blocked": {"event": "bounce", "type": "blocked", "status": "5.7.1", "reason": "550 5.7.1"},
    "dropped": {"reason": "Bounced Address"},
    "open": {"useragent": "Mozilla/5.0", "ip": "192.0.2.1", "sg_machine_open": False},
    "click": {"useragent": "Mozilla/5.0", "ip": "192.0.2.1", "url": "https://example.org/"},
}


class Signer:
    """The provider's key for events."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())

    @property
    def public_key(self) -> str:
        """The public key, as the provider's settings show it."""
        spki = self._key.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        return base64.b64encode(spki).decode("ascii")

    def headers(self, body: bytes, timestamp: str) -> dict[str, str]:
        """The header fields that prove where a body comes from."""
        signature = self._key.sign(timestamp.encode() + body, ec.ECDSA(hashes.SHA256()))
        return {SIGNATURE: base64.b64encode(signature).decode("ascii"), TIMESTAMP: timestamp}


def events_of(
    messages: Iterable[Message], kinds: Sequence[str], now: float
) -> list[dict[str, Any]]:
    """One event of each kind for each message: `processed`, `delivered`, `bounce` and so on."""
    return [
        {
            **message.args,
            "email": message.to,
            "timestamp": int(now),
            "smtp-id": f"<{message.message_id}@geopod-ismtpd-1>",
            "event": kind,
            "category": message.mail.get("categories", []),
            "sg_event_id": secrets.token_urlsafe(24),
            "sg_message_id": f"{message.message_id}.recvd-fake-1-0",
            **_MORE.get(kind, {}),
        }
        for message in messages
        for kind in kinds
    ]


def tell(url: str, events: Sequence[dict[str, Any]], signer: Signer, now: float) -> int:
    """Post events to a webhook; the status of its answer."""
    body = json.dumps(events).encode()
    request = urllib.request.Request(  # noqa: S310 - whoever runs this names it
        url,
        body,
        {"Content-Type": "application/json", **signer.headers(body, str(int(now)))},
        method="POST",
    )
    with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
        status: int = answer.status
    return status
