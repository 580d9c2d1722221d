"""Accessibility: what screen readers and people in a hurry need of every compiled mail.

The rules are those of WCAG 2.2 that can be told from the HTML alone; the criterion stands
beside each. Colours and sizes are looked at elsewhere.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from lxml import etree

from newsletter_mailer.checking.places import Places
from newsletter_mailer.compiling.email import CompiledEmail
from newsletter_mailer.compiling.merge import IMAGE
from newsletter_mailer.findings import Finding, Severity, brief
from newsletter_mailer.reading.document import Issue
from newsletter_mailer.settings import Settings

RULES = frozenset(
    {
        "mail-language",
        "mail-title",
        "mail-heading",
        "heading-skipped",
        "image-alt",
        "table-scope",
        "table-role",
        "link-empty",
        "link-vague",
        "link-bare-url",
        "link-ambiguous",
    }
)
"""Every rule of this module."""

VAGUE = frozenset(
    {
        "click", "click here", "continue", "details", "find out more", "follow this link", "go",
        "here", "info", "learn more", "link", "more", "more details", "more info",
        "more information", "page", "read more", "read on", "see here", "see more", "this",
        "this link", "this page", "this website", "visit", "web page", "webpage", "website",
    }
)  # fmt: skip
"""Link texts that say nothing when they are read alone, as screen readers list them."""

_HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")
_BARE_URL = re.compile(r"(?:https?://|www\.)\S+|[a-z0-9-]+(?:\.[a-z0-9-]+)+/\S*", re.IGNORECASE)


def accessibility(
    issue: Issue, emails: Sequence[CompiledEmail], settings: Settings
) -> list[Finding]:
    """What keeps some readers from reading or using a mail.

    Each mistake is one finding, however many variants show it; where not all do, it names
    their agencies. A mistake of a template is placed in that template.
    """
    places = Places(issue, settings)
    gathered: dict[Finding, set[str]] = {}
    for email in emails:
        for finding in _Mail(issue, email, places).findings():
            gathered.setdefault(finding, set()).update(email.agencies)
    everyone = {agency for email in emails for agency in email.agencies}
    return sorted(
        finding if agencies == everyone else _for_some(finding, agencies)
        for finding, agencies in gathered.items()
    )


def _for_some(finding: Finding, agencies: set[str]) -> Finding:
    return replace(finding, found=f"{finding.found} (for {', '.join(sorted(agencies))})")


@dataclass(frozen=True, slots=True)
class _Mail:
    """Looks one mail over."""

    issue: Issue
    email: CompiledEmail
    places: Places

    def findings(self) -> Iterator[Finding]:
        """Every finding in the mail."""
        root = etree.fromstring(str(self.email.html), etree.HTMLParser(huge_tree=True))
        yield from self._frame(root)
        yield from self._headings(list(root.iter(*_HEADINGS)))
        yield from self._images(root)
        yield from self._tables(root)
        yield from self._links(root)

    def _frame(self, root: etree._Element) -> Iterator[Finding]:
        """WCAG 3.1.1, language of page, and 2.4.2, page titled."""
        language = root.get("lang") or ""
        if language != self.issue.head.language:
            yield Finding(
                self.places.template("<mjml"),
                "mail-language",
                f"a mail whose language is {language!r}" if language else "a mail without language",
                f"{self.issue.head.language!r}, as in issue.yaml",
                'Write <mjml lang="{{ head.language|attr }}">: '
                "a screen reader chooses its voice by it.",
            )
        if not _words(root.find("head/title")):
            yield Finding(
                self.places.template("<mj-title"),
                "mail-title",
                "a mail without title",
                "<mj-title>{{ title|attr }}</mj-title>",
                "Write it: it is the first thing that a screen reader says.",
            )

    def _headings(self, headings: list[etree._Element]) -> Iterator[Finding]:
        """WCAG 1.3.1, info and relationships: headings are how many readers find their way."""
        first = [heading for heading in headings if heading.tag == "h1"]
        if len(first) != 1:
            yield Finding(
                self.places.template("<h1"),
                "mail-heading",
                f"{len(first)} headings of the first level" if first else "no h1 in the mail",
                "one h1, the newsletter's title",
                "Leave one in masthead.html.",
            )
        for before, heading in pairwise(headings):
            level, above = int(str(heading.tag)[1]), int(str(before.tag)[1])
            if level > above + 1:
                yield Finding(
                    self.places.heading(_words(heading)),
                    "heading-skipped",
                    f"the heading {brief(_words(heading))!r} of level {level} right after one of "
                    f"level {above}",
                    f"a level of at most {above + 1}",
                    "Give it the next level, or put the heading in between outside `only`.",
                )

    def _images(self, root: etree._Element) -> Iterator[Finding]:
        """WCAG 1.1.1, non-text content. No picture of this newsletter is decoration."""
        for image in root.iter("img"):
            if not (image.get("alt") or "").strip():
                name = (image.get("src") or "").strip("{}").removeprefix(IMAGE)
                yield Finding(
                    self.places.figures.get(name)
                    or self.places.template(
                        re.escape(f'src="{image.get("src")}"'), "<img", "<mj-image"
                    ),
                    "image-alt",
                    f"the picture {brief(name)!r} without alternative text",
                    'alt="…" that says what it shows',
                    "Write it, for readers who see no pictures.",
                )

    def _tables(self, root: etree._Element) -> Iterator[Finding]:
        """WCAG 1.3.1: a table of data has headings, and one for layout says that it is none."""
        headings: dict[etree._Element, list[etree._Element]] = {}
        for cell in root.iter("th"):
            around = next(cell.iterancestors("table"), None)
            if around is not None:
                headings.setdefault(around, []).append(cell)
        for table in root.iter("table"):
            look = table.get("class") or ""
            is_layout = table.get("role") in ("presentation", "none")
            cells = headings.get(table, [])
            if bool(cells) == is_layout:
                mark = f'(?=[^>]*class="{re.escape(look)}")' if look else ""
                tag = (
                    f"<table{mark}(?:[^>]*role=.*<th)"
                    if is_layout
                    else f"<table{mark}(?![^>]*role=)"
                )
                yield Finding(
                    self.places.template(tag),
                    "table-role",
                    f"a table of class {look!r} "
                    + (
                        "with headings and the role of layout"
                        if is_layout
                        else "without headings and without a role"
                    ),
                    "<th> in a table of data, or role=presentation on one for layout",
                    "Take the role out." if is_layout else 'Add role="presentation" to the table.',
                )
            for cell in cells:
                if cell.get("scope") not in ("col", "row", "colgroup", "rowgroup"):
                    yield Finding(
                        self.places.template("<th"),
                        "table-scope",
                        f"the table heading {brief(_words(cell))!r} without scope",
                        'scope="col" or scope="row"',
                        "Say which cells it heads.",
                    )

    def _links(self, root: etree._Element) -> Iterator[Finding]:
        """WCAG 2.4.4, link purpose, and 2.4.9, which also asks that it shows without context."""
        targets: dict[str, str] = {}
        for link in root.iter("a"):
            target = link.get("href")
            if target is None:
                continue
            words = _words(link)
            yield from self._link(target, words)
            key = words.casefold()
            first = targets.setdefault(key, target)
            if key and first.rstrip("/") != target.rstrip("/"):
                one, other = sorted((first, target))  # however the articles are ordered
                yield Finding(
                    self.places.link(other, words),
                    "link-ambiguous",
                    f"the link {brief(words)!r} to {brief(other)}, and one with the same words "
                    f"to {brief(one)}",
                    "the same words for the same target only",
                    "Say in the words where each of the two leads.",
                    Severity.WARNING,
                )

    def _link(self, target: str, words: str) -> Iterator[Finding]:
        """What is wrong with a link by itself."""
        bare = re.sub(r"[\s.,:;!?…»›→>]+$", "", re.sub(r"^[\s«‹→>]+", "", words)).casefold()
        if not words:
            yield Finding(
                self.places.link(target, words),
                "link-empty",
                f"a link to {brief(target)} without words",
                "words that say where it leads",
                "Write them: a screen reader has nothing to say.",
            )
        elif len(bare) <= 1 or bare in VAGUE:
            yield Finding(
                self.places.link(target, words),
                "link-vague",
                f"the link {brief(words)!r} to {brief(target)}",
                "words that say by themselves where it leads",
                "Name the page or the file: screen readers list links without what is around them.",
            )
        elif _BARE_URL.fullmatch(words):
            yield Finding(
                self.places.link(target, words),
                "link-bare-url",
                f"the address {brief(words)!r} as the words of a link",
                "the name of what is there",
                "Write [words](address): a screen reader spells an address letter by letter.",
                Severity.WARNING,
            )


def _words(element: etree._Element | None) -> str:
    """What an element says: its text, its pictures' alternatives, or its label."""
    if element is None:
        return ""
    label = element.get("aria-label")
    if label and label.strip():
        return label.strip()
    parts = [element.text or ""]
    for inner in element.iterdescendants():
        if inner.tag == "img":
            parts.append(inner.get("alt") or "")
        elif isinstance(inner.tag, str):
            parts.append(" " if inner.tag == "br" else inner.text or "")
        parts.append(inner.tail or "")
    return " ".join("".join(parts).split())
