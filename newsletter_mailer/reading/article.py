"""An article's file becomes an Article, or all of its mistakes at once."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from newsletter_mailer.findings import Finding, Place, brief, errors_in
from newsletter_mailer.reading import blocks, forms, lists, tables
from newsletter_mailer.reading.agencies import Registry
from newsletter_mailer.reading.block_reader import BlockReader, DirectiveReader
from newsletter_mailer.reading.checked import checked
from newsletter_mailer.reading.document import (
    Article,
    Blocks,
    Cards,
    Compare,
    Heading,
    Inlines,
    Rule,
    inner_blocks,
)
from newsletter_mailer.reading.fields import fields_in
from newsletter_mailer.reading.headers import ArticleHead, one_line, one_or_many
from newsletter_mailer.reading.images import Images
from newsletter_mailer.reading.source import Source, read_source
from newsletter_mailer.reading.yaml_lines import Marked, read_yaml

BLOCK_READERS: Mapping[str, DirectiveReader] = {
    "actions": lists.read_actions,
    "button": blocks.read_button,
    "callout": blocks.read_callout,
    "cards": blocks.read_cards,
    "compare": blocks.read_compare,
    "contact": forms.read_contact,
    "event": forms.read_event,
    "facts": lists.read_facts,
    "figure": blocks.read_figure,
    "key-figures": tables.read_key_figures,
    "only": blocks.read_only,
    "quote": blocks.read_quote,
    "quotes": lists.read_quotes,
    "resources": forms.read_resources,
    "table": tables.read_table,
}
"""Every kind of block, and what reads it."""


class ArticleReader:
    """Reads the articles of one issue, whose titles and events must differ."""

    def __init__(
        self, folder: Path, shown: str, registry: Registry, findings: list[Finding]
    ) -> None:
        self.folder = folder
        self.shown = shown
        self.registry = registry
        self.findings = findings
        self.images = Images(folder)
        self.slugs: set[str] = set()
        self.titles: dict[str, Place] = {}

    def read(self, name: str) -> Article | None:
        """Read `articles/NAME.md`; None, with findings, where it cannot be used."""
        path = self.folder / "articles" / f"{name}.md"
        source = read_source(path, f"{self.shown}/articles/{name}.md", self.findings)
        return self._article(name, source) if source else None

    def _article(self, name: str, source: Source) -> Article | None:
        before = len(errors_in(self.findings))
        front, body, offset = _front_matter(source, self.findings)
        marked = (
            read_yaml(front, source, self.findings, first_line=2) if front is not None else None
        )
        head = checked(ArticleHead, marked, source, self.findings) if marked else None
        # Words and agencies are read from the raw values, so that a mistake in one key of
        # the front matter does not hide those in another.
        front_reader = _FrontReader(marked, source, self.registry, self.findings)
        title, summary = front_reader.words("title"), front_reader.words("summary")
        for_, first_for = front_reader.agencies("for"), front_reader.agencies("first_for")
        place = source.at(front_reader.line("title"))
        reader = BlockReader(
            source,
            offset,
            self.registry,
            self.images,
            BLOCK_READERS,
            self.findings,
            slugs=self.slugs,
        )
        read = reader.parse(body)
        check_headings(read, self.findings)
        if head is not None:
            self._check_title(head.title, place)
        if len(errors_in(self.findings)) == before and all(isinstance(b, Rule) for b in read):
            reader.report(
                source.at(offset),
                "empty-article",
                "an article without text",
                "some text below the front matter",
                "Write it, or take the article out of issue.yaml.",
            )
        if head is None:
            return None
        only_for = for_ if head.for_ is not None else None
        return Article(name, title, summary, only_for, first_for, read, place, head.read_button)

    def _check_title(self, title: str, place: Place) -> None:
        key = title.casefold()
        if key in self.titles:
            self.findings.append(
                Finding(
                    place,
                    "repeated-title",
                    f"the title {brief(title)!r}, as in {self.titles[key]}",
                    "titles that differ",
                    "Rename one of the two.",
                )
            )
        self.titles.setdefault(key, place)


class _FrontReader:
    """Reads single values of front matter, whatever the others are."""

    def __init__(
        self, marked: Marked | None, source: Source, registry: Registry, findings: list[Finding]
    ) -> None:
        self.values: dict[str, Any] = (
            marked.data if marked and isinstance(marked.data, dict) else {}
        )
        self.marked = marked
        self.source = source
        self.registry = registry
        self.findings = findings

    def line(self, *path: str | int) -> int:
        """The line of a value."""
        return self.marked.line(path) if self.marked else 1

    def words(self, key: str) -> Inlines:
        """Words with merge fields."""
        text = one_line(self.values.get(key))
        words = text.strip() if isinstance(text, str) else ""
        return fields_in(words, self.source.at(self.line(key)), self.findings)

    def agencies(self, key: str) -> frozenset[str]:
        """The agencies that a list, or words with commas between, addresses."""
        words = one_or_many(self.values.get(key))
        found: frozenset[str] = frozenset()
        for index, word in enumerate(words if isinstance(words, list) else ()):
            if isinstance(word, str) and word.strip():
                place = self.source.at(self.line(key, index))
                found |= self.registry.expand([word.strip()], place, self.findings)
        return found


def _front_matter(source: Source, findings: list[Finding]) -> tuple[str | None, str, int]:
    """The front matter, the text below it, and the number of lines before that text."""
    lines = source.text.split("\n")
    if lines[0].rstrip() != "---":
        findings.append(
            Finding(
                source.at(1),
                "no-front-matter",
                "no front matter",
                "`---` on the first line",
                "Begin the file with `---`, `title: …`, `---`.",
            )
        )
        return None, source.text, 0
    for index in range(1, len(lines)):
        if lines[index].rstrip() == "---":
            return "\n".join(lines[1:index]), "\n".join(lines[index + 1 :]), index + 1
    findings.append(
        Finding(
            source.at(1),
            "open-front-matter",
            "front matter that does not end",
            "`---` alone on a line",
            "Add it after the last key.",
        )
    )
    return None, "", 0


def check_headings(read: Blocks, findings: list[Finding], level: int = 1) -> None:
    """Headings begin at `##` and skip no level, as screen readers navigate by them.

    Those inside a block do not count for what follows it: not everyone sees `only`.
    """
    for block in read:
        if isinstance(block, Heading):
            if block.level > level + 1 or block.level == 1:
                findings.append(
                    Finding(
                        block.place,
                        "heading-level",
                        f"a heading of level {block.level} ({'#' * block.level})",
                        "## here" if level == 1 else f"## to {'#' * min(level + 1, 6)} here",
                        "Headings begin at ## and go down one level at a time.",
                    )
                )
            level = max(block.level, 2)
        elif not isinstance(block, Compare | Cards):  # their headings take the level that fits
            for inner in inner_blocks(block):
                check_headings(inner, findings, level)
