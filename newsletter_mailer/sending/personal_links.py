"""Each reader's own links: signed, opaque, and good for one purpose only."""

import binascii
import hashlib
import hmac

from itsdangerous import URLSafeSerializer

PURPOSES = ("preferences", "unsubscribe", "open")
"""Those that need a delivery and nothing else; there are `click` links besides."""

_URL_SAFE = bytes.maketrans(b"+/", b"-_")


class PersonalLinks:
    """Makes the links of readers. They do not expire: an old mail must still unsubscribe.

    A token is one that `signer` of its purpose reads. It is put together here, in a tenth
    of the time, since each mail needs two of them.
    """

    def __init__(self, base_url: str, key: str) -> None:
        self._base_url = base_url
        signers = {purpose: signer(key, purpose) for purpose in (*PURPOSES, "click")}
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

    def open(self, campaign_id: int, subscriber_id: int) -> str:
        """The picture that counts an open, in mail to somebody who agreed to it."""
        return self._url("open", campaign_id, subscriber_id)

    def click(self, campaign_id: int, subscriber_id: int, link: int) -> str:
        """The redirect that counts a click on a link of the campaign, by its number."""
        return self._url("click", campaign_id, subscriber_id, link)

    def _url(self, purpose: str, *numbers: int) -> str:
        payload = _in_base64(f"[{','.join(map(str, numbers))}]".encode("ascii"))
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
