r"""HTML written so that the e-mail toolchain passes it on unharmed.

mrml prints the values of attributes in Rust's debug form, where a non-breaking space
turns into `\u{a0}`, and drops white space that holds a newline. Hence: in attributes
every unusual character is a numeric reference; between elements there is no newline.
"""

import re
from collections.abc import Iterator

from lxml import etree
from markupsafe import Markup

VOID = frozenset({"br", "hr", "img"})
_UNUSUAL = re.compile(r"[^ !#$%'()*+,./0-9:;=?@A-Z\[\]^_`a-z{|}~-]")
_SPACE = re.compile(r"[ \t\n\r\f]+")
_BLOCKS = frozenset(  # elements around which white space means nothing
    [
        "blockquote",
        "div",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "hr",
        "li",
        "ol",
        "p",
        "pre",
        "table",
        "tbody",
        "td",
        "th",
        "thead",
        "tr",
        "ul",
        "caption",
    ]
)


def attribute(value: str) -> Markup:
    """A value for a double-quoted attribute, in HTML and MJML alike."""
    return Markup(_UNUSUAL.sub(lambda match: f"&#{ord(match[0])};", value))  # noqa: S704 - escaped here


def text(value: str) -> Markup:
    """Words for an element's content."""
    escaped = value.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return Markup(escaped)  # noqa: S704 - escaped here


def serialised(children: Iterator[etree._Element] | list[etree._Element]) -> str:
    """Elements as HTML that mrml reads as it stands."""
    parts: list[str] = []
    for child in children:
        _write(child, parts)
    return "".join(parts)


def _write(element: etree._Element, parts: list[str]) -> None:
    attributes = "".join(
        f' {name}="{attribute(_tight(str(value)) if name == "style" else str(value))}"'
        for name, value in element.attrib.items()
    )
    tag = str(element.tag)
    parts.append(f"<{tag}{attributes}")
    if tag in VOID:
        parts.append(" />")
    else:
        parts.append(">")
        if not (_is_space(element.text) and len(element) and element[0].tag in _BLOCKS):
            _write_text(element.text, parts)
        for child in element:
            _write(child, parts)
        parts.append(f"</{tag}>")
    if not (_is_space(element.tail) and tag in _BLOCKS):
        _write_text(element.tail, parts)


def _tight(style: str) -> str:
    return style.replace("; ", ";").rstrip(";")


def _is_space(value: str | None) -> bool:
    return not value or not value.strip(" \t\n\r\f")


def _write_text(value: str | None, parts: list[str]) -> None:
    if value:
        parts.append(text(_SPACE.sub(" ", value)))
