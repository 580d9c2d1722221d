"""Articles' Markdown: each block to its tree, and each mistake to a finding that helps."""

import re
import struct
import time
import zlib
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image as Picture

from newsletter_mailer.errors import IssueError
from newsletter_mailer.findings import Place, Severity
from newsletter_mailer.reading.document import (
    Actions,
    Block,
    Button,
    Callout,
    Cards,
    Code,
    CodeBlock,
    Compare,
    Contact,
    Emphasis,
    Event,
    EventDate,
    Facts,
    Figure,
    Heading,
    Inlines,
    KeyFigure,
    KeyFigures,
    LineBreak,
    Link,
    ListBlock,
    MergeField,
    NamedLink,
    Only,
    Panel,
    Paragraph,
    Quotation,
    Quote,
    Quotes,
    Remark,
    Resource,
    Resources,
    Rule,
    Strong,
    Table,
    Text,
)
from newsletter_mailer.reading.issue import read_issue
from tests.projects import (
    FRONT,
    ROOT,
    article,
    blocks_of,
    mistakes,
    mistakes_in,
    small_registry,
    the_mistake_in,
    write_issue,
)

ANYWHERE = Place("any")
"""Places take no part in comparing trees."""

DOCUMENTED = re.findall(
    r"^```markdown\n(:::.*?)^```$",
    (ROOT / "docs" / "issue-format.md").read_text(encoding="utf-8"),
    flags=re.DOTALL | re.MULTILINE,
)


def documented(kind: str) -> str:
    """The example of a kind of block in docs/issue-format.md."""
    (example,) = [text for text in DOCUMENTED if re.match(rf"::: {kind}\b", text)]
    return str(example)


def text(words: str) -> Inlines:
    """Plain words as inline content."""
    return (Text(words),)


def paragraph(*content: Inlines) -> Paragraph:
    """A paragraph; plain words and other parts in turn."""
    return Paragraph(sum(content, ()), place=ANYWHERE)


def bullets(*items: str) -> ListBlock:
    """A list of plain words."""
    return ListBlock(None, tuple((paragraph(text(item)),) for item in items), place=ANYWHERE)


# What the docs show


@pytest.mark.parametrize("example", DOCUMENTED, ids=lambda text: text.split()[1])
def test_documented_examples_hold_no_mistake(tmp_path: Path, example: str) -> None:
    """Every block that docs/issue-format.md shows can be pasted into an article as it is."""
    assert len(blocks_of(tmp_path, example)) == 1


def test_documented_examples_show_every_kind() -> None:
    """The docs show all fifteen kinds of block."""
    kinds = {example.split()[1] for example in DOCUMENTED}
    assert kinds == {
        *("actions", "button", "callout", "cards", "compare", "contact", "event", "facts"),
        *("figure", "key-figures", "only", "quote", "quotes", "resources", "table"),
    }


TREES: dict[str, Block] = {
    "quote": Quote(
        (paragraph(text("We ring every school before nine.")),),
        text("Head of Early Help, the city council"),
        place=ANYWHERE,
    ),
    "quotes": Quotes(
        text("What schools say"),
        (
            Remark(text("It helps us to keep an eye on the child."), text("A primary school")),
            Remark(text("Hugely useful."), text("A secondary school")),
        ),
        place=ANYWHERE,
    ),
    "facts": Facts(
        text("Quick facts"),
        (
            (
                Strong(text("70–90")),
                Text(" schools hear of at least one incident each month."),
            ),
            (
                Strong(text("20%")),
                Text(" of referrals are about children not known before."),
            ),
        ),
        place=ANYWHERE,
    ),
    "key-figures": KeyFigures(
        text("Use of the procedures"),
        "2016–2017",
        "2015–2016",
        (
            KeyFigure(text("Users"), "34,026", "23,182", "up 47%"),
            KeyFigure(text("Page views"), "79,156", "61,367", "up 29%"),
        ),
        place=ANYWHERE,
    ),
    "callout": Callout(
        text("New criminal offence"),
        (
            paragraph(
                (Text("It has been in force since "), Strong(text("3 April 2017")), Text("."))
            ),
        ),
        place=ANYWHERE,
    ),
    "compare": Compare(
        (
            Panel(
                text("Private fostering includes a child who lives with"),
                (bullets("godparents"),),
            ),
            Panel(text("It does not include a child who lives with"), (bullets("grandparents"),)),
        ),
        place=ANYWHERE,
    ),
    "table": Table(
        (text("Theme"), text("What to do more of")),
        ((text("Recording"), text("Record language and religion")),),
        text("What the audits ask of us"),
        row_headings=True,
        place=ANYWHERE,
    ),
    "cards": Cards(
        (
            Panel(
                text("Business plan"),
                (paragraph(text("Young advisors chose its key messages.")),),
            ),
            Panel(text("Website"), (paragraph(text("They tried it on phones too.")),)),
        ),
        place=ANYWHERE,
    ),
    "contact": Contact(
        "Early Help duty desk",
        "For advice before you refer",
        "early-help@example.org",
        "0116 496 0000",
        "",
        "",
        place=ANYWHERE,
    ),
    "resources": Resources(
        (
            Resource(
                "NSPCC",
                "Research, briefings and the national repository of case reviews",
                "https://www.nspcc.org.uk/",
                "Free to read",
                (),
                ANYWHERE,
            ),
        ),
        place=ANYWHERE,
    ),
    "button": Button(text("Book your place"), "https://example.org/events", place=ANYWHERE),
    "only": Only(
        frozenset({"gp", "ccg"}),
        (paragraph(text("Ask the practice manager for the read code.")),),
        place=ANYWHERE,
    ),
}


@pytest.mark.parametrize("kind", TREES)
def test_documented_examples_become_the_expected_tree(tmp_path: Path, kind: str) -> None:
    """A documented block is read into the tree that says exactly what the example says."""
    assert blocks_of(tmp_path, documented(kind)) == (TREES[kind],)


def test_documented_actions_are_addressed(tmp_path: Path) -> None:
    """Each documented action has its own agencies, and `everyone` names all of them."""
    (actions,) = blocks_of(tmp_path, documented("actions"))
    assert isinstance(actions, Actions)
    assert actions.title == text("What needs to happen")
    flag, share = actions.actions
    assert flag.agencies == {"gp", "ccg"}
    assert flag.content == text("Flag children on child protection plans in your records.")
    assert len(share.agencies) == 7
    assert share.content == text("Share who to contact when you are away.")


def test_documented_event_has_its_dates_and_times(tmp_path: Path) -> None:
    """The documented event is read with a whole day, a day with times, and a name for its file."""
    (event,) = blocks_of(tmp_path, documented("event"))
    assert isinstance(event, Event)
    assert event.title == "Children with disabilities: focus on assessment"
    assert [str(part.day) for part in event.dates] == ["2018-11-05", "2019-01-17"]
    assert event.dates[0].start is None
    assert (str(event.dates[1].start), str(event.dates[1].end)) == ("09:30:00", "12:30:00")
    assert event.venue == "Bosworth House"
    assert event.book == "https://example.org/events"
    assert event.about == "It is the same event twice. Please book one of the two."
    assert event.slug == "children-with-disabilities-focus-on-assessment"


def test_documented_figure_knows_its_picture(tmp_path: Path) -> None:
    """The documented figure has alternative text, a caption, and the picture's true size."""
    (figure,) = blocks_of(tmp_path, documented("figure"))
    assert isinstance(figure, Figure)
    assert figure.alt == "Three young people at a stall on a sunny square"
    assert figure.caption == text("One of seven youth festivals.")
    assert (figure.image.width, figure.image.height) == (30, 20)
    assert figure.image.media_type == "image/png"
    assert re.fullmatch(r"festival-[0-9a-f]{8}\.png", figure.image.name)


# Markdown


LINK = Link("https://example.org/a", text("the report"), ANYWHERE)

MARKDOWN: dict[str, tuple[str, Block]] = {
    "soft break": ("one\ntwo", paragraph(text("one two"))),
    "hard break, spaces": (
        "one  \ntwo",
        paragraph((Text("one"), LineBreak(), Text("two"))),
    ),
    "hard break, backslash": (
        "one\\\ntwo",
        paragraph((Text("one"), LineBreak(), Text("two"))),
    ),
    "soft break beside a link": (
        "see\n[the report](https://example.org/a)\nnow",
        paragraph((Text("see "), LINK, Text(" now"))),
    ),
    "emphasis": (
        "*a **b** c* `d`",
        paragraph(
            (Emphasis((Text("a "), Strong(text("b")), Text(" c"))), Text(" "), Code("d")),
        ),
    ),
    "merge fields": (
        "Dear {{first_name}} of {{agency_name}}: **{{email}}**",
        paragraph(
            (
                Text("Dear "),
                MergeField("first_name"),
                Text(" of "),
                MergeField("agency_name"),
                Text(": "),
                Strong((MergeField("email"),)),
            )
        ),
    ),
    "merge field as a link's target": (
        "[Change them]({{preferences_url}})",
        paragraph((Link("{{preferences_url}}", text("Change them"), ANYWHERE),)),
    ),
    "reference link": (
        "[the report][r]\n\n[r]: https://example.org/a",
        paragraph((LINK,)),
    ),
    "link in angle brackets": (
        "<https://example.org/a>",
        paragraph((Link("https://example.org/a", text("https://example.org/a"), ANYWHERE),)),
    ),
    "address in angle brackets": (
        "<help@example.org>",
        paragraph((Link("mailto:help@example.org", text("help@example.org"), ANYWHERE),)),
    ),
    "link with letters of other scripts": (
        "[x](https://bücher.example/straße?q=ü)",
        paragraph(
            (
                Link(
                    "https://xn--bcher-kva.example/stra%C3%9Fe?q=%C3%BC",
                    text("x"),
                    ANYWHERE,
                ),
            )
        ),
    ),
    "entities": ("Tom &amp; J&eacute;r&#244;me &lt;3", paragraph(text("Tom & Jérôme <3"))),
    "control characters by entity": ("a&#12;b&#x80;c&#0;d", paragraph(text("ab\ufffdc\ufffdd"))),
    "escapes": (r"\*not emphasis\* \<b\>", paragraph(text("*not emphasis* <b>"))),
    "heading": (
        "## A *heading*",
        Heading(2, (Text("A "), Emphasis(text("heading"))), place=ANYWHERE),
    ),
    "underlined heading": ("Heading\n---", Heading(2, text("Heading"), place=ANYWHERE)),
    "rule": ("- ***", ListBlock(None, ((Rule(place=ANYWHERE),),), place=ANYWHERE)),
    "code": (
        "```python\na = ':::'\n\n::: quote\n```",
        CodeBlock("a = ':::'\n\n::: quote", place=ANYWHERE),
    ),
    "indented code": ("    ::: quote", CodeBlock("::: quote", place=ANYWHERE)),
    "quotation": ("> one\n> two", Quotation((paragraph(text("one two")),), place=ANYWHERE)),
    "nested lists": (
        "- a\n  - b\n    1. c\n- d",
        ListBlock(
            None,
            (
                (
                    paragraph(text("a")),
                    ListBlock(
                        None,
                        (
                            (
                                paragraph(text("b")),
                                ListBlock(1, ((paragraph(text("c")),),), place=ANYWHERE),
                            ),
                        ),
                        place=ANYWHERE,
                    ),
                ),
                (paragraph(text("d")),),
            ),
            place=ANYWHERE,
        ),
    ),
    "list that begins at zero": ("0. a", ListBlock(0, ((paragraph(text("a")),),), place=ANYWHERE)),
    "list that begins at nine": ("9. a", ListBlock(9, ((paragraph(text("a")),),), place=ANYWHERE)),
    "table": (
        "| a | b |\n|---|---|\n| *c* | d \\| e |\n| f |",
        Table(
            (text("a"), text("b")),
            (((Emphasis(text("c")),), text("d | e")), (text("f"), ())),
            place=ANYWHERE,
        ),
    ),
    "only inside a list": (
        "- a\n\n  ::: only gp\n  b\n  :::",
        ListBlock(
            None,
            (
                (
                    paragraph(text("a")),
                    Only(frozenset({"gp"}), (paragraph(text("b")),), place=ANYWHERE),
                ),
            ),
            place=ANYWHERE,
        ),
    ),
    "blocks inside each other": (
        "::: only schools\n::: callout Now\n::: only primary-schools, gp\na\n:::\n:::\n:::",
        Only(
            frozenset({"primary-schools", "secondary-schools"}),
            (
                Callout(
                    text("Now"),
                    (
                        Only(
                            frozenset({"primary-schools", "gp"}),
                            (paragraph(text("a")),),
                            place=ANYWHERE,
                        ),
                    ),
                    place=ANYWHERE,
                ),
            ),
            place=ANYWHERE,
        ),
    ),
    "colons inside code inside a block": (
        "::: only gp\n```\n:::\n```\n`````\n:::\n```\n`````\n:::",
        Only(
            frozenset({"gp"}),
            (CodeBlock(":::", place=ANYWHERE), CodeBlock(":::\n```", place=ANYWHERE)),
            place=ANYWHERE,
        ),
    ),
    "colons inside indented code inside a block": (
        "::: only gp\n\n    :::\n\n    ::: quote\n\n:::",
        Only(
            frozenset({"gp"}),
            (CodeBlock(":::\n\n::: quote", place=ANYWHERE),),
            place=ANYWHERE,
        ),
    ),
    "code on one line inside a block": (
        "::: callout\n```x``` and\n:::",
        Callout((), (paragraph((Code("x"), Text(" and"))),), place=ANYWHERE),
    ),
}
"""Markdown and the one block that it becomes."""


@pytest.mark.parametrize("name", MARKDOWN)
def test_markdown_becomes_the_expected_tree(tmp_path: Path, name: str) -> None:
    """Markdown is read into the tree that says exactly what it says."""
    written, block = MARKDOWN[name]
    assert blocks_of(tmp_path, written) == (block,)


FIGURES = {
    ("23,182", "34,026"): "up 47%",
    ("100", "50"): "down 50%",
    ("1,000", "1,001"): "up less than 1%",
    ("7", "7.0"): "no change",
    ("40%", "41%"): "up 1 point",
    ("40%", "37.5%"): "down 2.5 points",
    ("£1,000", "£1,500"): "up 50%",
    ("0", "5"): "",
    ("few", "many"): "",
    ("1", "9" * 400): "",
}


@pytest.mark.parametrize(("before", "now"), FIGURES)
def test_change_is_worked_out(tmp_path: Path, before: str, now: str) -> None:
    """The change between two key figures is in percent, for percentages in points."""
    body = f"::: key-figures\n|  | then | now |\n|--|--|--|\n| a | {before} | {now} |\n:::"
    (block,) = blocks_of(tmp_path, body)
    assert isinstance(block, KeyFigures)
    assert block.figures[0].change == FIGURES[before, now]


def test_key_figures_need_no_comparison(tmp_path: Path) -> None:
    """Key figures in two columns are not compared with anything."""
    (block,) = blocks_of(tmp_path, "::: key-figures\n| | now |\n|-|-|\n| Users | 5 |\n:::")
    figure = KeyFigure(text("Users"), "5", "", "")
    assert block == KeyFigures((), "now", "", (figure,), place=ANYWHERE)


def test_attribution_follows_the_last_two_hyphens(tmp_path: Path) -> None:
    """Only ` -- ` begins an attribution; a dash or a hyphenated word does not."""
    body = "::: quote\nWell-known -- and *true* — so **true**\\\n-- A *big* school — in town\n:::"
    (quote,) = blocks_of(tmp_path, body)
    said = (
        Text("Well-known -- and "),
        Emphasis(text("true")),
        Text(" — so "),
        Strong(text("true")),
    )
    who = (Text("A "), Emphasis(text("big")), Text(" school — in town"))
    assert quote == Quote((paragraph(said),), who, place=ANYWHERE)


def test_resources_may_have_more_links(tmp_path: Path) -> None:
    """A resource lists further links, each with its words."""
    body = (
        "::: resources\n- name: A\n  offers: B\n  more:\n"
        "    - text: Sign up\n      link: http://example.org/a b\n:::"
    )
    (block,) = blocks_of(tmp_path, body)
    more = (NamedLink("Sign up", "http://example.org/a%20b"),)
    resource = Resource("A", "B", "", "", more, ANYWHERE)
    assert block == Resources((resource,), place=ANYWHERE)


def test_contact_address_keeps_its_lines(tmp_path: Path) -> None:
    """An address may have lines; all other values are brought onto one."""
    body = "::: contact\nname: |\n  The\n  desk\nphone: 0116\naddress: |\n  1 Road\n  Town\n:::"
    (block,) = blocks_of(tmp_path, body)
    assert block == Contact("The desk", "", "", "0116", "", "1 Road\nTown", place=ANYWHERE)


def test_events_of_one_title_have_files_of_their_own(tmp_path: Path) -> None:
    """Two events with one title do not share the name of their calendar files."""
    body = "::: event\ntitle: Été\ndates: [2019-01-31]\n:::\n"
    blocks = blocks_of(tmp_path, body + body + body.replace("Été", "—"))
    slugs = [block.slug for block in blocks if isinstance(block, Event)]
    assert slugs == ["t", "t-again", "event"]


DATES = {
    "2019-01-31": (None, None),
    "2019-01-31 9:30": ("09:30:00", None),
    "2019-01-31 09:30 – 12:00": ("09:30:00", "12:00:00"),
    "2019-01-31 9:30 to 23:59": ("09:30:00", "23:59:00"),
}


@pytest.mark.parametrize("written", DATES)
def test_event_dates(tmp_path: Path, written: str) -> None:
    """A date of an event has no time, a beginning, or a beginning and an end."""
    (event,) = blocks_of(tmp_path, f"::: event\ntitle: A\ndates:\n  - {written}\n:::")
    assert isinstance(event, Event)
    (date,) = event.dates
    assert isinstance(date, EventDate)
    times = tuple(str(time) if time else None for time in (date.start, date.end))
    assert (str(date.day), *times) == ("2019-01-31", *DATES[written])


def test_alternative_text_is_read_as_words(tmp_path: Path) -> None:
    """Marks and entities in alternative text become the words that they stand for."""
    (figure,) = blocks_of(
        tmp_path, "::: figure\n![Tom &amp; *Ann*](images/festival.png)\nHere.\n:::"
    )
    assert isinstance(figure, Figure)
    assert figure.alt == "Tom & Ann"
    assert figure.caption == text("Here.")


def test_picture_name_with_spaces(tmp_path: Path) -> None:
    """A picture's file may have spaces and letters of any script in its name."""
    write_issue(tmp_path, {}, pictures=["Été am See.jpg"])
    (figure,) = blocks_of(tmp_path, "::: figure\n![a](<images/Été am See.jpg>)\n:::")
    assert isinstance(figure, Figure)
    assert figure.image.media_type == "image/jpeg"
    assert re.fullmatch(r"t-am-see-[0-9a-f]{8}\.jpeg", figure.image.name)


def test_blocks_and_links_know_their_lines(tmp_path: Path) -> None:
    """Places count the front matter's lines, and go into blocks, lists and paragraphs."""
    body = (
        "one\n[a](https://a.example)\nand\\\n[b](https://b.example)\n\n"
        "::: only gp\n::: callout\nthree\n\n- four\n- [c](https://c.example)\n:::\n:::\n\n"
        "| x |\n|---|\n| [d](https://d.example) |\n"
    )
    first, only, table = blocks_of(tmp_path, body)
    assert isinstance(first, Paragraph)
    links = [part.place.line for part in first.content if isinstance(part, Link)]
    assert (first.place.line, links) == (FRONT + 1, [FRONT + 2, FRONT + 4])
    assert isinstance(only, Only)
    (callout,) = only.blocks
    assert isinstance(callout, Callout)
    three, points = callout.blocks
    lines = [block.place.line for block in (only, callout, three, points)]
    assert lines == [FRONT + 6, FRONT + 7, FRONT + 8, FRONT + 10]
    assert isinstance(points, ListBlock)
    second = points.items[1][0]
    assert isinstance(second, Paragraph)
    assert isinstance(second.content[0], Link)
    assert second.content[0].place.line == FRONT + 11
    assert isinstance(table, Table)
    cell = table.rows[0][0][0]
    assert isinstance(cell, Link)
    assert cell.place.line == FRONT + 17
    assert cell.place.file == "issues/07-winter-2019/articles/news.md"


# Mistakes

Expected = tuple[str, int, str, str, str]
"""A body, then of its one finding: the line, the rule, a part of what was found and to do."""

MISTAKES: dict[str, Expected] = {
    # Blocks
    "unclosed block": (
        "a\n\n::: quote\nb\n\n-- c",
        3,
        "unclosed-block",
        "::: quote",
        "where the block ends",
    ),
    "unclosed block around a closed one": (
        "::: callout\n::: facts\n- a\n:::\n",
        1,
        "unclosed-block",
        "::: callout",
        "Add it",
    ),
    "stray close": ("a\n\n:::\n\nb", 3, "stray-close", "closes nothing", "Take it out"),
    "unknown block": (
        "::: fatcs\n- a\n:::",
        1,
        "unknown-block",
        "::: fatcs",
        "Did you mean facts?",
    ),
    "block of another program": (
        "::: {.note}\na\n:::",
        1,
        "unknown-block",
        "::: {.note}",
        "Check its spelling",
    ),
    "title where none is shown": (
        "::: quote From a school\na\n\n-- b\n:::",
        1,
        "unexpected-title",
        "'From a school'",
        "Move the words",
    ),
    "quote without attribution": ("::: quote\na\n\nb\n:::", 4, "no-attribution", "whose", "Add it"),
    "quote that ends in a list": (
        "::: quote\na\n\n- b\n:::",
        4,
        "no-attribution",
        "whose",
        "Add it",
    ),
    "quote of nothing": ("::: quote\n:::", 1, "empty-block", "without text", "Write it"),
    "quote of an attribution": (
        "::: quote\n-- a\n:::",
        1,
        "empty-block",
        "without text",
        "Write it",
    ),
    "quotes that are no list": (
        "::: quotes\na\n:::",
        1,
        "not-a-list",
        "::: quotes",
        "Begin each with",
    ),
    "quotes with an empty one": (
        "::: quotes\n- a -- b\n- -- c\n:::",
        3,
        "empty-block",
        "without text",
        "Write",
    ),
    "facts that are no list": (
        "::: facts\na\n:::",
        1,
        "not-a-list",
        "::: facts",
        "Begin each with",
    ),
    "facts of two lists": (
        "::: facts\n- a\n\n1. b\n:::",
        1,
        "not-a-list",
        "not one list",
        "Begin each with",
    ),
    "fact of two paragraphs": (
        "::: facts\n- a\n\n  b\n:::",
        4,
        "item-shape",
        "not one paragraph",
        "Shorten",
    ),
    "empty fact": ("::: facts\n- a\n-\n:::", 2, "item-shape", "empty item", "Fill it"),
    "key figures of five columns": (
        "::: key-figures\n|a|b|c|d|e|\n|-|-|-|-|-|\n|1|2|3|4|5|\n:::",
        2,
        "key-figures-columns",
        "5 columns",
        "Take columns out",
    ),
    "key figures of one column": (
        "::: key-figures\n|a|\n|-|\n|1|\n:::",
        2,
        "key-figures-columns",
        "one column",
        "Add the figures",
    ),
    "key figure without its value": (
        "::: key-figures\n|a|b|\n|-|-|\n|c|1|\n|d| |\n:::",
        5,
        "key-figure-empty",
        "without",
        "Fill the row",
    ),
    "key figures without a table": (
        "::: key-figures\n- a\n:::",
        1,
        "not-a-table",
        "::: key-figures",
        "heading row",
    ),
    "table without rows": (
        "::: table A\n|a|b|\n|-|-|\n:::",
        1,
        "not-a-table",
        "not one table with rows",
        "heading row",
    ),
    "table with a cell too many": (
        "|a|b|\n|-|-|\n|c|d|e|",
        3,
        "table-cells",
        "3 cells",
        "Take a | out",
    ),
    "callout of nothing": (
        "::: callout A\n:::",
        1,
        "empty-block",
        "empty `::: callout`",
        "Fill it",
    ),
    "table in a callout": (
        "::: callout\n|a|\n|-|\n|b|\n:::",
        2,
        "misplaced-block",
        "a table inside a callout",
        "before or after",
    ),
    "actions in a callout, in only": (
        "::: callout\n::: only gp\n::: actions\n- [gp] a\n:::\n:::\n:::",
        3,
        "misplaced-block",
        "`::: actions` inside a callout",
        "before or after",
    ),
    "block in a list": (
        "- a\n\n  ::: facts\n  - b\n  :::",
        3,
        "misplaced-block",
        "`::: facts` inside a list",
        "before or after",
    ),
    "block in a nested list, in only": (
        "- a\n  - b\n\n    ::: only gp\n    ::: quote\n    c\n\n    -- d\n    :::\n    :::",
        5,
        "misplaced-block",
        "`::: quote` inside a list",
        "before or after",
    ),
    "block in a > quote": (
        "> ::: facts\n> - b\n> :::",
        1,
        "misplaced-block",
        "`::: facts` inside a > quote",
        "before or after",
    ),
    "block in a quote": (
        "::: quote\n::: facts\n- b\n:::\n\n-- c\n:::",
        2,
        "misplaced-block",
        "`::: facts` inside a quote",
        "before or after",
    ),
    "code in a card": (
        "::: cards\n### a\n```\nb\n```\n:::",
        3,
        "misplaced-block",
        "code inside `::: cards`",
        "before or after",
    ),
    "comparison of three": (
        "::: compare\n### a\nb\n### c\nd\n### e\nf\n:::",
        1,
        "compare-columns",
        "3 headings",
        "Begin each column",
    ),
    "comparison of one": (
        "::: compare\n### a\nb\n:::",
        1,
        "compare-columns",
        "one heading",
        "Begin each column",
    ),
    "comparison of nothing": (
        "::: compare\n:::",
        1,
        "no-heading",
        "does not begin with a heading",
        "Begin each part",
    ),
    "cards that begin with text": (
        "::: cards\na\n### b\nc\n:::",
        2,
        "no-heading",
        "does not begin with a heading",
        "Begin each part",
    ),
    "card without text": (
        "::: cards\n### a\n### b\nc\n:::",
        2,
        "empty-panel",
        "nothing below it",
        "Write it",
    ),
    "actions that are no list": (
        "::: actions\na\n:::",
        1,
        "not-a-list",
        "::: actions",
        "Begin each with",
    ),
    "action addressed to nobody": (
        "::: actions\n- [gp] a\n- Flag them\n:::",
        3,
        "action-unaddressed",
        "'Flag them'",
        "[everyone]",
    ),
    "action with empty brackets": (
        "::: actions\n- [ ] a\n:::",
        2,
        "action-unaddressed",
        "'[ ] a'",
        "Write both",
    ),
    "action that says nothing": (
        "::: actions\n- [gp]\n:::",
        2,
        "empty-action",
        "'[gp]'",
        "Write both",
    ),
    "action for an unknown agency": (
        "::: actions\n- [gp, shools] a\n:::",
        2,
        "unknown-agency",
        "'shools'",
        "Did you mean schools?",
    ),
    "action of two paragraphs": (
        "::: actions\n- [gp] a\n\n  b\n:::",
        4,
        "item-shape",
        "not one paragraph",
        "Shorten",
    ),
    "event without a date": (
        "::: event\ntitle: a\n:::",
        2,
        "missing-key",
        "no dates",
        "Add the line `dates: …`",
    ),
    "event without any date": (
        "::: event\ntitle: a\ndates: []\n:::",
        3,
        "bad-value",
        "an empty list as dates",
        "Name one",
    ),
    "event with its date as text": (
        "::: event\ntitle: a\ndates: 2019-01-31\n:::",
        3,
        "bad-value",
        "'2019-01-31' as dates",
        "- item",
    ),
    "event in month 13": (
        "::: event\ntitle: a\ndates:\n  - 2018-12-01\n  - 2018-13-45\n:::",
        5,
        "bad-value",
        "'2018-13-45' as dates",
        "2019-01-31",
    ),
    "event on another's date": (
        "::: event\ntitle: a\ndates: [1 May 2019]\n:::",
        3,
        "bad-value",
        "'1 May 2019' as dates",
        "Write the date first",
    ),
    "event with keys as its date": (
        "::: event\ntitle: a\ndates: [{day: 2019-01-31}]\n:::",
        3,
        "bad-value",
        "`key: value` lines as dates",
        "Write the date first",
    ),
    "event at 25 o'clock": (
        '::: event\ntitle: a\ndates: ["2019-01-31 25:00"]\n:::',
        3,
        "bad-value",
        "25:00",
        "Mend the time",
    ),
    "event that ends before it starts": (
        '::: event\ntitle: a\ndates: ["2019-01-31 12:00-11:00"]\n:::',
        3,
        "bad-value",
        "12:00-11:00",
        "Mend the times",
    ),
    "event with a bad address": (
        "::: event\ntitle: a\ndates: [2019-01-31]\nbook: example.org\n:::",
        4,
        "bad-value",
        "'example.org' as book",
        "",
    ),
    "event with an unknown key": (
        "::: event\ntitle: a\ndates: [2019-01-31]\nvenue: b\n:::",
        4,
        "unknown-key",
        "venue",
        "",
    ),
    "empty event": ("::: event\n:::", 2, "not-keys", "no `key: value` lines", "one key a line"),
    "tab in an event": (
        "::: event\ntitle: a\ndates:\n\t- 2019-01-31\n:::",
        4,
        "yaml",
        "a tab",
        "two spaces",
    ),
    "merge field in an event": (
        "::: event\ntitle: a\nabout: for {{first_name}}\ndates: [2019-01-31]\n:::",
        3,
        "misplaced-merge-field",
        "{{first_name}}",
        "in the text",
    ),
    "contact without a way": (
        "::: contact\nname: a\nrole: b\n:::",
        1,
        "contact-way",
        "without a way",
        "Add one",
    ),
    "contact with half an address": (
        "::: contact\nname: a\nemail: office@\n:::",
        3,
        "bad-value",
        "'office@' as email",
        "after the @",
    ),
    "contact as a list": (
        "::: contact\n- name: a\n:::",
        2,
        "not-keys",
        "no `key: value` lines",
        "one key a line",
    ),
    "resources that are no list": (
        "::: resources\nname: a\n:::",
        1,
        "not-a-list",
        "::: resources",
        "- name:",
    ),
    "resource that is a word": (
        "::: resources\n- a\n:::",
        2,
        "not-keys",
        "no `key: value` lines",
        "one key a line",
    ),
    "resource without its offer": (
        "::: resources\n- name: a\n  offers: b\n- name: c\n:::",
        4,
        "missing-key",
        "no offers",
        "offers: …",
    ),
    "resource with an unknown key": (
        "::: resources\n- name: a\n  offers: b\n  more:\n    - text: c\n      lnk: d\n      link: http://e.example\n:::",
        6,
        "unknown-key",
        "more.lnk",
        "Did you mean link?",
    ),
    "button of two links": (
        "::: button\n[a](https://a.example) [b](https://b.example)\n:::",
        1,
        "button-link",
        "not one link",
        "Write one link",
    ),
    "button of words": ("::: button\na\n:::", 1, "button-link", "not one link", "Write one link"),
    "figure without a picture": (
        "::: figure\na\n:::",
        1,
        "figure-image",
        "without a picture",
        "Write it first",
    ),
    "figure of two pictures": (
        "::: figure\n![a](images/festival.png)\n\n![b](images/festival.png)\n:::",
        4,
        "stray-image",
        "inside a text",
        "::: figure",
    ),
    "figure with two captions": (
        "::: figure\n![a](images/festival.png)\n\nb\n\nc\n:::",
        6,
        "figure-caption",
        "more than a caption",
        "after the figure",
    ),
    "picture without alternative text": (
        "::: figure\n\n![ ](images/festival.png)\n:::",
        3,
        "no-alt",
        "without alternative text",
        "cannot see it",
    ),
    "merge field in alternative text": (
        "::: figure\n![{{name}}](images/festival.png)\n:::",
        2,
        "misplaced-merge-field",
        "{{name}}",
        "in the text",
    ),
    "missing picture": (
        "::: figure\n![a](images/fest.png)\n:::",
        2,
        "missing-image",
        "'images/fest.png'",
        "mend the name",
    ),
    "picture with a NUL in its name": (
        "::: figure\n![a](images/%00.png)\n:::",
        2,
        "missing-image",
        "no picture",
        "mend the name",
    ),
    "picture with an endless name": (
        f"::: figure\n![a](images/{'a' * 5000}.png)\n:::",
        2,
        "missing-image",
        "no picture",
        "mend the name",
    ),
    "folder as a picture": (
        "::: figure\n![a](images/)\n:::",
        2,
        "missing-image",
        "no picture",
        "mend the name",
    ),
    "picture outside the folder": (
        "::: figure\n![a](../../../newsletter.toml)\n:::",
        2,
        "image-outside",
        "newsletter.toml",
        "Copy the picture",
    ),
    "picture in another folder": (
        "::: figure\n![a](articles/news.md)\n:::",
        2,
        "image-outside",
        "articles/news.md",
        "Copy the picture",
    ),
    "picture on the web": (
        "::: figure\n![a](https://example.org/a.png)\n:::",
        2,
        "image-outside",
        "https:",
        "Copy the picture",
    ),
    "only nobody": ("::: only\na\n:::", 1, "only-nobody", "without agencies", "Name who"),
    "only an unknown agency": (
        "::: only gp, Polise\na\n:::",
        1,
        "unknown-agency",
        "'Polise'",
        "Did you mean police?",
    ),
    "only of nothing": ("::: only gp\n\n:::", 1, "empty-block", "empty `::: only`", "Fill it"),
    # Text
    "unknown merge field": (
        "a\nb {{frist_name}}",
        2,
        "unknown-merge-field",
        "'{{frist_name}}'",
        "Did you mean {{first_name}}?",
    ),
    "merge field with spaces": (
        "{{ first_name }}",
        1,
        "unknown-merge-field",
        "'{{ first_name }}'",
        "Did you mean {{first_name}}?",
    ),
    "merge field in capitals": (
        "{{FIRST_NAME}}",
        1,
        "unknown-merge-field",
        "'{{FIRST_NAME}}'",
        "Did you mean {{first_name}}?",
    ),
    "half a merge field": ("a {{first_name", 1, "unknown-merge-field", "'{{'", "Take it out"),
    "link field in the text": (
        "{{unsubscribe_url}}",
        1,
        "unknown-merge-field",
        "unsubscribe_url",
        "[words]({{unsubscribe_url}})",
    ),
    "merge field in code": (
        "```\na\n{{name}}\n```",
        3,
        "misplaced-merge-field",
        "{{name}}",
        "in the text",
    ),
    "merge field in a code span": (
        "`{{name}}`",
        1,
        "misplaced-merge-field",
        "{{name}}",
        "in the text",
    ),
    "merge field of Handlebars": (
        "{{#if x}}",
        1,
        "unknown-merge-field",
        "'{{#if x}}'",
        "Take it out",
    ),
    "command of Jinja": ("{% x %}", 1, "unknown-merge-field", "'{% x %}'", "Take it out"),
    "merge field of Mailchimp": (
        "a *|FNAME|*",
        1,
        "unknown-merge-field",
        "'*|FNAME|*'",
        "Did you mean",
    ),
    "merge field of Mailchimp in a word": (
        "a*|MC:DATE|*b",
        1,
        "unknown-merge-field",
        "'*|MC:DATE|*'",
        "Take it out",
    ),
    "merge field of Word": ("a <%= name %>", 1, "unknown-merge-field", "'<%= name %>'", "{{name}}"),
    "merge field in a title": (
        "::: callout {{nam}}\na\n:::",
        1,
        "unknown-merge-field",
        "{{nam}}",
        "{{name}}",
    ),
    "merge field in a link": (
        "a\n[b](https://example.org/?who={{email}})",
        2,
        "merge-field-in-link",
        "who={{email}}",
        "take it out",
    ),
    "encoded merge field in a link": (
        "[b](https://example.org/%7b%7Bemail%7d%7D)",
        1,
        "merge-field-in-link",
        "{{email}}",
        "take it out",
    ),
    "text field as a whole link": (
        "[b]({{email}})",
        1,
        "merge-field-in-link",
        "{{email}}",
        "take it out",
    ),
    "Mailchimp's field in a link": (
        "[b](https://example.org/?e=*|EMAIL|*)",
        1,
        "merge-field-in-link",
        "*|EMAIL|*",
        "take it out",
    ),
    "HTML in a line": ("a\n*b <br>*", 2, "raw-html", "'<br>'", "Markdown"),
    "HTML block": ("a\n\n<div>\nb\n</div>", 3, "raw-html", "'<div> b </div>'", "Markdown"),
    "HTML comment": ("<!-- b\n\nc -->", 1, "raw-html", "'<!-- b c -->'", "Markdown"),
    "HTML comment in a line": ("a <!-- b\n--> c", 1, "raw-html", "<!--", "Markdown"),
    "script link": (
        "[a](javascript:alert(1))",
        1,
        "link-target",
        "'javascript:alert(1)'",
        "in full",
    ),
    "data link": ("[a](data:text/html,b)", 1, "link-target", "'data:text/html,b'", "in full"),
    "script link in angle brackets": (
        "<javascript:alert(1)>",
        1,
        "link-target",
        "javascript",
        "in full",
    ),
    "relative link": ("[a](/news)", 1, "link-target", "'/news'", "in full"),
    "link without its scheme": (
        "[a](www.example.org)",
        1,
        "link-target",
        "'www.example.org'",
        "in full",
    ),
    "empty link": ("[a]()", 1, "link-target", "nothing", "where the link leads"),
    "link without words": ("[](https://a.example)", 1, "empty-link", "without words", "[words]"),
    "link on a picture": (
        "[![a](images/festival.png)](https://a.example)",
        1,
        "stray-image",
        "inside a text",
        "::: figure",
    ),
    "broken IPv6": ("[a](http://[::1)", 1, "link-target", "http://[::1", "in full"),
    "link without a host": ("[a](https:///b)", 1, "link-target", "https:///b", "in full"),
    "link to a port too high": (
        "[a](https://a.example:99999/)",
        1,
        "link-target",
        "99999",
        "in full",
    ),
    "link with a user": (
        "[a](https://bank.example@evil.example/)",
        1,
        "link-target",
        "bank.example@",
        "in full",
    ),
    "mail to nobody": ("[a](mailto:)", 1, "link-target", "'mailto:'", "in full"),
    "mail to half an address": (
        "[a](mailto:office@)",
        1,
        "link-target",
        "'mailto:office@'",
        "in full",
    ),
    "undefined picture": (
        "a\n![b](images/festival.png)",
        2,
        "stray-image",
        "inside a text",
        "::: figure",
    ),
    "heading of level 1": ("# a\n\nb", 1, "heading-level", "level 1", "begin at ##"),
    "heading that skips a level": (
        "## a\n\nb\n\n#### c\n\nd",
        5,
        "heading-level",
        "level 4 (####)",
        "one level at a time",
    ),
    "first heading too low": ("### a\n\nb", 1, "heading-level", "level 3", "begin at ##"),
    "heading that skips after only": (
        "::: only gp\n## a\n\nb\n:::\n\n### c\n\nd",
        7,
        "heading-level",
        "level 3",
        "begin at ##",
    ),
    "heading that skips in a block": (
        "## a\n\n::: callout\n#### b\n\nc\n:::",
        4,
        "heading-level",
        "level 4",
        "one level",
    ),
    "empty heading": ("a\n\n##\n\nb", 3, "empty-heading", "without words", "Write it"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistake_is_reported_once_with_its_line_and_mend(tmp_path: Path, name: str) -> None:
    """A mistake gives one error: where it is, what was found and expected, and what to do."""
    body, line, rule, found, mend = MISTAKES[name]
    finding = the_mistake_in(tmp_path, body)
    assert finding.severity is Severity.ERROR
    assert (finding.place.line, finding.rule) == (line, rule)
    assert found in finding.found
    assert mend in finding.mend
    assert finding.expected
    assert finding.mend


def test_block_cannot_close_outside_its_list(tmp_path: Path) -> None:
    """A block that opens in a list item and closes below the list is two mistakes, each named."""
    findings = mistakes_in(tmp_path, "- ::: only gp\n  a\n\n:::")
    assert [(f.place.line - FRONT, f.rule) for f in findings] == [
        (1, "unclosed-block"),
        (4, "stray-close"),
    ]


def test_mistakes_inside_a_broken_block_are_reported_too(tmp_path: Path) -> None:
    """What stands in an unclosed or misspelt block is looked over all the same."""
    body = "::: noet\n<br>\n:::\n\n::: quot\na\n:::\n\n::: callout\n{{nam}}\n\n::: facts\nb\n:::"
    findings = mistakes_in(tmp_path, body)
    assert [(f.place.line - FRONT, f.rule) for f in findings] == [
        (1, "unknown-block"),
        (2, "raw-html"),
        (5, "unknown-block"),
        (6, "no-attribution"),
        (9, "unclosed-block"),
        (10, "unknown-merge-field"),
        (12, "not-a-list"),
    ]


def test_every_foreign_field_of_a_line_is_reported(tmp_path: Path) -> None:
    """Two mistaken merge fields in one line are two findings."""
    findings = mistakes_in(tmp_path, "{{a}} and {{b}} {{name}}")
    assert [finding.found for finding in findings] == ["'{{a}}'", "'{{b}}'"]


def test_long_mistakes_are_quoted_in_short(tmp_path: Path) -> None:
    """A finding fits a few lines of a terminal, however long what it quotes is."""
    for body in (f"<a {'b' * 9000}>", f"[a]({'b' * 9000})", "{{" + "b" * 9000 + "}}"):
        finding = the_mistake_in(tmp_path, body)
        assert len(str(finding)) < 400
        assert "…" in finding.found


# Pictures


def png(width: int, height: int) -> bytes:
    """A PNG file that says it is so wide and high, and holds next to nothing."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        crc = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + crc

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = zlib.compress(b"\0" * 100)
    chunks = (chunk(b"IHDR", header), chunk(b"IDAT", pixels), chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def shorn(kind: str) -> bytes:
    """The first half of a picture's file."""
    file = BytesIO()
    Picture.effect_noise((90, 90), 50).save(file, kind)
    return file.getvalue()[: len(file.getvalue()) // 2]


def whole(kind: str) -> bytes:
    """A picture's file."""
    file = BytesIO()
    Picture.new("RGB", (30, 20)).save(file, kind)
    return file.getvalue()


PICTURES = {
    "BMP": (whole("BMP"), "image-kind", "PNG, JPEG or GIF"),
    "WebP": (whole("WEBP"), "image-kind", "PNG, JPEG or GIF"),
    "TIFF": (whole("TIFF"), "image-kind", "PNG, JPEG or GIF"),
    "SVG": (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "image-kind", "PNG, JPEG or GIF"),
    "words": (b"not a picture", "image-kind", "PNG, JPEG or GIF"),
    "nothing": (b"", "image-kind", "PNG, JPEG or GIF"),
    "half a PNG": (shorn("PNG"), "image-damaged", "image viewers"),
    "half a JPEG": (shorn("JPEG"), "image-damaged", "image viewers"),
    "half a GIF": (shorn("GIF"), "image-damaged", "image viewers"),
    "wide": (png(6000, 1), "image-too-large", "5,000"),
    "bomb": (png(60_000, 60_000), "image-too-large", "5,000"),
    "smaller bomb": (png(12_000, 12_000), "image-too-large", "5,000"),
    "heavy": (png(3, 3) + b"\0" * 5_000_000, "image-too-large", "5,000,000"),
}


@pytest.mark.parametrize("name", PICTURES)
def test_picture_that_mails_cannot_carry_is_reported(tmp_path: Path, name: str) -> None:
    """A picture of another kind, a damaged one and a huge one each give one finding."""
    data, rule, expected = PICTURES[name]
    issue = write_issue(tmp_path, {"news": article("::: figure\n![a](images/p.png)\n:::")})
    (issue / "images" / "p.png").write_bytes(data)
    (finding,) = mistakes(issue, small_registry())
    assert (finding.rule, finding.place.line) == (rule, FRONT + 2)
    assert "images/p.png" in finding.found
    assert expected in finding.expected
    assert finding.mend


def test_picture_that_links_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    """A symbolic link in images/ does not lead to files elsewhere, nor around in circles."""
    body = "::: figure\n![a](images/out.png)\n:::\n\n::: figure\n![b](images/round.png)\n:::"
    issue = write_issue(tmp_path, {"news": article(body)}, pictures=["festival.png"])
    (issue / "images" / "festival.png").rename(tmp_path / "secret.png")
    (issue / "images" / "out.png").symlink_to(tmp_path / "secret.png")
    (issue / "images" / "round.png").symlink_to("round.png")
    rules = [finding.rule for finding in mistakes(issue, small_registry())]
    assert rules == ["image-outside", "missing-image"]


def test_missing_picture_is_reported_wherever_it_is_shown(tmp_path: Path) -> None:
    """A picture that is missing twice is two findings, and the files that exist are named."""
    body = "::: figure\n![a](images/b.png)\n:::\n" * 2
    findings = mistakes_in(tmp_path, body)
    assert [finding.place.line - FRONT for finding in findings] == [2, 5]
    assert findings[0].expected == "one of images/festival.png"


# Much of it

DEEP = {
    "quotes": ">" * 10_000,
    "quotes with text": "> " * 10_000 + "a",
    "lists": "- " * 10_000 + "a",
    "numbered lists": "1. " * 10_000 + "a",
    "lists over lines": "".join(" " * (2 * n) + "- a\n" for n in range(500)),
    "brackets": "[" * 10_000,
    "parentheses": "(" * 10_000,
    "stars": "*" * 10_000 + "a" + "*" * 10_000,
    "open stars": "*a " * 10_000,
    "emphasis": "*a " * 5_000 + "b* " * 5_000,
    "blocks": "::: only gp\n" * 500 + "a\n" + ":::\n" * 500,
    "blocks that do not end": "::: only gp\n" * 2_000,
    "blocks in list items": "- ::: only gp\n" * 2_000,
    "lists in blocks": "::: only gp\n" * 15 + "- " * 15 + "a\n" + ":::\n" * 15,
    "braces": "{{" * 10_000,
    "less-than": "<a " * 10_000,
    "backticks": "".join("`" * n + " " for n in range(200)),
}


@pytest.mark.parametrize("name", DEEP)
def test_deep_nesting_neither_crashes_nor_hangs(tmp_path: Path, name: str) -> None:
    """Ten thousand marks in each other are read, or refused by a finding, within seconds."""
    issue = write_issue(tmp_path, {"news": article(DEEP[name])})
    registry = small_registry()
    begun = time.monotonic()
    try:
        read_issue(issue, registry)
    except IssueError as error:
        rules = {finding.rule for finding in error.findings}
        assert rules <= {"nested-too-deep", "unclosed-block", "unknown-merge-field"}
    assert time.monotonic() - begun < 30


def test_what_is_nested_too_deep_is_never_left_out_silently(tmp_path: Path) -> None:
    """Twenty levels are read to the last word; one more is a finding."""
    blocks = blocks_of(tmp_path, "> " * 20 + "the last word")
    assert "the last word" in repr(blocks)
    finding = the_mistake_in(tmp_path, "> " * 21 + "the last word")
    assert finding.rule == "nested-too-deep"
