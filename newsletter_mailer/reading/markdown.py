"""The Markdown of articles, as markdown-it reads it: into tokens."""

import re

from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore
from markdown_it.token import Token

from newsletter_mailer.reading.directive import directives
from newsletter_mailer.reading.line_rules import choose_by_sign

DEEPEST = 20
"""Levels of lists, quotes and `:::` blocks in each other; deeper nesting is refused."""


class Parser(MarkdownIt):
    """A parser that judges no link."""

    def validateLink(self, url: str) -> bool:  # noqa: ARG002, N802 - markdown-it's name
        """Let every link through: a refused one would stand in the mail as it was typed.

        Whoever reads the tokens judges the target, and reports it.
        """
        return True

    def normalizeLink(self, url: str) -> str:  # noqa: N802 - markdown-it's name
        """Leave every link as it was typed, for the finding that may quote it."""
        return url


_SIGNS = re.compile(r"[\n\\`*_\[\]!<&]")
"""The signs at which one of CommonMark's rules may begin or end something inside a text."""


def new_parser() -> MarkdownIt:
    """The Markdown of articles: CommonMark with tables and directives, HTML told apart."""
    # Five tokens a level are more than any block takes: what is too deep is always reported.
    parser = Parser("commonmark", {"maxNesting": 5 * DEEPEST}).enable("table")
    directives(parser)
    choose_by_sign(parser)
    parser.inline.terminator_re = _SIGNS
    parser.core.ruler.at("inline", _inline)
    return parser


def _inline(state: StateCore) -> None:
    """Parse what stands inside blocks; words without any sign are words."""
    for token in state.tokens:
        if token.type == "inline":
            token.children = []
            if _SIGNS.search(token.content):
                state.md.inline.parse(token.content, state.md, state.env, token.children)
            elif token.content:
                token.children.append(Token("text", "", 0, content=token.content))
