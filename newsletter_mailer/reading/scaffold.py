"""A new issue's folder, with commented files to change."""

import datetime as dt
import shutil
from pathlib import Path
from string import Template

from newsletter_mailer.errors import UsageError
from newsletter_mailer.reading.issue import number_in
from newsletter_mailer.settings import Settings

_SEASONS = ("winter", "spring", "summer", "autumn")


def scaffold(settings: Settings, number: int, today: dt.date) -> Path:
    """Make the folder of issue `number` from `templates/issue`, and return it.

    Raises:
        UsageError: the number is taken, there is no `templates/issue`, or the folder
            cannot be written.
    """
    season = f"{_SEASONS[today.month % 12 // 3]}-{today.year}"
    folder = settings.issues / f"{number:02}-{season}"
    taken = [entry for entry in settings.issues.glob("*/") if number_in(entry.name) == str(number)]
    if taken:
        raise UsageError(f"Issue {number} is there already, in {taken[0]}. Choose another number.")
    source = settings.root / "templates" / "issue"
    if not source.is_dir():
        raise UsageError(
            f"There is no folder {source}. Put back the one that came with this program."
        )
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
            if path.suffix in {".md", ".yaml"}:
                # Bytes that are not UTF-8 pass unchanged: `check` will name them.
                text = path.read_text(encoding="utf-8", errors="surrogateescape")
                text = Template(text).safe_substitute(words)
                target.write_text(text, encoding="utf-8", errors="surrogateescape")
            elif path.is_file():
                shutil.copyfile(path, target)
        (draft / "images").mkdir(exist_ok=True)
        draft.rename(folder)
    except OSError as error:
        shutil.rmtree(draft, ignore_errors=True)
        raise UsageError(f"{folder} cannot be made: {error.strerror}.") from error
    return folder
