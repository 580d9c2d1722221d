"""Tokens of pixels and of links, read: which delivery they are of."""

import hashlib
import hmac
import json
from collections.abc import Sequence

from itsdangerous.encoding import base64_decode
from itsdangerous.exc import BadData

from newsletter_mailer.sending.personal_links import signer

_LONGEST = 300
_LARGEST = 2**53


class Tokens:
    """Reads tokens of one purpose, signed with any of these keys, the newest first.

    They are those that `signer` of the purpose reads. They are taken apart here, in a fraction
    of the time, since every load of a pixel has one.
    """

    def __init__(self, keys: Sequence[str], purpose: str) -> None:
        self._macs = [
            hmac.new(made.make_signer(made.salt).derive_key(), digestmod=hashlib.sha256)
            for made in (signer(key, purpose) for key in keys)
        ]

    def read(self, token: str, numbers: int = 2) -> tuple[int, ...] | None:
        """The numbers in a token; None where it is forged, altered or for another purpose."""
        payload, dot, signature = token.rpartition(".")
        if not dot or len(token) > _LONGEST or not token.isascii():
            return None
        try:
            given = base64_decode(signature)
        except BadData:
            return None
        for key in self._macs:
            mac = key.copy()
            mac.update(payload.encode("ascii"))
            if hmac.compare_digest(mac.digest(), given):
                return _numbers(payload, numbers)
        return None


def _numbers(payload: str, wanted: int) -> tuple[int, ...] | None:
    """The numbers that were signed; compressed ones, which are never made, are not read."""
    try:
        found = json.loads(base64_decode(payload))
    except (BadData, ValueError):
        return None
    fits = isinstance(found, list) and len(found) == wanted
    if fits and all(type(number) is int and 0 <= number < _LARGEST for number in found):
        return tuple(found)
    return None
