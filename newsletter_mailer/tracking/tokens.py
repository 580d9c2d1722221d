"""Tokens of pixels and of links, read: which delivery they are of."""

from collections.abc import Sequence

from itsdangerous import BadData, URLSafeSerializer

from newsletter_mailer.sending.personal_links import signer

_LONGEST = 300
_LARGEST = 2**53


class Tokens:
    """Reads tokens of one purpose, signed with any of these keys, the newest first."""

    def __init__(self, keys: Sequence[str], purpose: str) -> None:
        self._signers: list[URLSafeSerializer] = [signer(key, purpose) for key in keys]

    def read(self, token: str, numbers: int = 2) -> tuple[int, ...] | None:
        """The numbers in a token; None where it is forged, altered or for another purpose."""
        if len(token) > _LONGEST:
            return None
        for each in self._signers:
            try:
                found = each.loads(token)
            except BadData:
                continue
            if (
                isinstance(found, list)
                and len(found) == numbers
                and all(type(number) is int and 0 <= number < _LARGEST for number in found)
            ):
                return tuple(found)
        return None
