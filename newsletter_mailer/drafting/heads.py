"""The heads of an issue and its articles as text: YAML that people can go on writing."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from newsletter_mailer.findings import Finding
from newsletter_mailer.reading.source import Source, read_source
from newsletter_mailer.reading.yaml_lines import read_yaml

_PLAIN = re.compile(r"[A-Za-z][^\n\"\\#:{}\[\],&*!|>'%@`]*[A-Za-z0-9.!?)]|[A-Za-z]")
_WORDS_OF_YAML = frozenset({"true", "false", "yes", "no", "on", "off", "null", "y", "n"})
_LIST_KEY = re.compile(r"articles[ \t]*:[ \t]*(?P<flow>\[)?(?P<rest>.*)$")
_ITEM = re.compile(r"(?P<indent>[ \t]*)-[ \t]+\S")


def scalar(words: str) -> str:
    """Words as a YAML value on one line, in quotes where they need them."""
    words = " ".join(words.split())
    if _PLAIN.fullmatch(words) and words.casefold() not in _WORDS_OF_YAML:
        return words
    return '"' + words.replace("\\", "\\\\").replace('"', '\\"') + '"'


@dataclass(frozen=True, slots=True)
class Head:
    """What is known of a new issue: the rest is left for whoever edits it."""

    number: int
    title: str
    subject: str
    preheader: str
    language: str
    opening: str
    articles: Sequence[str]


def issue_head(head: Head, draft: str) -> str:
    """The text of `issue.yaml`. The date is left open, and `check` asks for it."""
    opening = (
        f"\n# Stands first, under the greeting, and is not in the contents list.\n"
        f"opening: {head.opening}\n"
        if head.opening
        else ""
    )
    articles = "".join(f"  - {name}\n" for name in head.articles)
    return (
        f"# Made from {' '.join(draft.split())}. docs/issue-format.md explains every key.\n"
        f"number: {head.number}\n"
        f"title: {scalar(head.title)}\n"
        "\n"
        "# Still to write: the day on the masthead, such as 2019-01-31.\n"
        "date:\n"
        "\n"
        "# Suggestions from the draft's headings: what is new, in the words of a reader.\n"
        f"subject: {scalar(head.subject)}\n"
        f"preheader: {scalar(head.preheader)}\n"
        f"language: {head.language}\n"
        f"{opening}"
        "\n"
        "# The order of the articles: file names in articles/ without .md.\n"
        f"articles:\n{articles}"
    )


def article_head(title: str, summary: str) -> str:
    """The front matter of an article that everyone gets."""
    line = f"summary: {scalar(summary)}\n" if summary else ""
    todo = "" if summary else "# summary: One sentence for the contents list.\n"
    return (
        f"---\ntitle: {scalar(title)}\n{line}{todo}"
        "# for: [gp, ccg]             only these agencies get the article\n"
        "# first_for: [schools]       for these it moves to the front\n"
        "# read_button: true          readers can say below it that they have read it\n"
        "---\n"
    )


def with_articles(text: str, names: Iterable[str]) -> str | None:
    """The text of an `issue.yaml` with more articles at the end of its list.

    All else, comments too, stays as it is. None where it is written in a way that this
    cannot be told for sure; the list must then be changed by hand.
    """
    before = _articles(text)
    new = [name for name in dict.fromkeys(names) if name not in (before or ())]
    if not new:
        return text
    made = _appended(text, new)
    if made is None or before is None or _articles(made) != [*before, *new]:
        return None
    return made


def _articles(text: str) -> list[str] | None:
    """The articles that a text lists; None where they cannot be read."""
    findings: list[Finding] = []
    marked = read_yaml(text, Source("", text), findings)
    data = marked.data if marked and not findings else None
    found = data.get("articles") if isinstance(data, dict) else None
    if found in (None, ""):
        return [] if isinstance(data, dict) else None
    return [str(each) for each in found] if isinstance(found, list) else None


def _appended(text: str, names: Sequence[str]) -> str | None:
    lines = text.split("\n")
    at = next((n for n, line in enumerate(lines) if _LIST_KEY.match(line)), None)
    if at is None:
        items = "".join(f"  - {name}\n" for name in names)
        return f"{text.rstrip()}\n\narticles:\n{items}"
    key = _LIST_KEY.match(lines[at])
    if key and key["flow"]:
        head, bracket, tail = lines[at].rpartition("]")
        inner = head.rstrip().rstrip(",")
        gap = "" if inner.endswith("[") else ", "
        lines[at] = f"{inner}{gap}{', '.join(names)}{bracket}{tail}"
        return "\n".join(lines) if bracket else None
    last, indent = at, "  "
    for number in range(at + 1, len(lines)):
        item = _ITEM.match(lines[number])
        if item:
            last, indent = number, item["indent"]
        elif lines[number].strip() and not lines[number].lstrip().startswith("#"):
            break
    lines[last + 1 : last + 1] = [f"{indent}- {name}" for name in names]
    return "\n".join(lines)


def with_value(text: str, key: str, value: str) -> str:
    """The text of an `issue.yaml` with another value for a key on one line of its own."""
    line = f"{key}: {scalar(value)}"
    changed, number = re.subn(
        rf"^{re.escape(key)}[ \t]*:.*$", lambda _: line, text, count=1, flags=re.MULTILINE
    )
    return changed if number else f"{text.rstrip()}\n{line}\n"


def words_in(file: Path) -> dict[str, str]:
    """The words that an `issue.yaml` has for its keys; none where it cannot be read."""
    findings: list[Finding] = []
    source = read_source(file, file.name, findings)
    marked = read_yaml(source.text, source, findings) if source else None
    data = marked.data if marked else None
    return {
        str(key): value.strip()
        for key, value in (data.items() if isinstance(data, dict) else ())
        if isinstance(value, str) and value.strip()
    }
