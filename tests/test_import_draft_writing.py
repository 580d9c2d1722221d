"""What the importer writes reads back as what the draft said."""

import re
from dataclasses import replace

from hypothesis import given
from hypothesis import settings as trying
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from newsletter_mailer.drafting.draft import UNPLACED, DraftBlock
from newsletter_mailer.drafting.runs import BREAK, Run, content_of, runs_of, tidy
from newsletter_mailer.drafting.words import words_markdown
from newsletter_mailer.drafting.writing import blocks_markdown
from newsletter_mailer.findings import Finding
from newsletter_mailer.reading.article import BLOCK_READERS
from newsletter_mailer.reading.block_reader import BlockReader
from newsletter_mailer.reading.document import (
    Block,
    Callout,
    CodeBlock,
    Heading,
    Inlines,
    ListBlock,
    Paragraph,
    Quotation,
    Quote,
    Table,
    Text,
)
from newsletter_mailer.reading.images import Images
from newsletter_mailer.reading.inline import plain_text
from newsletter_mailer.reading.source import Source
from tests.projects import ROOT, small_registry

SIGNS = "*_`[](){}<>#+-.!|~=:\\&;\"'/ 1aZé\u00a0\u2026\u2019"
HARD = st.text(st.sampled_from(SIGNS), min_size=1, max_size=24)
EASY = st.sampled_from(
    ["We ring", "every school", "1. first", "- no list", "# no heading", "::: quote", "a | b",
     "---", "&amp; <b>", "[x](y)", "snake_case_word", "2 * 3 * 4", "!", "> x",
     "https://example.org/a_b_c"]
)  # fmt: skip
ANY = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)
WORDS = st.one_of(HARD, EASY, ANY).filter(
    lambda text: "{{" not in text and "{%" not in text and "%}" not in text and "*|" not in text
    and "<%" not in text and "%>" not in text
)  # fmt: skip
LINKS = st.none() | st.sampled_from(
    ["https://example.org/", "https://example.org/a(b", "mailto:a@example.org", "http://e.org/a b"]
)
RUNS = st.builds(
    Run, text=WORDS, strong=st.booleans(), emphasis=st.booleans(), code=st.just(False), link=LINKS
)
CONTENT = st.lists(RUNS | st.just(Run(BREAK)), min_size=1, max_size=6).map(content_of).filter(
    lambda content: plain_text(content).strip() != "" and not _foreign(plain_text(content, ""))
)  # fmt: skip
SAFE = st.text(st.sampled_from("abcdefgh éñ"), min_size=1, max_size=12).filter(
    lambda text: text.strip() != ""
)
PLAIN = SAFE.map(lambda text: content_of([Run(text)]))


def _foreign(text: str) -> bool:
    """Whether words hold what another mail program would fill in; the reader takes it out."""
    return any(sign in text for sign in ("{{", "{%", "%}", "*|", "<%", "%>"))


def read(text: str) -> tuple[tuple[Block, ...], list[Finding]]:
    """What the reader of articles makes of Markdown."""
    findings: list[Finding] = []
    reader = BlockReader(
        Source("x", text), 0, small_registry(), Images(ROOT), BLOCK_READERS, findings
    )
    return reader.parse(text), findings


def paragraph(content: Inlines) -> Paragraph:
    """A paragraph of a draft."""
    return Paragraph(content, place=UNPLACED)


def words_of(content: Inlines) -> str:
    """The words of content with their line ends."""
    return "".join(run.text for run in tidy(runs_of(content)))


@given(CONTENT)
@trying(max_examples=120)
def test_the_words_of_a_paragraph_read_back(content: Inlines) -> None:
    """Whatever signs stand in a text, a mail says exactly these words and line ends."""
    blocks, _ = read(blocks_markdown([paragraph(content)]))
    (block,) = blocks
    assert isinstance(block, Paragraph)
    assert words_of(block.content) == words_of(content)


@given(CONTENT)
@trying(max_examples=50)
def test_the_words_of_headings_and_cells_read_back(content: Inlines) -> None:
    """In a heading and in a table's cells the words are the same, on one line."""
    wanted = re.sub("[ \n]+", " ", words_of(content))
    table = Table((content, content), ((content, content),), place=UNPLACED)
    heading = Heading(2, content, place=UNPLACED)
    (head, data), _ = read(blocks_markdown([heading, table]))
    assert isinstance(head, Heading)
    assert isinstance(data, Table)
    for cell in (head.content, *data.head, *data.rows[0]):
        assert words_of(cell) == wanted


@given(
    st.lists(
        st.builds(
            Run, text=SAFE, strong=st.booleans(), emphasis=st.booleans(), code=st.booleans(),
            link=LINKS,
        ).map(lambda run: replace(run, text=run.text.strip() + " ")),
        min_size=1,
        max_size=6,
    )
)  # fmt: skip
@trying(max_examples=80)
def test_the_look_of_whole_words_reads_back(runs: list[Run]) -> None:
    """Where looks change between words, bold, italic, code and links are what they were."""
    runs = [replace(run, strong=False, emphasis=False) if run.code else run for run in runs]
    content = content_of(runs)
    (block,), _ = read(blocks_markdown([paragraph(content)]))
    assert isinstance(block, Paragraph)
    looks = [(run.text, run.strong, run.emphasis, run.code, run.link is None)
             for run in tidy(runs_of(block.content))]  # fmt: skip
    wanted = [(run.text, run.strong, run.emphasis, run.code, run.link is None)
              for run in tidy(runs_of(content))]  # fmt: skip
    assert looks == wanted


LEAVES = st.builds(paragraph, PLAIN) | st.builds(
    lambda lines: CodeBlock("\n".join(lines), place=UNPLACED),
    st.lists(st.sampled_from(["```", "x = 1", "", "  y", "::: quote"]), min_size=1, max_size=4)
    .filter(lambda lines: lines[0].strip() != "" and lines[-1].strip() != ""),
)  # fmt: skip
NESTED = st.recursive(
    LEAVES,
    lambda inner: (
        st.builds(
            lambda start, items: ListBlock(start, tuple(map(tuple, items)), place=UNPLACED),
            st.none() | st.integers(1, 30),
            st.lists(st.lists(inner, min_size=1, max_size=3), min_size=1, max_size=3),
        )
        | st.builds(
            lambda blocks: Quotation(tuple(blocks), place=UNPLACED),
            st.lists(inner, min_size=1, max_size=3),
        )
    ),
    max_leaves=8,
)
TOP = (
    NESTED
    | st.builds(lambda words: Heading(2, words, place=UNPLACED), PLAIN)
    | st.builds(lambda said, who: Quote((paragraph(said),), who, place=UNPLACED), PLAIN, PLAIN)
    | st.builds(
        lambda title, said: Callout(title, (paragraph(said),), place=UNPLACED), PLAIN, PLAIN
    )
    | st.builds(
        lambda cells, caption: Table(
            tuple(cells[:2]), (tuple(cells[2:4]), tuple(cells[4:])), caption, True, place=UNPLACED
        ),
        st.lists(PLAIN, min_size=6, max_size=6),
        PLAIN,
    )
)


@given(st.lists(TOP, min_size=1, max_size=5))
@trying(max_examples=80)
def test_the_blocks_of_a_draft_read_back(blocks: list[DraftBlock]) -> None:
    """Lists in lists, quotes, code, tables and boxes are read as the tree that was written."""
    read_back, findings = read(blocks_markdown(blocks))
    assert read_back == tuple(blocks)
    assert findings == []


def test_few_backslashes_stand_in_what_people_read() -> None:
    """Ordinary prose is written without a backslash."""
    for words in (
        "R&D costs 5 < 6 and 7 > 6 (see 2.1), e.g. 50% of [them]!",
        "See https://example.org/what_we_do/a-b_c?x=1&y=2#z and snake_case.",
        "It's “quoted” – and 20-30 minutes; 1 in 5.",
    ):
        assert words_markdown((Text(words),)) == words


def test_what_is_written_is_markdown_elsewhere_too() -> None:
    """Another reader of CommonMark sees the same: bold, italic, a link with a bracket."""
    content = content_of(
        [
            Run("a "),
            Run("b", strong=True),
            Run(" "),
            Run("c", emphasis=True),
            Run(" "),
            Run("d", link="https://example.org/(x"),
        ]
    )
    html = MarkdownIt("commonmark").renderInline(words_markdown(content))
    assert html == ('a <strong>b</strong> <em>c</em> <a href="https://example.org/(x">d</a>')
