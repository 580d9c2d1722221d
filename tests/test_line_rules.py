"""Choosing Markdown's rules by a line's first sign: quicker, and the same tokens."""

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from newsletter_mailer.reading.directive import directives
from newsletter_mailer.reading.markdown import new_parser

ROOT = Path(__file__).parent.parent

MARKS = st.sampled_from(
    [
        "word", "two words", "\n", "\n\n", "  \n", "    ", "  ", "\t", "- ", "* ", "+ ", "1. ",
        "12) ", "> ", "# ", "## ", "---", "===", "- - -", "***", "```", "~~~", "`", "| a | b |",
        "|---|---|", ":--", "::: quote", "::: only gp", ":::", ":", "[x]: http://a.example", "[",
        "](http://a.example)", "](", "!", "<b>", "<!-- x -->", "<div>", "<http://a.example>",
        "&amp;", "&", "\\", "**", "_", "é", "\u00a0", "0", "{{name}}",
    ]
)  # fmt: skip


def plain_parser() -> MarkdownIt:
    """The parser of articles as markdown-it has it, which tries every rule on every line."""
    ours = new_parser()
    parser = type(ours)("commonmark", {"maxNesting": ours.options["maxNesting"]}).enable("table")
    directives(parser)
    return parser


def told(tokens: list[Token]) -> list[dict[str, object]]:
    """All that tokens say."""
    return [dict(token.as_dict()) for token in tokens]


@given(st.lists(MARKS, max_size=24).map("".join))
def test_the_tokens_are_those_of_all_rules(text: str) -> None:
    """No rule is passed over that would have matched, in a block or inside a text."""
    assert told(new_parser().parse(text)) == told(plain_parser().parse(text))
    assert told(new_parser().parseInline(text)) == told(plain_parser().parseInline(text))


def test_the_tokens_of_the_shipped_articles_are_those_of_all_rules() -> None:
    """The same for every article there is."""
    paths = [*ROOT.glob("issues/*/articles/*.md"), *ROOT.glob("tests/fixtures/**/articles/*.md")]
    assert len(paths) > 15
    for path in paths:
        text = path.read_text(encoding="utf-8")
        assert told(new_parser().parse(text)) == told(plain_parser().parse(text)), path.name
