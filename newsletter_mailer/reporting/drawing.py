"""What charts are made of: lengths, patterns, names that fit, a picture with its words.

Lengths across are in per cent and lengths down in pixels, so that a chart fits any width
and its words keep their size. Colours are classes, for which `report.css` has values in
light, in dark and on paper.
"""

from collections.abc import Iterable, Sequence

from markupsafe import Markup

_PATTERNS = {
    "diagonal": (6, '<path d="M-2 8 8 -2M-2 2 2 -2M4 8 8 4" class="ink"/>'),
    "dots": (5, '<circle cx="2.5" cy="2.5" r="1.5" class="dot"/>'),
    "lines": (5, '<path d="M0 2.5H5" class="ink"/>'),
    "cross": (7, '<path d="M-1 8 8 -1M-1 -1 8 8" class="ink"/>'),
    "upright": (5, '<path d="M2.5 0V5" class="ink"/>'),
    "hatch": (4, '<path d="M-1 5 5 -1" class="thin"/>'),
}
"""The side of each pattern's tile in pixels, and what is on it. `hatch` means hidden."""

_SHORTEST = 0.6
"""A name is cut between words if this share of the room is used then."""


def per_cent(part: float) -> str:
    """A share from 0 to 1 as a length in per cent, to the hundredth."""
    return f"{round(100 * part, 2):g}%"


def shortened(name: str, room: int) -> str:
    """A name of at most `room` characters, cut between words where that is possible."""
    if len(name) <= room:
        return name
    cut = name[: room - 1]
    between = cut.rfind(" ")
    if between >= room * _SHORTEST:
        cut = cut[:between]
    return cut.rstrip(" ,;(–-") + "…"


def two_lines(name: str, room: int) -> tuple[str, str]:
    """A name on two lines of at most `room` characters; the second may be cut."""
    between = name[: room + 1].rfind(" ")
    first = name[:between] if between >= room * _SHORTEST else name[:room]
    return first, shortened(name[len(first) :].strip(), room)


def begun(words: str) -> str:
    """Words as a line or a sentence begins."""
    return words[:1].upper() + words[1:]


def lines(parts: Iterable[Markup]) -> Markup:
    """Parts of markup, each on a line."""
    return Markup("\n").join(parts)


def patterns(slug: str, names: Sequence[str]) -> Markup:
    """The patterns a chart fills its shapes with; each chart has its own, known by its slug."""
    tiles = lines(
        Markup(
            '<pattern id="{0}-{1}" class="{1}" width="{2}" height="{2}"'
            ' patternUnits="userSpaceOnUse"><rect width="{2}" height="{2}" class="ground"/>{3}'
            "</pattern>"
        ).format(slug, name, _PATTERNS[name][0], Markup(_PATTERNS[name][1]))  # noqa: S704 - above
        for name in names
    )
    return Markup("<defs>{}</defs>").format(tiles)


def fill(slug: str, pattern: str) -> Markup:
    """What fills a shape with a pattern of its chart; nothing for an empty name."""
    return Markup(' fill="url(#{}-{})"').format(slug, pattern) if pattern else Markup("")


def picture(
    slug: str, title: str, words: str, inside: Markup, *, kind: str, height: int, style: str = ""
) -> Markup:
    """A picture that says in words what it shows: a title, and all that can be seen in it.

    `height` is in pixels. `style` holds the numbers that the style sheet reckons with.
    """
    return Markup(
        '<svg id="{slug}" class="{kind}" role="img" aria-labelledby="{slug}-title {slug}-words"'
        ' width="100%" height="{height}"{style}>\n<title id="{slug}-title">{title}</title>\n'
        '<desc id="{slug}-words">{words}</desc>\n{inside}\n</svg>'
    ).format(
        kind=kind,
        slug=slug,
        height=height,
        style=Markup(' style="{}"').format(style) if style else "",
        title=title,
        words=words,
        inside=inside,
    )


def figure(
    drawn: Markup, caption: str, heads: Sequence[str], rows: Iterable[Sequence[str]]
) -> Markup:
    """A picture, and the same as a table for those who would rather read it.

    The first column names the row.
    """
    head = Markup("").join(Markup('<th scope="col">{}</th>').format(each) for each in heads)
    body = lines(
        Markup('<tr><th scope="row">{}</th>{}</tr>').format(
            first, Markup("").join(Markup("<td>{}</td>").format(each) for each in others)
        )
        for first, *others in rows
    )
    return Markup(
        "<figure>\n{}\n<details><summary>The same in figures</summary>\n<table>"
        "<caption>{}</caption>\n<thead><tr>{}</tr></thead>\n<tbody>\n{}\n</tbody></table>"
        "</details>\n</figure>"
    ).format(drawn, caption, head, body)
