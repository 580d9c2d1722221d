"""Quoted-printable (RFC 2045, 6.7) in parts that can be joined.

A text is encoded once around its merge fields. Each part ends in a soft line break, so
that a reader's value, encoded alone, can stand between two parts.
"""

import binascii
import re

LONGEST_LINE = 76
"""Characters in a line, without its end (RFC 2045, 6.7, rule 5)."""

SOFT_BREAK = b"=\r\n"
_AS_IT_IS = re.compile(r"[!-\-/-<>-~](?:[ -<>-~]*[!-<>-~])?")
"""What needs no encoding on a line of its own, as most readers' values are."""

_URL = re.compile(r"[!-<>-~]+")
"""What needs no encoding but has to be broken, as a reader's own links."""

_FITS = LONGEST_LINE - 1
"""Characters in a line that ends in a soft line break, without its `=`."""

_DOT_FIRST = ord(".")
_SPACE = b"=20"
_DOT = b"=2E"


def encoded(text: str) -> bytes:
    """A text with bare line ends, encoded as UTF-8 with CRLF.

    No line begins with a dot, so SMTP has nothing to double (RFC 5321, 4.5.2).
    """
    made = binascii.b2a_qp(text.encode(), quotetabs=False, istext=True, header=False)
    return _mended(made.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"))


def joinable(text: str) -> bytes:
    """A text encoded so that another encoded part may follow at once; nothing where it is empty."""
    if not text:
        return b""
    if len(text) < LONGEST_LINE and _AS_IT_IS.fullmatch(text):
        return text.encode("ascii") + SOFT_BREAK
    if _URL.fullmatch(text):
        return in_lines(text.encode("ascii"))
    return _encoded_joinable(text)


def in_lines(plain: bytes) -> bytes:
    """ASCII in which nothing needs encoding, broken into lines as `joinable` does it."""
    if _DOT_FIRST in plain[::_FITS]:
        return _encoded_joinable(plain.decode("ascii"))
    if _FITS < len(plain) <= 2 * _FITS:  # as most readers' links are
        return plain[:_FITS] + SOFT_BREAK + plain[_FITS:] + SOFT_BREAK
    lines = [plain[at : at + _FITS] for at in range(0, len(plain), _FITS)]
    return SOFT_BREAK.join([*lines, b""])


def _encoded_joinable(text: str) -> bytes:
    made = encoded(text)
    start = made.rfind(b"\n") + 1
    if len(made) - start >= LONGEST_LINE:
        cut = made.rfind(b"=", len(made) - 3)
        cut = cut if cut > start else len(made) - 1
        made = made[:cut] + SOFT_BREAK + _mended(made[cut:])
    return made + SOFT_BREAK


def _mended(made: bytes) -> bytes:
    """Encoded text whose lines begin with no dot, and none of which is too long.

    Python's encoder leaves dots alone, and lets a space at a line's end lengthen it.
    """
    if not made.startswith(b".") and b"\n." not in made and b"=20\r\n" not in made:
        return made
    lines = []
    for line in made.split(b"\r\n"):
        rest = line
        if len(rest) > LONGEST_LINE:
            lines += _dotless(rest[: -len(_SPACE)] + b"=")
            rest = _SPACE
        lines += _dotless(rest)
    return b"\r\n".join(lines)


def _dotless(line: bytes) -> list[bytes]:
    """A line that begins with no dot, broken where that makes it too long."""
    lines = []
    while line.startswith(b"."):
        if len(line) + 2 < LONGEST_LINE:
            line = _DOT + line[1:]
        else:
            lines.append(_DOT + b"=")
            line = line[1:]
    return [*lines, line]
