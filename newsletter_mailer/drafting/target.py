"""The issue that a draft goes into."""

import datetime as dt
import re
from dataclasses import dataclass
from pathlib import Path

from newsletter_mailer.drafting.heads import words_in
from newsletter_mailer.drafting.scaffold import folder_of
from newsletter_mailer.reading.issue import ISSUE_FILE, find_issue, number_in
from newsletter_mailer.settings import Settings

_MOST_DIGITS = 5
_LANGUAGE = "en-GB"


@dataclass(frozen=True, slots=True)
class Target:
    """An issue's folder, which may have yet to be made, and how findings name it.

    `title` and `language` are those of the newsletter so far, for an issue that is new.
    """

    folder: Path
    shown: str
    number: int
    title: str = ""
    language: str = _LANGUAGE

    @property
    def is_new(self) -> bool:
        """Whether it has no `issue.yaml` yet."""
        return not (self.folder / ISSUE_FILE).exists()


def target_of(settings: Settings, name: str | None, today: dt.date) -> Target:
    """The issue that `name` names: one that is there, or a new one of that number.

    Without a name it is a new one with the next number.

    Raises:
        UsageError: the name is neither.
    """
    folders = {
        int(digits): entry
        for entry in sorted(settings.issues.glob("*/"))
        if (digits := number_in(entry.name)) and len(digits) <= _MOST_DIGITS
    }
    newest = max(folders, default=0)
    named = str(newest + 1) if name is None else name
    before = words_in(folders[newest] / ISSUE_FILE) if folders else {}
    is_number = re.fullmatch(r"[0-9]{1,5}", named) is not None
    if is_number and int(named) not in folders:
        number = int(named)
        folder = folder_of(settings, number, today)
    else:
        folder = find_issue(settings.issues, named)
        number = int(number_in(folder.name) or 0)
    root = settings.root
    shown = folder.relative_to(root) if folder.is_relative_to(root) else folder
    return Target(
        folder,
        shown.as_posix(),
        number,
        before.get("title", ""),
        before.get("language", _LANGUAGE),
    )
