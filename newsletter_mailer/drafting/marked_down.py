"""A Markdown text becomes a draft: whatever dialect it is in, and with HTML in it."""

import re
from pathlib import Path

from markdown_it.token import Token

from newsletter_mailer.drafting.draft import Draft, Notes
from newsletter_mailer.drafting.elements import parsed
from newsletter_mailer.drafting.hypertext import HypertextReader
from newsletter_mailer.drafting.hypertext_words import WordsReader
from newsletter_mailer.drafting.page import page_text
from newsletter_mailer.drafting.pictures import Pictures
from newsletter_mailer.findings import Finding
from newsletter_mailer.reading.directive import directives
from newsletter_mailer.reading.markdown import Parser
from newsletter_mailer.reading.source import Source
from newsletter_mailer.reading.yaml_lines import read_yaml

_FOOTNOTE = re.compile(r"^\[\^([^\]\s]{1,60})\]:[ \t]*(.+(?:\n(?: {2,}|\t).+)*)$", re.MULTILINE)
_MARK = re.compile(r"\[\^([^\]\s]{1,60})\](?!:)")


def marked_down_draft(data: bytes, shown: str, folder: Path) -> Draft:
    """Read a Markdown text whose pictures lie in `folder`.

    Blocks between `:::` are kept as they are. A text with a title in its front matter
    and no heading of the first level is one article.

    Raises:
        DraftError: it is nested too deep.
    """
    notes = Notes(shown)
    text = page_text(data, notes).replace("\r\n", "\n").replace("\r", "\n")
    values, body = _front_matter(text)
    body = _with_footnotes(body, notes)
    parser = Parser("commonmark", {"html": True}).enable(["table", "strikethrough"])
    directives(parser)
    tokens, kept, stray = _kept(parser.parse(body), body.split("\n"))
    notes.count(
        "draft-stray-close",
        [line + 1 for line in stray],
        "a `:::` that closes nothing, left out",
        "lines `:::` that close nothing, left out",
        "",
    )
    pictures = Pictures(notes, folder)
    root = parsed(parser.renderer.render(tokens, parser.options, {}), shown)
    reader = HypertextReader(WordsReader(pictures, notes), kept)
    blocks = reader.read(root) if root is not None else ()
    title = values.get("title", "")
    headed = any(token.type == "heading_open" and token.tag == "h1" for token in tokens)
    return Draft(
        blocks,
        pictures.taken,
        tuple(notes.found),
        title,
        values.get("language", values.get("lang", "")),
        values.get("summary", values.get("description", "")),
        whole=bool(title) and not headed,
    )


def _front_matter(text: str) -> tuple[dict[str, str], str]:
    """The words of a front matter by their keys, and the text below it."""
    match = re.match(r"---[ \t]*\n(.*?)\n---[ \t]*(?:\n|$)", text, re.DOTALL)
    if match is None:
        return {}, text
    findings: list[Finding] = []
    marked = read_yaml(match[1], Source("", match[1]), findings)
    if marked is None or not isinstance(marked.data, dict):
        return {}, text[match.end() :]
    words = {
        str(key): " ".join(value.split())
        for key, value in marked.data.items()
        if isinstance(value, str)
    }
    return words, "\n" * match[0].count("\n") + text[match.end() :]


def _with_footnotes(text: str, notes: Notes) -> str:
    """The text with each footnote in brackets where its mark stands."""
    found = {match[1]: " ".join(match[2].split()) for match in _FOOTNOTE.finditer(text)}
    if not found:
        return text
    text = _FOOTNOTE.sub(lambda match: "\n" * match[0].count("\n"), text)
    text = _MARK.sub(lambda mark: f" ({found[mark[1]]})" if mark[1] in found else mark[0], text)
    notes.add(
        "draft-footnote",
        f"{'a footnote' if len(found) == 1 else f'{len(found)} footnotes'}, put in brackets where "
        f"{'its mark' if len(found) == 1 else 'their marks'} stood",
        "A mail has no foot of a page. Shorten them, or work them into the text.",
    )
    return text


def _kept(tokens: list[Token], lines: list[str]) -> tuple[list[Token], tuple[str, ...], list[int]]:
    """The tokens with `:::` blocks as places to be filled, their lines, and stray ends."""
    left: list[Token] = []
    kept: list[str] = []
    stray: list[int] = []
    depth = 0
    for token in tokens:
        if token.type == "directive_open":
            if depth == 0:
                start, end = token.map or [0, 0]
                end += not token.meta["unclosed"]
                kept.append("\n".join(lines[start:end]).strip("\n"))
                html = f'<pre data-kept="{len(kept) - 1}"></pre>\n'
                left.append(Token("html_block", "", 0, content=html))
            depth += 1
        elif token.type == "directive_close":
            depth -= 1
        elif token.type == "stray_close":
            stray.append(token.map[0] if token.map else 0)
        elif depth == 0:
            left.append(token)
    return left, tuple(kept), stray
