"""Inline content as Markdown that reads back as the same words with the same look."""

import re
from collections.abc import Callable, Iterable
from dataclasses import replace
from urllib.parse import quote

from markdown_it import MarkdownIt

from newsletter_mailer.drafting.draft import UNPLACED
from newsletter_mailer.drafting.runs import Run, content_of, in_one_line, runs_of, tidy
from newsletter_mailer.reading.document import (
    Code,
    Emphasis,
    Inlines,
    LineBreak,
    Link,
    MergeField,
    Strong,
    Text,
)
from newsletter_mailer.reading.inline import InlineReader
from newsletter_mailer.reading.markdown import new_parser
from newsletter_mailer.reading.targets import Syntax, spelt

_PARSER: MarkdownIt = new_parser()

_QUICK = re.compile(r"[\\`*_\[\]<&!|~#>+=:{}\n-]|^\d")
"""Signs without which words are written as they are."""

_ENTITY = re.compile(r"&(?=#?\w+;)")
_TAG = re.compile(r"<(?=[A-Za-z/!?])")
_UNDERSCORE = re.compile(r"(?<!\w)_|_(?!\w)")
_ALL_SIGNS = re.compile(r"([!-/:-@\[-`|~])")
_LINK_FORM = re.compile(r"\]\s*[(\[:]")
_AUTOLINK = re.compile(r"[a-z][a-z0-9+.-]{1,31}:[^<>\s\\\x00-\x20]+", re.IGNORECASE)
_NOT_IN_TARGET = re.compile(r"[\s\x00-\x1f\x7f<>\\]")
_MERGE_FIELD = re.compile(r"(\{\{[a-z_]+\}\})")
_LINE_START = re.compile(
    r"(?P<sign>#(?=#{0,5}(?:\s|$))|>|\|"
    r"|[-+](?=\s|$)|-(?=[-|:])|=(?==*\s*$)|~(?=~~)|:(?=::|-))"
    r"|(?P<number>\d{1,9})(?P<point>[.)])(?=\s|$)"
)


def words_markdown(content: Inlines, *, one_line: bool = False, cell: bool = False) -> str:
    """Inline content as Markdown, with as few backslashes as will do.

    With `one_line` there is no line end in it, as in a heading; with `cell` no bare `|`
    either. What is written is read again: where the look cannot be told in Markdown, as
    with emphasis in the middle of a word, the words stay and the look goes.
    """
    runs = runs_of(content)
    wanted = tidy(in_one_line(runs) if one_line or cell else runs)
    for plainer in _PLAINER:
        asked = tidy(plainer(run) for run in wanted)
        for escape in (_few, _all):
            text = _written(content_of(asked), escape, in_link=False)
            text = _starts_escaped(text)
            if not _QUICK.search(text) or _read(text) == _settled(asked):
                return _for_cell(text) if cell else text
    # What the reader of articles takes out, such as another program's merge field.
    text = _starts_escaped(_written(content_of(wanted), _few, in_link=False))
    return _for_cell(text) if cell else text


_PLAINER: tuple[Callable[[Run], Run], ...] = (
    lambda run: run,
    lambda run: replace(run, emphasis=run.emphasis and not run.strong),
    lambda run: replace(run, emphasis=False),
    lambda run: replace(run, emphasis=False, strong=False),
    lambda run: replace(run, emphasis=False, strong=False, code=False),
    lambda run: replace(run, emphasis=False, strong=False, code=False, link=None),
)
"""Each with less of a look than the one before; the words are the same in all."""


def target_markdown(target: str) -> str:
    """A link's target as it stands in `[words](target)`, damage and all.

    A gap in it is encoded, as mail programs would, so that `check` finds it there.
    """
    if _MERGE_FIELD.fullmatch(target):
        return target
    encoded = _NOT_IN_TARGET.sub(lambda sign: quote(sign[0]), target)
    return spelt(encoded, Syntax.DESTINATION) or "#"


def _written(content: Inlines, escape: Callable[[str], str], *, in_link: bool) -> str:
    parts: list[str] = []
    for at, inline in enumerate(content):
        match inline:
            case Text(text):
                follows = content[at + 1] if at + 1 < len(content) else None
                parts.append(_text(text, escape, in_link=in_link))
                if isinstance(follows, Link) and parts[-1].endswith("!"):
                    parts[-1] = parts[-1][:-1] + "\\!"
            case Code(text):
                parts.append(_code(text))
            case LineBreak():
                parts.append("\\\n")
            case Strong(inner):
                parts.append(f"**{_written(inner, escape, in_link=in_link)}**")
            case Emphasis(inner):
                parts.append(f"*{_written(inner, escape, in_link=in_link)}*")
            case Link(target, inner):
                parts.append(_link(target, inner, escape))
            case MergeField(name):
                parts.append(f"{{{{{name}}}}}")
    return "".join(parts)


def _link(target: str, content: Inlines, escape: Callable[[str], str]) -> str:
    if content == (Text(target),) and _AUTOLINK.fullmatch(target):
        return f"<{target}>"
    words = _written(content, escape, in_link=True)
    return f"[{words}]({target_markdown(target)})"


def _text(text: str, escape: Callable[[str], str], *, in_link: bool) -> str:
    parts = _MERGE_FIELD.split(text)  # its underscore is no sign of Markdown
    written = (part if at % 2 else escape(part) for at, part in enumerate(parts))
    text = "".join(written)
    if in_link or _LINK_FORM.search(text):
        text = re.sub(r"(?<!\\)([\[\]])", r"\\\1", text)
    return text


def _few(text: str) -> str:
    """Words whose signs of Markdown are escaped, where they would be taken for one."""
    text = re.sub(r"([\\`*])", r"\\\1", text)
    text = _UNDERSCORE.sub(r"\\_", text)
    return _ENTITY.sub("&amp;", _TAG.sub(r"\\<", text))


def _all(text: str) -> str:
    return _ALL_SIGNS.sub(r"\\\1", text)


def _code(text: str) -> str:
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * (longest + 1)
    edge = text.startswith("`") or text.endswith("`")
    pad = " " if edge or (text.startswith(" ") and text.endswith(" ") and text.strip()) else ""
    return f"{fence}{pad}{text}{pad}{fence}"


def _starts_escaped(text: str) -> str:
    """Lines whose first sign would begin a list, a heading, a table or a block."""

    def escaped(line: str) -> str:
        start = _LINE_START.match(line)
        if start is None:
            return line
        if start["sign"]:
            return "\\" + line
        return f"{start['number']}\\{start['point']}{line[start.end() :]}"

    return "\n".join(escaped(line) for line in text.split("\n"))


def _for_cell(text: str) -> str:
    """Words for a cell: a reader of tables takes one backslash off before each `|`."""
    return text.replace("|", "\\|")


def _read(text: str) -> list[Run]:
    """What the reader of articles makes of words."""
    tokens = _PARSER.parseInline(text)
    return _settled(runs_of(InlineReader(UNPLACED, []).read(tokens[0]))) if text else []


def _settled(runs: Iterable[Run]) -> list[Run]:
    """Runs to be compared: of a link only that it is one, since targets are read encoded."""
    return tidy(replace(run, link=None if run.link is None else "link") for run in runs)
