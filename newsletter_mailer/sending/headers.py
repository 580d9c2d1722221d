"""The header fields of a message, as bytes."""

import base64
import email.utils
import re
from email.header import Header
from urllib.parse import quote

_FOLD_FROM = 74
"""Characters from which a field is folded; with its colon and brackets 78 (RFC 5322, 2.1.1)."""

_SPECIALS = re.compile(r'[()<>@,:;\\".\[\]]')

_LONGEST_LINE = 76
"""Characters in a line that holds an encoded word (RFC 2047, 2)."""

_LONGEST_NAME = 400
"""Characters of a name up to which it is not encoded. Quoted it has at most twice as many and
two, and so fits into a line, which may have 998 (RFC 5322, 2.1.1)."""

_AROUND_WORD = len("=?utf-8?b??=")
_IN_Q = {at: f"={at:02X}" for at in range(256)} | {ord(" "): "_"}
_IN_Q |= {at: chr(at) for at in range(128) if chr(at).isalnum() or chr(at) in "-!*+/"}
"""Bytes in the encoding Q, as they may stand in a name (RFC 2047, 5, rule 3)."""


def field(name: str, value: str) -> bytes:
    """An unstructured field such as Subject, encoded (RFC 2047) and folded where needed."""
    if value.isascii() and len(name) + len(value) < _FOLD_FROM and "=?" not in value:
        return f"{name}: {value}\r\n".encode("ascii")
    folded = Header(value, "utf-8", header_name=name).encode(linesep="\r\n")
    return f"{name}: {folded}\r\n".encode("ascii")


def verbatim(name: str, value: str) -> bytes:
    """A field of ASCII that must not be folded or encoded, such as List-Unsubscribe.

    Receivers compare its URL byte for byte; a line may have 998 characters (RFC 5322, 2.1.1).
    """
    return f"{name}: {value}\r\n".encode("ascii")


def mail_to_leave(address: str | None) -> str:
    """A mailto address without its end, the reader's token (RFC 6068); empty without one."""
    return f"mailto:{quote(address, safe='@+')}?subject=unsubscribe%20" if address else ""


def ways_to_leave(url: str, mail: str) -> str:
    """The value of List-Unsubscribe (RFC 2369, 3.2): the reader's page, and a mail if `mail`.

    The page is first, since mail programs take the first that they know, and its one click
    (RFC 8058) is at once. The mail's subject has the token that ends the page's address.
    """
    return f"<{url}>, <{mail}{url.rpartition('/')[2]}>" if mail else f"<{url}>"


def mailbox(name: str, words: str, address: str) -> bytes:
    """A field that holds one mailbox: a display name, which may be empty, and an address."""
    if not words:
        return f"{name}: {address}\r\n".encode("ascii")
    if not words.isascii() or "=?" in words or len(words) > _LONGEST_NAME:
        shown = _word(name, words) or Header(words, "utf-8", header_name=name).encode(
            linesep="\r\n"
        )
    else:
        shown = f'"{email.utils.quote(words)}"' if _SPECIALS.search(words) else words
    fold = "\r\n " if len(name) + len(shown) + len(address) > _FOLD_FROM else " "
    return f"{name}: {shown}{fold}<{address}>\r\n".encode("ascii")


def _word(name: str, words: str) -> str:
    """Words as one encoded word; empty where they need several.

    `Header` would write the same, and take ten times as long.
    """
    if not words.isprintable():
        return ""
    plain = words.encode()
    in_q = "".join([_IN_Q[byte] for byte in plain])
    in_base64 = -(-len(plain) // 3) * 4
    room = _LONGEST_LINE - len(name) - len(": ") - _AROUND_WORD
    if min(len(in_q), in_base64) > room:
        return ""
    if in_base64 < len(in_q):
        return f"=?utf-8?b?{base64.b64encode(plain).decode('ascii')}?="
    return f"=?utf-8?q?{in_q}?="
