"""The MJML elements that a template may use, their attributes, and what these may hold.

From the tables of MJML 4 and 5, less what mrml 6.0.1 drops or damages.
"""

import re

import tinycss2.color3

from newsletter_mailer.compiling.masking import CONTROL, VALUE

# The kinds of values.

_N = r"\d+(?:\.\d+)?"
_PATTERNS = {
    "px": rf"{_N}px|0",
    "px-or-percent": rf"{_N}(?:px|%)|0",
    "px-or-auto": rf"{_N}px|0|auto",
    "width": rf"{_N}(?:px|%)|0|auto",
    "line-height": rf"{_N}(?:px|%)?",
    "letter-spacing": rf"-?{_N}(?:px|em)|0",
    "whole": r"\d+",
    "name": r"[^{}]*",
}
EXPECTED = {
    "px": "a length such as 16px",
    "px-or-percent": "a length such as 16px or 50%",
    "px-or-auto": "a length such as 16px, or auto",
    "width": "a length such as 16px or 50%, or auto",
    "line-height": "a number such as 1.5, or a length such as 24px",
    "letter-spacing": "a length such as 1px or 0.1em",
    "whole": "a whole number",
    "name": "a name that is the same for all readers",
    "box": "one to four lengths such as 0 16px",
    "colour": "a colour such as #00566b",
    "border": "a border such as 1px solid #d5dee5",
}
_BORDER_STYLES = frozenset(
    {"none", "solid", "dashed", "dotted", "double", "groove", "ridge", "inset", "outset"}
)
ANYTHING = frozenset({"text", "url"})
"""Kinds whose values do not become CSS, so that merge fields may stand in them."""

_TRIALS = ("1", "1px", "#000000", "none", "")
"""What a Jinja value may turn out to be, for checking what stands around it."""


def _of(kind: str, *names: str) -> dict[str, str]:
    return dict.fromkeys(names, kind)


def _sides(name: str, kind: str) -> dict[str, str]:
    return _of(kind, *(f"{name}-{side}" for side in ("top", "right", "bottom", "left")))


_COMMON = _of("name", "css-class", "mj-class")
_PADDING = {"padding": "box", **_sides("padding", "px-or-percent")}
_BORDER = {"border": "border", **_sides("border", "border")}
_ROUND = _BORDER | {"border-radius": "box"}
_AROUND = _COMMON | _PADDING | {"container-background-color": "colour"}
_FONT = {
    **_of("css", "font-family", "font-style", "font-weight", "text-decoration", "text-transform"),
    "font-size": "px",
    "line-height": "line-height",
    "letter-spacing": "letter-spacing",
    "color": "colour",
}
_VERTICAL = "top|bottom|middle"
_THREE = "left|center|right"
_BACKGROUND = {
    "background-color": "colour",
    "background-url": "url",
    "background-repeat": "repeat|no-repeat",
    **_of(
        "css",
        "background-size",
        "background-position",
        "background-position-x",
        "background-position-y",
    ),
}
_SECTION = _COMMON | _PADDING | _ROUND | _BACKGROUND | {
    "direction": "ltr|rtl",
    "full-width": "full-width|false",
    "text-align": _THREE,
    "text-padding": "box",
}  # fmt: skip

ATTRIBUTES: dict[str, dict[str, str]] = {
    "mjml": {"lang": "text", "dir": "ltr|rtl|auto", "owa": "text"},
    "mj-head": {},
    "mj-title": {},
    "mj-preview": {},
    "mj-attributes": {},
    "mj-raw": {},
    "mj-style": {},
    "mj-breakpoint": {"width": "px"},
    "mj-font": {"name": "text", "href": "url"},
    "mj-body": _COMMON | {"width": "px", "background-color": "colour"},
    "mj-wrapper": _SECTION,
    "mj-section": _SECTION,
    "mj-group": _COMMON
    | {
        "background-color": "colour",
        "direction": "ltr|rtl",
        "vertical-align": _VERTICAL,
        "width": "px-or-percent",
    },
    "mj-column": _COMMON | _PADDING | _ROUND | {
        **{f"inner-{name}": kind for name, kind in _ROUND.items()},
        **_of("colour", "background-color", "inner-background-color"),
        "direction": "ltr|rtl",
        "vertical-align": _VERTICAL,
        "width": "px-or-percent",
    },
    "mj-text": _AROUND | _FONT | {
        "align": f"{_THREE}|justify",
        "background-color": "colour",
        "height": "px-or-percent",
        "vertical-align": _VERTICAL,
    },
    "mj-button": _AROUND | _FONT | _ROUND | {
        "align": _THREE,
        "background-color": "colour",
        "height": "px-or-percent",
        "href": "url",
        "inner-padding": "box",
        **_of("text", "name", "title", "rel", "target"),
        "text-align": _THREE,
        "vertical-align": _VERTICAL,
        "width": "px-or-percent",
    },
    "mj-image": _AROUND | _ROUND | {
        "align": _THREE,
        "fluid-on-mobile": "true|false",
        "font-size": "px",
        "height": "px-or-auto",
        "max-height": "px-or-percent",
        "width": "px",
        **_of("text", "alt", "name", "title", "rel", "target", "usemap"),
        **_of("url", "href", "src", "srcset"),
    },
    "mj-divider": _AROUND | {
        "align": _THREE,
        "border-color": "colour",
        "border-style": "css",
        "border-width": "px",
        "width": "px-or-percent",
    },
    "mj-spacer": _AROUND | _BORDER | {"height": "px-or-percent"},
    "mj-table": _AROUND | {
        **{name: _FONT[name] for name in ("color", "font-family", "font-size", "font-weight")},
        "align": _THREE,
        "border": "border",
        "cellpadding": "whole",
        "cellspacing": "whole",
        "line-height": "line-height",
        "table-layout": "auto|fixed|initial|inherit",
        "vertical-align": _VERTICAL,
        "width": "width",
    },
    "mj-hero": _COMMON | _PADDING | {
        **{f"inner-{name}": kind for name, kind in _PADDING.items()},
        **_of("colour", "background-color", "inner-background-color"),
        **_of("px-or-percent", "height", "background-width", "background-height"),
        "background-position": "css",
        "background-url": "url",
        "border-radius": "box",
        "mode": "fixed-height|fluid-height",
        "vertical-align": _VERTICAL,
    },
}  # fmt: skip
"""Every MJML element that a template may use, with the kinds of its attributes' values.

From the tables of MJML 4 and 5, less what mrml 6.0.1 drops or damages.
"""
_EVERY = {name: kind for kinds in ATTRIBUTES.values() for name, kind in kinds.items()}
ATTRIBUTES |= {"mj-all": _EVERY, "mj-class": _EVERY | {"name": "name"}}

_PARTS = ("mj-text", "mj-button", "mj-image", "mj-divider", "mj-spacer", "mj-table", "mj-raw")
CHILDREN: dict[str, frozenset[str]] = {
    "mjml": frozenset({"mj-head", "mj-body"}),
    "mj-head": frozenset(
        {
            "mj-title",
            "mj-preview",
            "mj-attributes",
            "mj-raw",
            "mj-style",
            "mj-breakpoint",
            "mj-font",
        }
    ),
    "mj-attributes": frozenset(ATTRIBUTES) - {"mj-body"},  # mrml heeds nothing that stands there
    "mj-body": frozenset({"mj-wrapper", "mj-section", "mj-hero", "mj-raw"}),
    "mj-wrapper": frozenset({"mj-section", "mj-hero", "mj-raw"}),
    "mj-section": frozenset({"mj-column", "mj-group", "mj-raw"}),
    "mj-group": frozenset({"mj-column", "mj-raw"}),
    "mj-column": frozenset(_PARTS),
    "mj-hero": frozenset(_PARTS),
}
"""What may stand right inside the elements that hold no text."""


def fits(kind: str, value: str) -> bool:
    """Whether a value, in which marks may stand for Jinja's, is of a kind."""
    if kind in ("text", "url", "css") or re.search(CONTROL, value):
        return True
    parts = value.split() if kind in ("box", "border") else [value]
    most = {"box": 4, "border": 3}.get(kind, 1)
    single = {"box": "px-or-percent", "border": "border-part"}.get(kind, kind)
    return 1 <= len(parts) <= most and all(_part_fits(single, part) for part in parts)


def _part_fits(kind: str, part: str) -> bool:
    if VALUE not in part:
        return _value_fits(kind, part)
    if "|" in kind or kind == "name":
        return True
    return any(_value_fits(kind, re.sub(f"{VALUE}+", trial, part)) for trial in _TRIALS)


def _value_fits(kind: str, value: str) -> bool:
    if kind == "colour":
        return tinycss2.color3.parse_color(value) is not None
    if kind == "border-part":
        return (
            value in _BORDER_STYLES
            or re.fullmatch(_PATTERNS["px"], value) is not None
            or tinycss2.color3.parse_color(value) is not None
        )
    return re.fullmatch(_PATTERNS.get(kind, kind), value) is not None
