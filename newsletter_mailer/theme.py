"""The theme: the colours of mails by their roles, and whether words in them can be read."""

import colorsys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints

Colour = Annotated[str, StringConstraints(pattern=r"^#[0-9a-f]{6}$")]

TEXT = 4.5
"""The contrast that words need: WCAG 2.2, success criterion 1.4.3."""

LARGE = 3.0
"""The contrast that words of 24 pixels or more need: the same criterion."""


class _Colours(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Dark(_Colours):
    """The colours where a reader's device is dark. `#rrggbb`, small letters.

    The masthead, the accent and the button are the same as in the light.
    """

    page: Colour = "#0a1218"
    card: Colour = "#16212b"
    text: Colour = "#e3eaf0"
    quiet: Colour = "#b3c2ce"
    title: Colour = "#c9e2f5"
    heading: Colour = "#c9e2f5"
    link: Colour = "#8cc8ff"
    tint: Colour = "#17333d"
    warm: Colour = "#332a12"
    grey: Colour = "#20303c"
    foot: Colour = "#101a22"
    rule: Colour = "#46565f"
    edge: Colour = "#34434f"
    tile: Colour = "#0b3b5e"
    tile_text: Colour = "#ffffff"


class Theme(_Colours):
    """The colours of mails. `#rrggbb`, small letters. `newsletter.toml` says what each is for."""

    page: Colour = "#eef2f5"
    card: Colour = "#ffffff"
    text: Colour = "#1b2733"
    quiet: Colour = "#4a5b6a"
    title: Colour = "#0b2a42"
    heading: Colour = "#0b2a42"
    link: Colour = "#004b87"
    button: Colour = "#00566b"
    button_text: Colour = "#ffffff"
    masthead: Colour = "#0b2a42"
    masthead_text: Colour = "#ffffff"
    masthead_quiet: Colour = "#d6e4ee"
    accent: Colour = "#f0b429"
    tint: Colour = "#e6f2f5"
    warm: Colour = "#fff4d6"
    grey: Colour = "#eef2f5"
    rule: Colour = "#d5dee5"
    tile: Colour = "#0b2a42"
    tile_text: Colour = "#ffffff"
    dark: Dark = Dark()


@dataclass(frozen=True, slots=True)
class Pair:
    """Words in the colour `front` that stand on `back`, and the contrast that they need."""

    front: str
    back: str
    needed: float = TEXT


def _pairs(front: str, *backs: str, needed: float = TEXT) -> tuple[Pair, ...]:
    return tuple(Pair(front, back, needed) for back in backs)


_EVERYWHERE = (
    *_pairs("text", "card", "tint", "warm", "grey"),
    *_pairs("quiet", "card", "tint", "warm", "grey"),
    *_pairs("title", "card", "tint", needed=LARGE),  # article titles and key figures, 26 px and up
    *_pairs("heading", "card", "tint", "warm", "grey"),  # down to 16 px
    *_pairs("link", "page", "card", "tint", "warm", "grey"),
    *_pairs("tile_text", "tile"),
)
LIGHT_PAIRS = (
    *_EVERYWHERE,
    *_pairs("button_text", "button"),
    *_pairs("masthead_text", "masthead"),
    *_pairs("masthead_quiet", "masthead"),
)
DARK_PAIRS = (
    *_EVERYWHERE,
    *_pairs("text", "foot"),
    *_pairs("heading", "foot"),
    *_pairs("link", "foot"),
)
"""Every pair that a mail shows. Rules, edges and accents only adorn: WCAG asks nothing of them."""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A pair with too little contrast. `section` is `theme` or `theme.dark`.

    `suggestion` is a colour for `pair.front` of the same hue: the nearest in lightness that
    passes wherever the role is used, or, where none does, the nearest that passes here.
    """

    section: str
    pair: Pair
    front: str
    back: str
    ratio: float
    suggestion: str


def unreadable(theme: Theme) -> Iterator[Unreadable]:
    """Every pair of colours in the theme whose words are too faint to read."""
    yield from _unreadable("theme", theme.model_dump(exclude={"dark"}), LIGHT_PAIRS)
    yield from _unreadable("theme.dark", theme.dark.model_dump(), DARK_PAIRS)


def contrast(one: str, other: str) -> float:
    """The contrast of two colours, from 1 to 21, as WCAG 2.2 defines it."""
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


def nearest(colour: str, backs: Iterable[tuple[str, float]]) -> str | None:
    """The colour of the same hue, nearest in lightness, that passes on every background.

    `backs` are backgrounds, each with the contrast that it needs. None where no lightness
    passes on all of them; on a single one, up to 4.5, black or white always does.
    """
    backs = tuple(backs)
    hue, lightness, saturation = colorsys.rgb_to_hls(*_channels(colour))
    steps = sorted((step / 1000 for step in range(1001)), key=lambda step: abs(step - lightness))
    candidates = (_hex(colorsys.hls_to_rgb(hue, step, saturation)) for step in steps)
    for candidate in (colour, *candidates):
        if all(contrast(candidate, back) >= needed for back, needed in backs):
            return candidate
    return None


def _unreadable(
    section: str, colours: dict[str, str], pairs: tuple[Pair, ...]
) -> Iterator[Unreadable]:
    for pair in pairs:
        front, back = colours[pair.front], colours[pair.back]
        ratio = contrast(front, back)
        if ratio >= pair.needed:
            continue
        everywhere = [(colours[p.back], p.needed) for p in pairs if p.front == pair.front]
        suggestion = nearest(front, everywhere) or nearest(front, [(back, pair.needed)])
        # Black or white passes on any one background, so there always is a suggestion.
        yield Unreadable(section, pair, front, back, ratio, suggestion or "#000000")


def _channels(colour: str) -> tuple[float, float, float]:
    red, green, blue = bytes.fromhex(colour[1:])
    return red / 255, green / 255, blue / 255


def _hex(channels: tuple[float, float, float]) -> str:
    return "#" + bytes(round(channel * 255) for channel in channels).hex()


def _luminance(colour: str) -> float:
    red, green, blue = (
        channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4  # noqa: PLR2004
        for channel in _channels(colour)
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
