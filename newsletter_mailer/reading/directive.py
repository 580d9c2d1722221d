"""The `:::` syntax for markdown-it: opens with a kind, closes alone, nests by pairing.

A rule of our own, because the published container plugin lets an unclosed block run
silently to the end of the file, and asks editors to count colons when blocks nest.
"""

import re
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock

_OPEN = re.compile(r":::+[ \t]*([A-Za-z][A-Za-z0-9-]*)[ \t]*(.*)")
_CLOSE = re.compile(r":::+[ \t]*$")
_FENCE = re.compile(r"(`{3,}|~{3,})")
_MOST_INDENTED = 3
"""Spaces before a block mark; with four, Markdown sees code."""


def directives(md: MarkdownIt) -> None:
    """Teach a parser directives.

    It then makes `directive_open` tokens whose `meta` holds `name`, `argument`, `body`
    (the raw text inside) and `unclosed`, and a `stray_close` token for `:::` that
    closes nothing.
    """
    md.block.ruler.before(
        "fence",
        "directive",
        _directive,
        {"alt": ["paragraph", "reference", "blockquote", "list"]},
    )


def _line(state: StateBlock, number: int) -> str:
    return state.src[state.bMarks[number] + state.tShift[number] : state.eMarks[number]]


def _closing_line(state: StateBlock, start: int, end: int) -> int | None:
    """The line that closes what `start` opens, or None."""
    depth = 1
    fence = ""
    for number in range(start + 1, end):
        line = _line(state, number)
        mark = _FENCE.match(line)
        if fence:
            if (
                line.rstrip()
                and set(line.rstrip()) == {fence[0]}
                and len(line.rstrip()) >= len(fence)
            ):
                fence = ""
        elif mark:
            fence = mark[1]
        elif _OPEN.match(line):
            depth += 1
        elif _CLOSE.match(line):
            depth -= 1
            if depth == 0:
                return number
    return None


def _directive(state: StateBlock, start: int, end: int, silent: bool) -> bool:  # noqa: FBT001 - markdown-it's signature
    if state.sCount[start] - state.blkIndent > _MOST_INDENTED:
        return False
    line = _line(state, start)
    opening = _OPEN.match(line)
    if not opening and not _CLOSE.match(line):
        return False
    if silent:
        return True
    if not opening:
        token = state.push("stray_close", "", 0)
        token.map = [start, start + 1]
        state.line = start + 1
        return True
    close = _closing_line(state, start, end)
    stop = close if close is not None else end
    body = state.getLines(start + 1, stop, state.blkIndent, False)
    meta: dict[str, Any] = {
        "name": opening[1].lower(),
        "argument": opening[2].strip(),
        "body": body,
        "unclosed": close is None,
    }
    token = state.push("directive_open", "", 1)
    token.map = [start, stop]
    token.meta = meta
    before, state.lineMax = state.lineMax, stop
    kind, state.parentType = state.parentType, "directive"
    state.md.block.tokenize(state, start + 1, stop)
    state.lineMax, state.parentType = before, kind
    state.push("directive_close", "", -1).map = [stop, stop + 1]
    state.line = stop + (close is not None)
    return True
