"""A new issue's folder, with commented files to change."""

import datetime as dt
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from string import Template

from newsletter_mailer.drafting.heads import scalar, with_articles, with_value
from newsletter_mailer.errors import UsageError
from newsletter_mailer.reading.document import Figure, Issue, walk
from newsletter_mailer.reading.issue import ISSUE_FILE, number_in
from newsletter_mailer.settings import Settings

_SEASONS = ("winter", "spring", "summer", "autumn")


@dataclass(frozen=True, slots=True)
class Before:
    """The issue that a new one follows: its folder, what it says, and the articles to keep."""

    folder: Path
    issue: Issue
    keep: Sequence[str] = ()


def folder_of(settings: Settings, number: int, today: dt.date) -> Path:
    """Where a new issue belongs: its number, and the season of `today`.

    Raises:
        UsageError: the number is taken.
    """
    taken = [entry for entry in settings.issues.glob("*/") if number_in(entry.name) == str(number)]
    if taken:
        raise UsageError(f"Issue {number} is there already, in {taken[0]}. Choose another number.")
    return settings.issues / f"{number:02}-{_season(today)}"


def scaffold(settings: Settings, number: int, today: dt.date, before: Before | None = None) -> Path:
    """Make the folder of issue `number` from `templates/issue`, and return it.

    From the issue `before` it takes the title, the language and the sender, and the
    articles to be kept with their pictures.

    Raises:
        UsageError: the number is taken, there is no `templates/issue`, an article to be
            kept is not there, or the folder cannot be written.
    """
    folder = folder_of(settings, number, today)
    source = settings.root / "templates" / "issue"
    if not source.is_dir():
        raise UsageError(
            f"There is no folder {source}. Put back the one that came with this program."
        )
    if before:
        _check_kept(before)
    draft = folder.with_name(f".{folder.name}.part")
    words = {
        "number": str(number),
        "date": today.isoformat(),
        "season": _season(today).replace("-", " ").capitalize(),
        "office": settings.office.name,
    }
    try:
        shutil.rmtree(draft, ignore_errors=True)
        for path in sorted(source.rglob("*.*")):
            target = draft / path.relative_to(source)
            target.parent.mkdir(parents=True, exist_ok=True)
            if path.suffix in {".md", ".yaml"}:
                # Bytes that are not UTF-8 pass unchanged: `check` will name them.
                text = path.read_text(encoding="utf-8", errors="surrogateescape")
                text = Template(text).safe_substitute(words)
                target.write_text(text, encoding="utf-8", errors="surrogateescape")
            elif path.is_file():
                shutil.copyfile(path, target)
        (draft / "images").mkdir(exist_ok=True)
        if before:
            _take_over(before, draft)
        draft.rename(folder)
    except OSError as error:
        shutil.rmtree(draft, ignore_errors=True)
        raise UsageError(f"{folder} cannot be made: {error.strerror}.") from error
    return folder


def _season(today: dt.date) -> str:
    return f"{_SEASONS[today.month % 12 // 3]}-{today.year}"


def _check_kept(before: Before) -> None:
    present = [article.id for article in before.issue.every_article]
    for name in before.keep:
        if name not in present:
            raise UsageError(
                f"There is no article {name!r} in {before.folder.name}. Its articles: "
                f"{', '.join(present)}."
            )


def _take_over(before: Before, draft: Path) -> None:
    """Put what stays the same from issue to issue into the draft of a new one."""
    head = before.issue.head
    file = draft / ISSUE_FILE
    text = file.read_text(encoding="utf-8", errors="surrogateescape")
    text = with_value(text, "title", head.title)
    text = with_value(text, "language", head.language)
    if head.sender.name or head.sender.reply_to:
        text = f"{text.rstrip()}\n\nsender:\n"
        for key, value in (("name", head.sender.name), ("reply_to", head.sender.reply_to)):
            text += f"  {key}: {scalar(value)}\n" if value else ""
    opening = before.issue.opening
    listed = [name for name in before.keep if not (opening and name == opening.id)]
    text = with_articles(text, listed) or text
    left = [article.id for article in before.issue.articles if article.id not in before.keep]
    if left:
        text = (
            f"{text.rstrip()}\n\n"
            f"# {before.folder.name} had these besides; `newsletter new … --keep NAME` takes one "
            f"along.\n" + "".join(f"# - {name}\n" for name in left)
        )
    file.write_text(text, encoding="utf-8", errors="surrogateescape")
    for article in before.issue.every_article:
        if article.id not in before.keep:
            continue
        name = f"articles/{article.id}.md"
        shutil.copyfile(before.folder / name, draft / name)
        for block in walk(article.blocks):
            if isinstance(block, Figure):
                shutil.copyfile(block.image.path, draft / "images" / block.image.path.name)
