"""The kinds of `:::` blocks that hold text: quote, callout, columns, cards, figure and so on."""

from collections.abc import Sequence

from markdown_it.token import Token

from newsletter_mailer.reading.block_reader import BlockReader, Directive, untitled
from newsletter_mailer.reading.document import (
    Block,
    Button,
    Callout,
    Cards,
    Compare,
    Figure,
    Heading,
    Link,
    ListBlock,
    Only,
    Panel,
    Paragraph,
    Quotation,
    Quote,
    Rule,
)
from newsletter_mailer.reading.fields import refuse_fields
from newsletter_mailer.reading.inline import InlineReader, plain_text
from newsletter_mailer.reading.lists import split_attribution


@untitled
def read_quote(directive: Directive, reader: BlockReader) -> Block | None:
    """`::: quote`: paragraphs, then `-- who`."""
    blocks = reader.blocks(directive.tokens)
    reader.keep_out(blocks, (Paragraph, ListBlock, Quotation), "a quote", "paragraphs and lists")
    last = blocks[-1] if blocks else None
    content = last.content if isinstance(last, Paragraph) else ()
    content, attribution = split_attribution(content)
    before = (Paragraph(content, place=last.place),) if last and content else ()
    said = (*blocks[:-1], *before) if attribution else blocks
    if not said:
        reader.report(
            directive.place, "empty-block", "a quote without text", "a paragraph", "Write it."
        )
    elif not attribution:
        reader.report(
            blocks[-1].place,
            "no-attribution",
            "a quote that does not say whose it is",
            "a last line such as `-- A primary school`",
            "Add it.",
        )
    return Quote(said, attribution, place=directive.place)


def read_callout(directive: Directive, reader: BlockReader) -> Block | None:
    """`::: callout Title`: text, lists and buttons in a box."""
    before = len(reader.findings)
    blocks = reader.blocks(directive.tokens)
    allowed = (Paragraph, ListBlock, Heading, Button, Quotation)
    reader.keep_out(blocks, allowed, "a callout", "text, lists, quotes, buttons and `only`")
    title = reader.words(directive.argument, directive.place)
    if not blocks:
        _report_empty(directive, reader, before)
        return None
    return Callout(title, blocks, place=directive.place)


@untitled
def read_compare(directive: Directive, reader: BlockReader) -> Block | None:
    """`::: compare`: two headings, each with what belongs to it."""
    panels = _panels(directive, reader)
    if len(panels) == 2:  # noqa: PLR2004 - two columns
        return Compare((panels[0], panels[1]), place=directive.place)
    if panels:
        reader.report(
            directive.place,
            "compare-columns",
            f"{'one heading' if len(panels) == 1 else f'{len(panels)} headings'} in a comparison",
            "two",
            "Begin each column with a `###` heading, and no other part.",
        )
    return None


@untitled
def read_cards(directive: Directive, reader: BlockReader) -> Block | None:
    """`::: cards`: headings, each beginning a card."""
    panels = _panels(directive, reader)
    return Cards(panels, place=directive.place) if panels else None


@untitled
def read_button(directive: Directive, reader: BlockReader) -> Block | None:
    """`::: button`: a paragraph of one link."""
    blocks = reader.blocks(directive.tokens)
    content = blocks[0].content if len(blocks) == 1 and isinstance(blocks[0], Paragraph) else ()
    if len(content) == 1 and isinstance(content[0], Link):
        return Button(content[0].content, content[0].target, place=directive.place)
    reader.report(
        directive.place,
        "button-link",
        "a button that is not one link",
        "`[words](address)`",
        "Write one link, and nothing else.",
    )
    return None


@untitled
def read_figure(directive: Directive, reader: BlockReader) -> Block | None:
    """`::: figure`: `![alternative text](images/file.png)`, then a caption."""
    token, picture = _take_picture(directive.tokens)
    blocks = reader.blocks(directive.tokens)
    if token is None or picture is None:
        reader.report(
            directive.place,
            "figure-image",
            "a figure without a picture",
            "`![alternative text](images/file.png)`",
            "Write it first, then a blank line and the caption.",
        )
        return None
    place = reader.place(token)
    alt = plain_text(InlineReader(place, reader.findings).read(picture)).strip()
    refuse_fields(alt, place, reader.findings)
    if not alt:
        reader.report(
            place,
            "no-alt",
            "a picture without alternative text",
            "words between the square brackets",
            "Say what the picture shows to someone who cannot see it.",
        )
    image = reader.images.get(str(picture.attrGet("src") or ""), place, reader.findings)
    caption = blocks[0].content if blocks and isinstance(blocks[0], Paragraph) else ()
    if len(blocks) > (1 if caption else 0):
        reader.report(
            blocks[-1].place,
            "figure-caption",
            "more than a caption below a picture",
            "one paragraph",
            "Put the rest after the figure.",
        )
    return Figure(image, alt, caption, place=directive.place) if image else None


def read_only(directive: Directive, reader: BlockReader) -> Block | None:
    """`::: only agencies`: blocks for some agencies."""
    before = len(reader.findings)
    words = [word.strip() for word in directive.argument.split(",") if word.strip()]
    if not words:
        reader.report(
            directive.place,
            "only-nobody",
            "`::: only` without agencies",
            "`::: only gp, ccg`",
            "Name who this part is for.",
        )
    agencies = reader.registry.expand(words, directive.place, reader.findings)
    blocks = reader.blocks(directive.tokens)
    if not blocks:
        _report_empty(directive, reader, before)
        return None
    return Only(agencies, blocks, place=directive.place)


def _report_empty(directive: Directive, reader: BlockReader, before: int) -> None:
    """Report a block without content, unless a finding since `before` says what became of it."""
    if len(reader.findings) == before:
        reader.report(
            directive.place,
            "empty-block",
            f"an empty `::: {directive.name}`",
            "some text",
            "Fill it, or take it out.",
        )


def _take_picture(tokens: Sequence[Token]) -> tuple[Token | None, Token | None]:
    """The first picture, taken out of the text around it, and the token that held it."""
    for token in tokens:
        children = token.children or []
        for at, child in enumerate(children):
            if child.type == "image":
                rest = children[:at] + children[at + 1 :]
                while rest and rest[0].type in {"softbreak", "hardbreak"}:
                    rest.pop(0)
                token.children = rest
                return token, child
    return None, None


def _panels(directive: Directive, reader: BlockReader) -> tuple[Panel, ...]:
    blocks = reader.blocks(directive.tokens)
    if not blocks or not isinstance(blocks[0], Heading):
        reader.report(
            blocks[0].place if blocks else directive.place,
            "no-heading",
            f"`::: {directive.name}` that does not begin with a heading",
            "`###` headings, each with text below",
            "Begin each part with a heading.",
        )
        return ()
    panels: list[Panel] = []
    starts = [at for at, block in enumerate(blocks) if isinstance(block, Heading)]
    for start, stop in zip(starts, [*starts[1:], len(blocks)], strict=True):
        heading, body = blocks[start], blocks[start + 1 : stop]
        where = f"`::: {directive.name}`"
        reader.keep_out(body, (Paragraph, ListBlock, Quotation, Rule), where, "text and lists")
        if not body:
            reader.report(
                heading.place,
                "empty-panel",
                f"a heading in {where} with nothing below it",
                "some text",
                "Write it, or take the heading out.",
            )
        if isinstance(heading, Heading):
            panels.append(Panel(heading.content, body))
    return tuple(panels)
