r"""Characters written so that the e-mail toolchain passes them on unharmed.

mrml prints the values of attributes in Rust's debug form, where a non-breaking space
turns into `\u{a0}`, and drops white space that holds a newline. Hence: in attributes
every unusual character is a numeric reference, and text holds no newline.
"""

import re
from functools import lru_cache

from markupsafe import Markup

_UNUSUAL = re.compile(r"[^ !#$%'()*+,./0-9:;=?@A-Z\[\]^_`a-z{|}~-]")
_SPACE = re.compile(r"[\t\n\r\f][ \t\n\r\f]*| [ \t\n\r\f]+")
"""White space that is not one space already."""
_OURS = "\ue000\ue001\ue002\ue003"
"""What tokens and slots are made of: nobody's text may look like one."""

_TO_ESCAPE = {"&": "&amp;", "<": "&lt;", ">": "&gt;", **{sign: f"&#{ord(sign)};" for sign in _OURS}}
_SIGN = re.compile(f"[{''.join(_TO_ESCAPE)}]")
_TO_MEND = re.compile(rf"[{''.join(_TO_ESCAPE)}\t\n\r\f]|  ")


@lru_cache(maxsize=4096)
def attribute(value: str) -> Markup:
    """A value for a double-quoted attribute, in HTML and MJML alike."""
    return Markup(_UNUSUAL.sub(lambda match: f"&#{ord(match[0])};", value))  # noqa: S704 - escaped here


def text(value: str) -> str:
    """Words for an element's content."""
    return _SIGN.sub(lambda match: _TO_ESCAPE[match[0]], value)


def words(value: str) -> str:
    """Words for an element's content, each run of white space one space."""
    return text(_SPACE.sub(" ", value)) if _TO_MEND.search(value) else value
