"""The text of an issue as a mail for react-email and for Maizzle, to be previewed beside ours.

Each article's Markdown becomes HTML, and that the other program's own form: headings, paragraphs,
lists and links. Styles stand where each program takes them best: react-email's at each element,
Maizzle's in a style sheet, since it takes seventeen seconds where they stand at each element.
Pictures are left out, and so is whatever this program does for an agency: it is one mail, the same
for everybody.
"""

import json
import re
from collections.abc import Callable, Iterable
from html import escape
from pathlib import Path

from lxml.html import HtmlElement, fragment_fromstring
from markdown_it import MarkdownIt

LAST_WORDS = "LAST-WORDS"
"""What stands at the end of one article, for the first save to change."""

_FONT = "font-family:Arial,sans-serif;font-size:"
_STYLES = {
    "h2": _FONT + "22px;line-height:28px;color:#16324f;margin:24px 0 8px",
    "h3": _FONT + "18px;line-height:24px;color:#16324f;margin:16px 0 8px",
    "h4": _FONT + "16px;line-height:22px;color:#16324f;margin:12px 0 6px",
    "p": _FONT + "16px;line-height:24px;color:#1b2733;margin:0 0 12px",
    "li": _FONT + "16px;line-height:24px;color:#1b2733;margin:0 0 6px",
    "a": "color:#0b5cad;text-decoration:underline",
}
_CARD = "background-color:#ffffff;border-radius:6px;padding:8px 24px;margin:0 0 16px"
_GROUND = "background-color:#eef2f5"
_COMPONENTS = {"h2": "Heading", "h3": "Heading", "h4": "Heading", "p": "Text", "a": "Link"}
_KEPT = frozenset({*_STYLES, "ul", "ol", "em", "strong"})
"""Elements that are carried over; of any other the words are."""

_TABLE = '<table role="presentation" width="100%" cellpadding="0" cellspacing="0">'


def articles_of(folder: Path, ids: Iterable[str], marked: str) -> list[HtmlElement]:
    """These articles of an issue's folder, each a `<div>`; one is `marked` by `LAST_WORDS`."""
    articles = []
    for id_ in ids:
        text = (folder / "articles" / f"{id_}.md").read_text(encoding="utf-8")
        articles.append(_article(f"{text}\n{LAST_WORDS}\n" if id_ == marked else text))
    return articles


def react_mail(articles: Iterable[HtmlElement]) -> str:
    """The mail as a template for react-email, in TypeScript."""
    sections = "\n".join(
        f"<Section{_react_style(_CARD)}>{_written(article, _react_text, _react_tag)}</Section>"
        for article in articles
    )
    return f"""import {{
  Body, Container, Head, Heading, Html, Link, Preview, Section, Text,
}} from "react-email";

export default function Newsletter() {{
  return (
    <Html lang="en">
      <Head />
      <Preview>News for everybody</Preview>
      <Body{_react_style(_GROUND)}>
        <Container>
{sections}
        </Container>
      </Body>
    </Html>
  );
}}
"""


def maizzle_mail(articles: Iterable[HtmlElement]) -> str:
    """The mail as a template for Maizzle, in HTML."""
    sheet = "\n".join(f"{name} {{{css}}}" for name, css in {**_STYLES, ".card": _CARD}.items())
    cards = "\n".join(
        f'{_TABLE}<tr><td class="card">{_written(article, escape, _html_tag)}</td></tr></table>'
        for article in articles
    )
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8"><title>News for everybody</title>
<style>
{sheet}
</style>
</head>
<body style="{_GROUND}">
{_TABLE}<tr><td align="center"><div style="max-width:600px">
{cards}
</div></td></tr></table>
</body>
</html>
"""


def _article(text: str) -> HtmlElement:
    """An article's title and text. What opens a block becomes a heading; what closes it goes."""
    _, head, body = text.split("---\n", 2)
    title = re.search(r'^title: *"?(.*?)"?$', head, re.MULTILINE)
    body = re.sub(r"^#{2,} ", "### ", body, flags=re.MULTILINE)
    body = re.sub(r"^:::+ *[\w-]+ +(.+)$", r"\n#### \1\n", body, flags=re.MULTILINE)
    body = re.sub(r"^:::.*$", "", body, flags=re.MULTILINE)
    body = body.replace("{{", "").replace("}}", "")
    html = MarkdownIt("commonmark").render(f"## {title[1] if title else 'News'}\n\n{body}")
    return fragment_fromstring(html, create_parent="div")


def _written(
    element: HtmlElement, words: Callable[[str], str], tag: Callable[[HtmlElement], tuple[str, str]]
) -> str:
    """What is inside an element, written by the rules for words and for an element's two tags."""
    parts = [words(element.text or "")]
    for child in element:
        begin, end = tag(child) if child.tag in _KEPT else ("", "")
        parts += [begin, _written(child, words, tag), end, words(child.tail or "")]
    return "".join(parts)


def _react_text(text: str) -> str:
    return f"{{{json.dumps(text)}}}" if text.strip() else text


def _react_tag(element: HtmlElement) -> tuple[str, str]:
    name = _COMPONENTS.get(element.tag, element.tag)
    heading = f' as="{element.tag}"' if name == "Heading" else ""
    href = f" href={{{json.dumps(element.get('href', ''))}}}" if element.tag == "a" else ""
    return f"<{name}{heading}{href}{_react_style(_STYLES.get(element.tag, ''))}>", f"</{name}>"


def _react_style(css: str) -> str:
    """CSS as React's `style`, an object whose names are in camel case."""
    rules = dict(rule.split(":", 1) for rule in css.split(";") if rule)
    named = {re.sub(r"-(\w)", lambda m: m[1].upper(), name): rules[name] for name in rules}
    return f" style={{{json.dumps(named)}}}" if named else ""


def _html_tag(element: HtmlElement) -> tuple[str, str]:
    href = f' href="{escape(element.get("href", ""))}"' if element.tag == "a" else ""
    return f"<{element.tag}{href}>", f"</{element.tag}>"
