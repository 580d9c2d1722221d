"""Features in use: what HTML and CSS a finished mail holds, by Can I email's short names.

What stands in Outlook's conditional comments is a comment to all other programs, and is
not looked at.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache

from lxml import etree


@dataclass(slots=True)
class Used:
    """The features in use, each with a pattern that finds it in a template."""

    features: dict[str, str] = field(default_factory=dict)

    def add(self, slug: str, pattern: str) -> None:
        """Note that a feature is used; the first pattern for it is kept."""
        self.features.setdefault(slug, pattern)


def used_in(pages: Iterable[str]) -> Used:
    """The features that pages use. What pages share is looked at once."""
    elements: set[tuple[str, tuple[tuple[str, str], ...]]] = set()
    sheets: set[str] = set()
    for page in pages:
        root = etree.fromstring(page.encode("utf-8", "replace"), _parser())
        for element in root.iter(etree.Element):
            items = element.items()
            elements.add((str(element.tag), tuple((str(k), str(v)) for k, v in items)))
            if element.tag == "style":
                media = element.get("media")
                css = element.text or ""
                sheets.add(f"@media {media} {{{css}}}" if media else css)
    used = Used()
    styles: set[str] = set()
    for tag, attributes in sorted(elements):
        _element(tag, dict(attributes), used)
        styles |= {value for name, value in attributes if name == "style"}
    for style in sorted(styles):
        _declarations(style, used)
    for sheet in sorted(sheets):
        _sheet(sheet, used)
    return used


def _parser() -> etree.HTMLParser:
    return etree.HTMLParser(encoding="utf-8", huge_tree=True, remove_comments=True)


_SEVERAL = {
    **dict.fromkeys(("h1", "h2", "h3", "h4", "h5", "h6"), "html-h1-h6"),
    **dict.fromkeys(("ul", "ol", "dl"), "html-lists"),
    **dict.fromkeys(("map", "area"), "html-image-maps"),
    **dict.fromkeys(
        (
            *("article", "aside", "details", "figcaption", "figure", "footer", "header", "main"),
            *("mark", "nav", "section", "summary", "time"),
        ),
        "html-semantics",
    ),
}
"""Elements that Can I email lists together."""

_ATTRIBUTES = {"srcset": "html-srcset", "sizes": "html-srcset", "loading": "html-loading-attribute"}
_NAMES_OF_BOTH = frozenset({"body", "code", "form", "object", "table", "video", "style", "link"})
_IMAGES = {"jpeg": "image-jpg", "jpg": "image-jpg", "heic": "image-heif", "tif": "image-tiff"}


def _element(tag: str, attributes: Mapping[str, str], used: Used) -> None:
    start = rf"<{re.escape(tag)}\b"
    used.add(_SEVERAL.get(tag, f"html-{tag}"), start)
    if tag in {"input", "button"} and "type" in attributes:
        used.add(f"html-{tag}-{attributes['type'].lower()}", start)
    for name, value in attributes.items():
        pattern = rf"\b{re.escape(name)}\s*="
        if name not in _NAMES_OF_BOTH:
            used.add(_ATTRIBUTES.get(name, f"html-{name}"), pattern)
        if name in {"href", "src", "srcset", "background"}:
            _address(name, value.strip().lower(), pattern, used)
    if tag == "meta" and attributes.get("name") == "color-scheme":
        used.add("html-meta-color-scheme", r'name="color-scheme"')


def _address(name: str, value: str, pattern: str, used: Used) -> None:
    if name == "href":
        if value.startswith("#"):
            used.add("html-anchor-links", r'href="#')
        elif value.startswith("mailto:"):
            used.add("html-mailto-links", r'href="mailto:')
        return
    if value.startswith("data:"):
        used.add("image-base64", r"\bdata:image")
    ending = re.search(r"\.([a-z0-9]+)\b(?:\}\})?(?:[?#]|$)", value)
    if ending:
        used.add(_IMAGES.get(ending[1], f"image-{ending[1]}"), pattern)


# Which features CSS uses

_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_STRING = re.compile(r"\"[^\"\n]*\"|'[^'\n]*'|url\([^)]*\)", re.IGNORECASE)
_UNIT = re.compile(
    r"(?<![\w#-])[+-]?(?:\d+\.?\d*|\.\d+)(%|ch|cm|em|ex|in|mm|pc|pt|px|rem|vh|vmax|vmin|vw)(?![\w])"
)
_FUNCTION = re.compile(r"(?<![\w-])([a-z-]+)\(")
_FUNCTIONS = {
    "calc": "css-unit-calc",
    "var": "css-variables",
    "rgb": "css-rgb",
    "rgba": "css-rgba",
    **{name: f"css-{name}" for name in ("linear-gradient", "radial-gradient", "conic-gradient")},
    **{name: f"css-function-{name}" for name in ("clamp", "light-dark", "max", "min")},
    **dict.fromkeys(("lch", "oklch", "lab", "oklab"), "css-modern-color"),
}
_INTRINSIC = re.compile(r"(?<![\w-])(?:fit|min|max)-content\b")
_GROUPS = (
    (r"border-(?:start|end)-(?:start|end)-radius", "css-border-radius-logical"),
    (r"border-(?:top|bottom)-(?:left|right)-radius", "css-border-radius"),
    (r"border-image-.*", "css-border-image"),
    (r"border-(?:top|right|bottom|left|width|style|color).*", "css-border"),
    (r"(?:column|row)-gap|grid-gap", "css-gap"),
    (r"left|right|top|bottom", "css-left-right-top-bottom"),
    (r"block-size|inline-size", "css-block-inline-size"),
    (r"grid-template-.*", "css-grid-template"),
    (r"(margin|padding)-(?:top|right|bottom|left)", r"css-\1"),
    (r"(margin|padding)-(?:inline|block)", r"css-\1-inline-block"),
    (r"(margin)-(inline|block)-(?:start|end)", r"css-\1-\2-start-end"),
    (r"(padding)-(?:inline|block)-(?:start|end)", r"css-\1-block-start-end"),
    (r"overflow-[xy]", "css-overflow"),
    (r"outline-(?:color|style|width)", "css-outline"),
    (r"(animation|transition)-.*", r"css-\1"),
    (r"columns|column-(?:fill|rule|span|width).*", "css-column-layout-properties"),
    (r"scroll-snap-.*", "css-scroll-snap"),
    (r"(mask)(?:-.*)?", r"css-mask-image"),
)
"""Properties that Can I email lists together, and under which name."""


@cache
def _property(name: str) -> str:
    """The short name of a property; one that Can I email does not list is harmless here."""
    for pattern, slug in _GROUPS:
        if match := re.fullmatch(pattern, name):
            return match.expand(slug)
    return f"css-{name}"


def _declarations(css: str, used: Used) -> None:
    """Note what declarations such as `color: red; margin: 0` use."""
    for part in _STRING.sub("''", _COMMENT.sub("", css)).split(";"):
        name, colon, value = part.partition(":")
        name, value = name.strip().lower(), value.strip().lower()
        if not colon or not name:
            continue
        where = rf"(?<![\w-]){re.escape(name)}\s*[:=]"
        if name.startswith("--"):
            used.add("css-variables", re.escape(name))
            continue
        used.add(_property(name), where)
        _value(name, value, where, used)


def _value(name: str, value: str, where: str, used: Used) -> None:
    if name == "display":
        for words, slug in (
            ("flex", "css-display-flex"),
            ("grid", "css-display-grid"),
            ("none", "css-display-none"),
        ):
            if re.search(rf"\b{words}\b", value):
                used.add(slug, rf"{where}\s*\"?[a-z-]*{words}")
    if "!important" in value:
        used.add("css-important", "!important")
    if re.search(r"\binitial\b", value):
        used.add("css-unit-initial", rf"{where}.*\binitial\b")
    if _INTRINSIC.search(value):
        used.add("css-intrinsic-size", _INTRINSIC.pattern)
    if name.startswith("font") and re.search(r"(?<![\w-])(?:system-ui|ui-[a-z-]+)", value):
        used.add("css-sytem-ui", r"(?<![\w-])(?:system-ui|ui-[a-z-]+)")
    for function in _FUNCTION.findall(value):
        known = _FUNCTIONS.get(function)
        if known:
            used.add(known, rf"(?<![\w-]){function}\(")
    for unit in _UNIT.findall(value):
        used.add("css-unit-percent" if unit == "%" else f"css-unit-{unit}", rf"\d{unit}(?!\w)")


_NEXT = re.compile(r"[;{}]")


def _sheet(css: str, used: Used, *, nested: bool = False) -> None:
    """Note what a style sheet uses: its at-rules, selectors and declarations."""
    for head, body in _rules(_STRING.sub("''", _COMMENT.sub("", css))):
        if head.startswith("@"):
            _at_rule(head.lower(), used)
            if body is not None and re.match(r"@(?:media|supports|layer|document)\b", head):
                _sheet(body, used)
            elif body is not None and not head.startswith("@keyframes"):
                _declarations(body, used)
        elif body is None:
            if nested:
                _declarations(head, used)
        else:
            _selector(head, used)
            if nested:
                used.add("css-nesting", re.escape(head))
            if "{" in body:
                _sheet(body, used, nested=True)
            else:
                _declarations(body, used)


def _rules(css: str) -> Iterator[tuple[str, str | None]]:
    """The rules of a sheet: what stands before each brace, and what stands in the braces.

    A statement that ends in a semicolon has None for the latter.
    """
    at = 0
    while sign := _NEXT.search(css, at):
        head = css[at : sign.start()].strip()
        at = sign.end()
        if sign[0] == "{":
            end = _closing(css, at)
            yield head, css[at:end]
            at = end + 1
        elif head:
            yield head, None
    rest = css[at:].strip()
    if rest:
        yield rest, None


def _closing(css: str, at: int) -> int:
    """Where the brace ends that was opened before `at`."""
    depth = 1
    for match in re.compile(r"[{}]").finditer(css, at):
        depth += 1 if match[0] == "{" else -1
        if not depth:
            return match.start()
    return len(css)


_MEDIA = {
    "prefers-color-scheme": "prefers-color-scheme",
    "prefers-reduced-motion": "prefers-reduced-motion",
    "orientation": "orientation",
    "hover": "hover",
    "any-hover": "hover",
    "-webkit-device-pixel-ratio": "device-pixel-ratio",
    "-webkit-min-device-pixel-ratio": "device-pixel-ratio",
    "-webkit-max-device-pixel-ratio": "device-pixel-ratio",
}


def _at_rule(head: str, used: Used) -> None:
    name = re.match(r"@([a-z-]+)", head)
    if name is None:
        return
    used.add(f"css-at-{name[1].removeprefix('-webkit-')}", rf"@{name[1]}\b")
    if name[1] == "media":
        for feature in re.findall(r"\(\s*([a-z-]+)", head):
            if feature in _MEDIA:
                used.add(f"css-at-media-{_MEDIA[feature]}", re.escape(feature))


_COMBINED = {
    "child": r">",
    "adjacent-sibling": r"\+",
    "general-sibling": r"~(?!=)",
    "attribute": r"\[[^\]]*\]",
    "class": r"\.[a-z_-]",
    "id": r"#[a-z_-]",
    "universal": r"(?<![\w|\]])\*(?!=)",
    "grouping": r",",
    "descendant": r"[\w\])*]\s+[\w.#\[:*]",
    "chaining": r"\.[\w-]+(?=[.#])",
    "type": r"(?:^|[\s>+~,])[a-z]",
}


def _selector(text: str, used: Used) -> None:
    text = text.lower()
    line = re.escape(text.split(",")[0].strip())
    for name, pattern in _COMBINED.items():
        if re.search(pattern, text):
            used.add(f"css-selector-{name}", line)
    for colons, name in re.findall(r"(::?)([a-z-]+)", text):
        old = name in {"after", "before", "first-letter", "first-line"}
        kind = "element" if colons == "::" or old else "class"
        used.add(f"css-pseudo-{kind}-{name}", rf":{name}\b")
