"""An issue's folder becomes an Issue, or all of its mistakes at once."""

import difflib
import re
from collections.abc import Collection, Sequence
from pathlib import Path

from newsletter_mailer.errors import IssueError, UsageError
from newsletter_mailer.findings import Finding, Place, Severity, brief, errors_in
from newsletter_mailer.reading.agencies import Registry
from newsletter_mailer.reading.article import ArticleReader
from newsletter_mailer.reading.checked import checked
from newsletter_mailer.reading.document import Article, Inlines, Issue
from newsletter_mailer.reading.fields import fields_in, refuse_fields
from newsletter_mailer.reading.headers import SLUG, IssueHead, one_line
from newsletter_mailer.reading.source import Source, read_source
from newsletter_mailer.reading.yaml_lines import Marked, read_yaml

ISSUE_FILE = "issue.yaml"

MOST_READ_BUTTONS = 20
"""In an issue. Each is a link of the reader's own, and SendGrid limits what may differ from
reader to reader."""


def find_issue(issues: Path, name: str) -> Path:
    """The folder of the issue that `name` names: a number, or a folder's name or path.

    Raises:
        UsageError: there is none, or more than one.
    """
    if re.fullmatch(r"[0-9]+", name):
        numbered = [
            folder
            for folder in sorted(issues.glob("*/"))
            if number_in(folder.name) == (name.lstrip("0") or "0")
        ]
        if len(numbered) > 1:
            found = " and ".join(folder.name for folder in numbered)
            raise UsageError(f"Issue {name} stands in {found}. Name the folder instead.")
        if numbered:
            return numbered[0]
    folder = Path(name) if "/" in name else issues / name
    if name not in {"", ".", ".."} and _is_folder(folder):
        return folder.resolve()
    present = ", ".join(sorted(entry.name for entry in issues.glob("*/"))) or "none"
    raise UsageError(f"There is no issue {brief(name)!r} in {issues}. Issues there: {present}.")


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:  # a name longer than any file's
        return False


def number_in(name: str) -> str | None:
    """The number with which a folder's name begins, without leading zeros."""
    match = re.match(r"0*([0-9]+)", name)
    return match[1] if match else None


def read_issue(
    folder: Path,
    registry: Registry,
    *,
    shown: str | None = None,
    waivable: Collection[str] | None = None,
) -> tuple[Issue, list[Finding]]:
    """Read an issue; also returns the warnings.

    `shown` is how findings name the folder. `waivable` names the rules that `waive:` may
    name; None takes any.

    Raises:
        IssueError: with every mistake in every file of the issue.
    """
    shown = shown or f"issues/{folder.name}"
    findings: list[Finding] = []
    issue = _read(folder, registry, shown, waivable, findings)
    if issue is None or errors_in(findings):
        raise IssueError(findings)
    return issue, sorted(findings)


def _read(
    folder: Path,
    registry: Registry,
    shown: str,
    waivable: Collection[str] | None,
    findings: list[Finding],
) -> Issue | None:
    source = read_source(folder / ISSUE_FILE, f"{shown}/{ISSUE_FILE}", findings)
    marked = read_yaml(source.text, source, findings) if source else None
    head = checked(IssueHead, marked, source, findings) if source and marked else None
    reader = ArticleReader(folder, shown, registry, findings)
    if source is None or marked is None:
        _read_unlisted(reader, set())
        return None
    # What can be read of a head with mistakes is looked over too.
    subject, preheader = (_words(key, marked, source, findings) for key in ("subject", "preheader"))
    for key in ("title", "season"):
        if isinstance(text := _value(marked, key), str):
            refuse_fields(one_line(text), source.at(marked.line((key,))), findings)
    if waivable is not None:
        _check_waivers(marked, source, waivable, findings)
    read = {name: reader.read(name) for name in _listed(marked, source, folder, findings)}
    if head is None:
        _read_unlisted(reader, set(read))
        return None
    _check_number(head, marked, source, folder, findings)
    _report_unlisted(folder, head, shown, findings)
    opening = read.pop(head.opening, None) if head.opening else None
    articles = tuple(article for article in read.values() if article)
    _check_read_buttons([each for each in (opening, *articles) if each], findings)
    return Issue(folder.name, head, subject, preheader, opening, articles, source.at(1))


def _value(marked: Marked, key: str) -> object:
    return marked.data.get(key) if isinstance(marked.data, dict) else None


def _check_waivers(
    marked: Marked, source: Source, waivable: Collection[str], findings: list[Finding]
) -> None:
    """A finding for each waiver of a rule that is not there or cannot be waived."""
    waivers = _value(marked, "waive")
    for index, waiver in enumerate(waivers if isinstance(waivers, list) else ()):
        rule = waiver.get("rule") if isinstance(waiver, dict) else None
        if not isinstance(rule, str) or not rule.strip() or rule.strip() in waivable:
            continue  # what is no text is reported already
        near = difflib.get_close_matches(rule.strip(), sorted(waivable), n=1)
        findings.append(
            Finding(
                source.at(marked.line(("waive", index, "rule"))),
                "unknown-rule",
                f"a waiver of {brief(rule)!r}, which is no rule that can be waived",
                f"one of {', '.join(sorted(waivable))}",
                f"Did you mean {near[0]}?"
                if near
                else "Take the waiver out, and mend what breaks the rule.",
            )
        )


def _words(key: str, marked: Marked, source: Source, findings: list[Finding]) -> Inlines:
    text = one_line(_value(marked, key))
    words = text.strip() if isinstance(text, str) else ""
    return fields_in(words, source.at(marked.line((key,))), findings)


def _listed(marked: Marked, source: Source, folder: Path, findings: list[Finding]) -> list[str]:
    """The articles that `opening` and `articles` name and that have a file, each once."""
    articles = _value(marked, "articles")
    named: list[tuple[object, tuple[str | int, ...]]] = [
        (_value(marked, "opening"), ("opening",)),
        *(
            (name, ("articles", index))
            for index, name in enumerate(articles if isinstance(articles, list) else ())
        ),
    ]
    present = sorted(path.stem for path in (folder / "articles").glob("*.md") if path.is_file())
    listed: list[str] = []
    for name, path in named:
        if not isinstance(name, str) or not re.search(SLUG, name):
            continue  # which is reported already
        place = source.at(marked.line(path))
        if name in listed:
            findings.append(
                Finding(
                    place,
                    "repeated-article",
                    f"the article {name} a second time",
                    "each article once",
                    "Take one out.",
                )
            )
        elif name in present:
            listed.append(name)
        else:
            findings.append(_missing(name, present, place))
    return listed


def _missing(name: str, present: list[str], place: Place) -> Finding:
    near = difflib.get_close_matches(name, present, n=1)
    return Finding(
        place,
        "missing-article",
        f"the article {brief(name)!r}, but no file articles/{brief(name)}.md",
        f"one of {', '.join(present)}" if present else "a file in articles/",
        f"Did you mean {near[0]}?" if near else "Write the file, or mend the name.",
    )


def _check_number(
    head: IssueHead, marked: Marked, source: Source, folder: Path, findings: list[Finding]
) -> None:
    number = number_in(folder.name)
    if number and number != str(head.number):
        findings.append(
            Finding(
                source.at(marked.line(("number",))),
                "number-differs",
                f"number {head.number} in the folder {folder.name}",
                f"{number}, as in the folder's name",
                "Change one of the two.",
            )
        )


def _check_read_buttons(articles: Sequence[Article], findings: list[Finding]) -> None:
    """A finding for the first article that asks too much of readers, and of a mail."""
    asking = [article for article in articles if article.read_button]
    if len(asking) > MOST_READ_BUTTONS:
        findings.append(
            Finding(
                asking[MOST_READ_BUTTONS].place,
                "read-buttons",
                f"{len(asking)} articles with read_button",
                f"at most {MOST_READ_BUTTONS} in an issue",
                "Ask only where the office must know that something was read.",
            )
        )


def _report_unlisted(folder: Path, head: IssueHead, shown: str, findings: list[Finding]) -> None:
    listed = {*head.articles, head.opening}
    findings.extend(
        Finding(
            Place(f"{shown}/articles/{path.name}"),
            "unlisted-article",
            "an article that issue.yaml does not list",
            mend="It is left out. List it, or take the file away.",
            severity=Severity.WARNING,
        )
        for path in sorted((folder / "articles").glob("*.md"))
        if path.stem not in listed
    )


def _read_unlisted(reader: ArticleReader, listed: set[str]) -> None:
    """Read the other articles too, so that their mistakes do not wait for `issue.yaml`."""
    for path in sorted((reader.folder / "articles").glob("*.md")):
        if path.stem not in listed:
            reader.read(path.stem)
