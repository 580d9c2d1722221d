"""The header fields of a message, as bytes."""

import email.utils
import re
from email.header import Header

_FOLD_FROM = 74
"""Characters from which a field is folded; with its colon and brackets 78 (RFC 5322, 2.1.1)."""

_SPECIALS = re.compile(r'[()<>@,:;\\".\[\]]')


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


def mailbox(name: str, words: str, address: str) -> bytes:
    """A field that holds one mailbox: a display name, which may be empty, and an address."""
    if not words:
        return f"{name}: {address}\r\n".encode("ascii")
    if not words.isascii() or "=?" in words:
        shown = Header(words, "utf-8", header_name=name).encode(linesep="\r\n")
    else:
        shown = f'"{email.utils.quote(words)}"' if _SPECIALS.search(words) else words
    fold = "\r\n " if len(name) + len(shown) + len(address) > _FOLD_FROM else " "
    return f"{name}: {shown}{fold}<{address}>\r\n".encode("ascii")
