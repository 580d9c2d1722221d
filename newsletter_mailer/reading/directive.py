"""The `:::` syntax for markdown-it: opens with a kind, closes alone, nests by pairing.

A rule of our own, because the published container plugin lets an unclosed block run
silently to the end of the file, and asks editors to count colons when blocks nest.
"""

import re
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock

_OPEN = re.compile(r":::+[ \t]*([^\s:]\S*)[ \t]*(.*)")
_CLOSE = re.compile(r":::+[ \t]*$")
_FENCE = re.compile(r"(`{3,})[^`]*$|(~{3,})")
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


def _is_marked(state: StateBlock, number: int) -> bool:
    """Whether a block mark may stand on this line: with more spaces before, it is code."""
    return bool(state.sCount[number] - state.blkIndent <= _MOST_INDENTED)


def _closing_line(state: StateBlock, start: int, end: int) -> tuple[int, bool]:
    """The line that closes what `start` opens; else the one after all that it may hold."""
    depth = 1
    fence = ""
    for number in range(start + 1, end):
        line = _line(state, number).rstrip()
        if line and state.sCount[number] < state.blkIndent:
            return number, False  # the list item or quote around it ends here
        if not _is_marked(state, number):
            continue
        mark = _FENCE.match(line)
        if fence:
            if line.startswith(fence) and not line.strip(fence[0]):
                fence = ""
        elif mark:
            fence = mark[1] or mark[2]
        elif _OPEN.match(line):
            depth += 1
        elif _CLOSE.match(line):
            depth -= 1
            if depth == 0:
                return number, True
    return end, False


def _directive(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    if not _is_marked(state, start):
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
    stop, closed = _closing_line(state, start, end)
    meta: dict[str, Any] = {
        "name": opening[1].lower(),
        "argument": opening[2].strip(),
        "body": state.getLines(start + 1, stop, state.blkIndent, False),
        "unclosed": not closed,
    }
    token = state.push("directive_open", "", 1)
    token.map = [start, stop]
    token.meta = meta
    before, state.lineMax = state.lineMax, stop
    kind, state.parentType = state.parentType, "directive"
    state.md.block.tokenize(state, start + 1, stop)
    state.lineMax, state.parentType = before, kind
    state.push("directive_close", "", -1).map = [stop, stop + 1]
    state.line = stop + closed
    return True
