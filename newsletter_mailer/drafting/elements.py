"""The elements of a page: read from its HTML, with their text and their lines."""

import re

from lxml import etree

from newsletter_mailer.errors import DraftError

Element = etree._Element  # noqa: SLF001 - lxml gives its elements no public name


def parsed(html: str, shown: str) -> Element | None:
    """A page's tree; None for one without any content.

    Raises:
        DraftError: it is nested too deep to be a document.
    """
    parser = etree.HTMLParser(
        no_network=True, recover=True, huge_tree=False, remove_comments=True, remove_pis=True
    )
    # A text that declares an encoding would be refused, and one with zeros cut short.
    text = re.sub(r"^\s*<\?xml[^>]*\?>", "", html.replace("\0", "")).strip()
    if not text:
        return None
    try:
        root = etree.fromstring(text, parser)
    except etree.XMLSyntaxError:
        root = None
    if any("depth" in str(entry.message).lower() for entry in parser.error_log):
        raise DraftError(
            f"{shown} is nested too deep: more than 250 elements in each other. Open it in a "
            "browser or a word processor, copy the text, and save that."
        )
    return root


def all_text(element: Element) -> str:
    """All text inside an element, as it stands there."""
    return "".join(str(text) for text in element.itertext())


def line_of(element: Element) -> int:
    """The line of the page on which an element begins."""
    line: object = element.sourceline
    return line if isinstance(line, int) else 1
