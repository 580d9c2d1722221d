"""Each reader's own links: signed, opaque, and good for one purpose only."""

import binascii
import hashlib
import hmac

from itsdangerous import URLSafeSerializer

PURPOSES = ("preferences", "unsubscribe")

_URL_SAFE = bytes.maketrans(b"+/", b"-_")


class PersonalLinks:
    """Makes the links of readers. They do not expire: an old mail must still unsubscribe.

    A token is one that `signer` of its purpose reads. It is put together here, in a tenth
    of the time, since each mail needs two of them.
    """

    def __init__(self, base_url: str, key: str) -> None:
        self._base_url = base_url
        signers = {purpose: signer(key, purpose) for purpose in PURPOSES}
        self._macs = {
            purpose: hmac.new(made.make_signer(made.salt).derive_key(), digestmod="sha256")
            for purpose, made in signers.items()
        }

    def preferences(self, campaign_id: int, subscriber_id: int) -> str:
        """The reader's preferences page."""
        return self._url("preferences", campaign_id, subscriber_id)

    def unsubscribe(self, campaign_id: int, subscriber_id: int) -> str:
        """The reader's unsubscribe page, which also takes RFC 8058's one-click POST."""
        return self._url("unsubscribe", campaign_id, subscriber_id)

    def _url(self, purpose: str, campaign_id: int, subscriber_id: int) -> str:
        payload = _in_base64(f"[{campaign_id},{subscriber_id}]".encode("ascii"))
        mac = self._macs[purpose].copy()  # its key is set up once
        mac.update(payload)
        return f"{self._base_url}/{purpose}/{(payload + b'.' + _in_base64(mac.digest())).decode()}"


def signer(key: str, purpose: str) -> URLSafeSerializer:
    """What reads a token of this purpose."""
    return URLSafeSerializer(
        key,
        salt=f"newsletter-{purpose}",
        signer_kwargs={"digest_method": hashlib.sha256, "key_derivation": "hmac"},
    )


def _in_base64(data: bytes) -> bytes:
    return binascii.b2a_base64(data, newline=False).translate(_URL_SAFE, b"=")
