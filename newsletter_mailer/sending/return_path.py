"""Return paths that name their delivery (VERP), so that a bounce can be told apart.

A bounce comes to the address a message was sent from, and often says nothing else that
is sure. `bounces@example.org` becomes `bounces+7.1042.<mac>@example.org`: campaign,
subscriber, and a MAC without which anybody could have anybody suppressed.
"""

import base64
import hashlib
import hmac
import re

from newsletter_mailer.errors import SettingsError

_LONGEST_LOCAL = 64
"""Characters before the @ (RFC 5321, 4.5.3.1.1)."""

_MAC_BYTES = 10
"""80 bits: far beyond guessing by mail, and 16 characters."""

_FORM = re.compile(r"\+([0-9]{1,15})\.([0-9]{1,15})\.([a-z2-7]{16})")


def verp(base: str, campaign_id: int, subscriber_id: int, key: str) -> str:
    """The return path of one delivery, made from the address that takes all bounces.

    Raises:
        SettingsError: the part before the @ would be longer than 64 characters.
    """
    local, _, domain = base.rpartition("@")
    local = f"{local}+{campaign_id}.{subscriber_id}.{_mac(campaign_id, subscriber_id, key)}"
    if len(local) > _LONGEST_LOCAL:
        raise SettingsError(
            f"The return path {base} is too long for VERP: with a delivery's name it has "
            f"{len(local)} characters before the @, and {_LONGEST_LOCAL} are allowed. "
            "Choose a shorter smtp.return_path, such as bounces@…, or set smtp.verp to false."
        )
    return f"{local}@{domain}"


def read_verp(address: str, key: str) -> tuple[int, int] | None:
    """The campaign and the subscriber that a return path names.

    None where it names none, or was not signed with this key. Servers on the way may
    have changed the case of its letters.
    """
    local = address.strip().strip("<>").rpartition("@")[0].lower()
    found = _FORM.fullmatch(local[local.rfind("+") :] if "+" in local else "")
    if found is None:
        return None
    campaign_id, subscriber_id = int(found[1]), int(found[2])
    if not hmac.compare_digest(_mac(campaign_id, subscriber_id, key), found[3]):
        return None
    return campaign_id, subscriber_id


def _mac(campaign_id: int, subscriber_id: int, key: str) -> str:
    words = f"return path:{campaign_id}.{subscriber_id}".encode("ascii")
    mac = hmac.digest(key.encode(), words, hashlib.sha256)[:_MAC_BYTES]
    return base64.b32encode(mac).decode("ascii").lower()
