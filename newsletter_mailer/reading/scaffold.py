"""A new issue's folder, with commented files to change."""

import datetime as dt
import shutil
from pathlib import Path
from string import Template

from newsletter_mailer.errors import UsageError
from newsletter_mailer.settings import Settings

_SEASONS = ("winter", "spring", "summer", "autumn")


def scaffold(settings: Settings, number: int, today: dt.date) -> Path:
    """Make the folder of issue `number` from `templates/issue`, and return it.

    Raises:
        UsageError: the number is taken, or the folder cannot be written.
    """
    season = f"{_SEASONS[today.month % 12 // 3]}-{today.year}"
    folder = settings.issues / f"{number:02}-{season}"
    taken = [entry for entry in settings.issues.glob("*/") if _number(entry.name) == number]
    if taken:
        raise UsageError(f"Issue {number} is there already, in {taken[0]}. Choose another number.")
    source = settings.root / "templates" / "issue"
    draft = folder.with_name(f".{folder.name}.part")
    words = {
        "number": str(number),
        "date": today.isoformat(),
        "season": season.replace("-", " ").capitalize(),
        "office": settings.office.name,
    }
    try:
        shutil.rmtree(draft, ignore_errors=True)
        for path in sorted(source.rglob("*.*")):
            target = draft / path.relative_to(source)
            target.parent.mkdir(parents=True, exist_ok=True)
            text = Template(path.read_text(encoding="utf-8")).safe_substitute(words)
            target.write_text(text, encoding="utf-8")
        (draft / "images").mkdir()
        draft.rename(folder)
    except OSError as error:
        shutil.rmtree(draft, ignore_errors=True)
        raise UsageError(f"{folder} cannot be made: {error.strerror}.") from error
    return folder


def _number(name: str) -> int | None:
    digits = name[: len(name) - len(name.lstrip("0123456789"))]
    return int(digits) if digits else None
