"""Each reader's own links: signed, opaque, and good for one purpose only."""

import binascii
import hashlib
from dataclasses import dataclass

from itsdangerous import URLSafeSerializer

PURPOSES = ("preferences", "unsubscribe", "open")
"""Those that need a delivery and nothing else; `click` and `read` links name more."""

_INNER, _OUTER = (bytes(at ^ pad for at in range(256)) for pad in (0x36, 0x5C))
_URL_SAFE = bytes.maketrans(b"+/", b"-_")


@dataclass(frozen=True, slots=True)
class _Maker:
    """What makes the links of one purpose: their beginning, and the two hashes of HMAC."""

    start: str
    inner: "hashlib._Hash"
    outer: "hashlib._Hash"

    def digest(self, payload: bytes) -> bytes:
        """The signature of what a link says."""
        inner, outer = self.inner.copy(), self.outer.copy()
        inner.update(payload)
        outer.update(inner.digest())
        return outer.digest()


class PersonalLinks:
    """Makes the links of readers. They do not expire: an old mail must still unsubscribe.

    A token is one that `signer` of its purpose reads. It is put together here, in a tenth
    of the time, since each mail needs two of them.
    """

    def __init__(self, base_url: str, key: str) -> None:
        purposes = (*PURPOSES, "click", "read")
        self._makers = {
            purpose: _Maker(f"{base_url}/{purpose}/", *_keyed(signer(key, purpose)))
            for purpose in purposes
        }
        self._pair = self._makers["preferences"], self._makers["unsubscribe"]

    def preferences(self, campaign_id: int, subscriber_id: int) -> str:
        """The reader's preferences page."""
        return self._url("preferences", campaign_id, subscriber_id)

    def both(self, campaign_id: int, subscriber_id: int) -> tuple[str, str]:
        """The two links that every mail needs: preferences and unsubscribe."""
        preferences, unsubscribe = self._pair
        payload = _in_base64(b"[%d,%d]" % (campaign_id, subscriber_id))
        digests = preferences.digest(payload) + b"\0" + unsubscribe.digest(payload)
        # In one go: 32 bytes and one more take 44 characters, the last of which is idle.
        said, signatures = payload.decode("ascii"), _in_base64(digests).decode("ascii")
        return (
            f"{preferences.start}{said}.{signatures[:43]}",
            f"{unsubscribe.start}{said}.{signatures[44:]}",
        )

    def unsubscribe(self, campaign_id: int, subscriber_id: int) -> str:
        """The reader's unsubscribe page, which also takes RFC 8058's one-click POST."""
        return self._url("unsubscribe", campaign_id, subscriber_id)

    def open(self, campaign_id: int, subscriber_id: int) -> str:
        """The picture that counts an open, in mail to somebody who agreed to it."""
        return self._url("open", campaign_id, subscriber_id)

    def click(self, campaign_id: int, subscriber_id: int, link: int) -> str:
        """The redirect that counts a click on a link of the campaign, by its number."""
        return self._signed("click", _in_base64(b"[%d,%d,%d]" % (campaign_id, subscriber_id, link)))

    def read(self, campaign_id: int, subscriber_id: int, article: int) -> str:
        """The page on which a reader can say that they have read an article, by its number."""
        return self._signed(
            "read", _in_base64(b"[%d,%d,%d]" % (campaign_id, subscriber_id, article))
        )

    def _url(self, purpose: str, campaign_id: int, subscriber_id: int) -> str:
        return self._signed(purpose, _in_base64(b"[%d,%d]" % (campaign_id, subscriber_id)))

    def _signed(self, purpose: str, payload: bytes) -> str:
        maker = self._makers[purpose]
        token = payload + b"." + _in_base64(maker.digest(payload))
        return maker.start + token.decode("ascii")


def signer(key: str, purpose: str) -> URLSafeSerializer:
    """What reads a token of this purpose."""
    return URLSafeSerializer(
        key,
        salt=f"newsletter-{purpose}",
        signer_kwargs={"digest_method": hashlib.sha256, "key_derivation": "hmac"},
    )


def _keyed(made: URLSafeSerializer) -> "tuple[hashlib._Hash, hashlib._Hash]":
    """The two hashes of HMAC (RFC 2104) with the key in them, so that it is set up once."""
    key = made.make_signer(made.salt).derive_key()
    padded = key.ljust(hashlib.sha256().block_size, b"\0")
    return hashlib.sha256(padded.translate(_INNER)), hashlib.sha256(padded.translate(_OUTER))


def _in_base64(data: bytes) -> bytes:
    return binascii.b2a_base64(data, newline=False).translate(_URL_SAFE, b"=")
