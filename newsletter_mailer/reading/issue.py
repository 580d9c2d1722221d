"""An issue's folder becomes an Issue, or all of its mistakes at once."""

import re
from collections.abc import Mapping
from pathlib import Path

from newsletter_mailer.errors import IssueError, UsageError
from newsletter_mailer.findings import Finding, Place, errors_in
from newsletter_mailer.reading import blocks, forms
from newsletter_mailer.reading.agencies import Registry
from newsletter_mailer.reading.document import Article, Blocks, Heading, Inlines, Issue
from newsletter_mailer.reading.headers import ArticleHead, IssueHead, checked
from newsletter_mailer.reading.images import Images
from newsletter_mailer.reading.inline import fields_in
from newsletter_mailer.reading.markdown import BlockReader, DirectiveReader
from newsletter_mailer.reading.source import Source, read_source
from newsletter_mailer.reading.yaml_lines import Marked, read_yaml

ISSUE_FILE = "issue.yaml"

BLOCK_READERS: Mapping[str, DirectiveReader] = {
    "actions": blocks.read_actions,
    "button": blocks.read_button,
    "callout": blocks.read_callout,
    "cards": blocks.read_cards,
    "compare": blocks.read_compare,
    "contact": forms.read_contact,
    "event": forms.read_event,
    "facts": blocks.read_facts,
    "figure": blocks.read_figure,
    "key-figures": blocks.read_key_figures,
    "only": blocks.read_only,
    "quote": blocks.read_quote,
    "quotes": blocks.read_quotes,
    "resources": forms.read_resources,
    "table": blocks.read_table,
}
"""Every kind of block, and what reads it."""


def find_issue(issues: Path, name: str) -> Path:
    """The folder of the issue that `name` names: a number, or a folder's name or path.

    Raises:
        UsageError: there is none, or more than one.
    """
    if name.isdigit():
        numbered = [
            folder
            for folder in sorted(issues.glob("*/"))
            if (match := re.match(r"0*(\d+)(?:\D|$)", folder.name)) and match[1] == str(int(name))
        ]
        if len(numbered) > 1:
            found = " and ".join(folder.name for folder in numbered)
            raise UsageError(f"Issue {name} stands in {found}. Name the folder instead.")
        if numbered:
            return numbered[0]
    folder = Path(name) if "/" in name else issues / name
    if name not in {"", ".", ".."} and folder.is_dir():
        return folder.resolve()
    present = ", ".join(sorted(entry.name for entry in issues.glob("*/"))) or "none"
    raise UsageError(f"There is no issue {name!r} in {issues}. Issues there: {present}.")


def read_issue(
    folder: Path, registry: Registry, *, shown: str | None = None
) -> tuple[Issue, list[Finding]]:
    """Read an issue; also returns the warnings.

    `shown` is how findings name the folder.

    Raises:
        IssueError: with every mistake in every file of the issue.
    """
    shown = shown or f"issues/{folder.name}"
    findings: list[Finding] = []
    issue = _read(folder, registry, shown, findings)
    if issue is None or errors_in(findings):
        raise IssueError(findings)
    return issue, findings


def _read(folder: Path, registry: Registry, shown: str, findings: list[Finding]) -> Issue | None:
    source = read_source(folder / ISSUE_FILE, f"{shown}/{ISSUE_FILE}", findings)
    marked = read_yaml(source.text, source, findings) if source else None
    head = checked(IssueHead, marked, source, findings) if source and marked else None
    if source is None or marked is None or head is None:
        _read_loose_articles(folder, registry, shown, findings)
        return None
    _check_head(head, marked, source, folder, findings)
    reader = _ArticleReader(folder, shown, registry, findings)
    opening = (
        reader.read(head.opening, source.at(marked.line(("opening",)))) if head.opening else None
    )
    articles = [
        reader.read(name, source.at(marked.line(("articles", index))))
        for index, name in enumerate(head.articles)
    ]
    _report_unlisted(folder, head, shown, findings)
    return Issue(
        folder.name,
        head,
        fields_in(head.subject, source.at(marked.line(("subject",))), findings),
        fields_in(head.preheader, source.at(marked.line(("preheader",))), findings),
        opening,
        tuple(article for article in articles if article),
        source.at(1),
    )


def _check_head(
    head: IssueHead, marked: Marked, source: Source, folder: Path, findings: list[Finding]
) -> None:
    number = re.match(r"0*(\d+)(?:\D|$)", folder.name)
    if number and int(number[1]) != head.number:
        findings.append(
            Finding(
                source.at(marked.line(("number",))),
                "number-differs",
                f"number {head.number} in the folder {folder.name}",
                f"{int(number[1])}, as in the folder's name",
                "Change one of the two.",
            )
        )
    for key, value in (("title", head.title), ("season", head.season or "")):
        fields_in(value, source.at(marked.line((key,))), findings, fields=False)
    seen: set[str] = set()
    for index, name in enumerate(head.articles):
        if name in seen or name == head.opening:
            findings.append(
                Finding(
                    source.at(marked.line(("articles", index))),
                    "repeated-article",
                    f"the article {name} a second time",
                    "each article once",
                    "Take one out.",
                )
            )
        seen.add(name)


class _ArticleReader:
    """Reads the articles of one issue, whose titles must differ."""

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

    def read(self, name: str, listed_at: Place) -> Article | None:
        """Read `articles/NAME.md`."""
        path = self.folder / "articles" / f"{name}.md"
        shown = f"{self.shown}/articles/{name}.md"
        if not path.is_file():
            present = ", ".join(sorted(p.stem for p in (self.folder / "articles").glob("*.md")))
            self.findings.append(
                Finding(
                    listed_at,
                    "missing-article",
                    f"the article {name}, but no file {shown}",
                    f"one of {present}" if present else "a file in articles/",
                    "Write the file, or mend the name.",
                )
            )
            return None
        source = read_source(path, shown, self.findings)
        return self._article(name, source) if source else None

    def _article(self, name: str, source: Source) -> Article | None:
        front = _front_matter(source, self.findings)
        if front is None:
            return None
        front_text, body, offset = front
        marked = read_yaml(front_text, source, self.findings, first_line=2)
        head = checked(ArticleHead, marked, source, self.findings) if marked else None
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
        _check_headings(read, self.findings)
        if head is None or marked is None:
            return None
        place = source.at(marked.line(("title",)))
        if head.title.casefold() in self.titles:
            reader.report(
                place,
                "repeated-title",
                f"the title {head.title!r}, as in {self.titles[head.title.casefold()]}",
                "titles that differ",
                "Rename one of the two.",
            )
        self.titles[head.title.casefold()] = place
        if not read:
            reader.report(
                source.at(offset + 1),
                "empty-article",
                "an article without text",
                "some text below the front matter",
            )

        def agencies(key: str, words: tuple[str, ...] | None) -> frozenset[str]:
            return self.registry.expand(words or (), source.at(marked.line((key,))), self.findings)

        def words(key: str, text: str | None) -> Inlines:
            return fields_in(text or "", source.at(marked.line((key,))), self.findings)

        only_for = agencies("for", head.for_) if head.for_ is not None else None
        return Article(
            name,
            words("title", head.title),
            words("summary", head.summary),
            only_for,
            agencies("first_for", head.first_for),
            read,
            place,
        )


def _front_matter(source: Source, findings: list[Finding]) -> tuple[str, str, int] | None:
    """The front matter, the text below it, and the line count before that text."""
    lines = source.text.split("\n")
    if not lines or lines[0].rstrip() != "---":
        findings.append(
            Finding(
                source.at(1),
                "no-front-matter",
                "no front matter",
                "`---` on the first line",
                "Begin the file with `---`, `title: …`, `---`.",
            )
        )
        return None
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
    return None


def _check_headings(read: Blocks, findings: list[Finding]) -> None:
    """Headings begin at `##` and skip no level, as screen readers navigate by them."""
    level = 1
    for block in read:
        inner = (block,) if isinstance(block, Heading) else ()
        for heading in inner:
            if heading.level > level + 1 or heading.level == 1:
                findings.append(
                    Finding(
                        heading.place,
                        "heading-level",
                        f"a heading of level {heading.level} ({'#' * heading.level})",
                        f"at most {'#' * (level + 1)}, and not #",
                        "Headings begin at ## and go down one level at a time.",
                    )
                )
            level = max(heading.level, 2)


def _report_unlisted(folder: Path, head: IssueHead, shown: str, findings: list[Finding]) -> None:
    from newsletter_mailer.findings import Severity

    listed = {*head.articles, head.opening}
    for path in sorted((folder / "articles").glob("*.md")):
        if path.stem not in listed:
            findings.append(
                Finding(
                    Place(f"{shown}/articles/{path.name}"),
                    "unlisted-article",
                    "an article that issue.yaml does not list",
                    mend="It is left out. List it, or take the file away.",
                    severity=Severity.WARNING,
                )
            )


def _read_loose_articles(
    folder: Path, registry: Registry, shown: str, findings: list[Finding]
) -> None:
    """Report the articles' mistakes even where `issue.yaml` cannot be read."""
    reader = _ArticleReader(folder, shown, registry, findings)
    for path in sorted((folder / "articles").glob("*.md")):
        reader.read(path.stem, Place(f"{shown}/{ISSUE_FILE}"))
