"""Quoted-printable (RFC 2045, 6.7) in parts that can be joined.

A text is encoded once around its merge fields. Each part ends in a soft line break, so
that a reader's value, encoded alone, can stand between two parts.
"""

import binascii

LONGEST_LINE = 76
"""Characters in a line, without its end (RFC 2045, 6.7, rule 5)."""

_SOFT_BREAK = b"=\r\n"


def encoded(text: str) -> bytes:
    """A text with bare line ends, encoded as UTF-8 with CRLF."""
    made = binascii.b2a_qp(text.encode(), quotetabs=False, istext=True, header=False)
    return made.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def joinable(text: str) -> bytes:
    """A text encoded so that another encoded part may follow at once."""
    made = encoded(text)
    start = made.rfind(b"\n") + 1
    if len(made) - start >= LONGEST_LINE:
        cut = made.rfind(b"=", len(made) - 3)
        cut = cut if cut > start else len(made) - 1
        made = made[:cut] + _SOFT_BREAK + made[cut:]
    return made + _SOFT_BREAK
