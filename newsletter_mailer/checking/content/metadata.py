"""Pictures: what their files tell beside what they show."""

from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import unquote

from newsletter_mailer.checking.content.passages import Passage
from newsletter_mailer.findings import Finding, Place
from newsletter_mailer.reading.document import Figure, Issue, walk
from newsletter_mailer.reading.metadata import read_metadata
from newsletter_mailer.settings import SETTINGS_FILE, Settings

RULES = frozenset({"picture-metadata"})


def pictures(issue: Issue, settings: Settings) -> Mapping[Path, Place]:
    """Every picture that is sent with an issue, the logo among them, where it first stands."""
    found: dict[Path, Place] = {}
    for article in issue.every_article:
        for block in walk(article.blocks):
            if isinstance(block, Figure):
                found.setdefault(block.image.path, block.place)
    if settings.logo is not None:
        found.setdefault(settings.root / unquote(settings.logo.file), Place(SETTINGS_FILE))
    return found


def metadata(path: Path, where: Callable[[], Place]) -> tuple[list[Finding], list[Passage]]:
    """What a picture's file tells of people and places, and the texts in it to be judged.

    `where` is asked for its place if there is anything. The findings do not name the file,
    since its name may be what has to be hidden.
    """
    try:
        read = read_metadata(path)
    except OSError as error:
        found = f"a picture that cannot be read ({error.strerror})"
        return [Finding(where(), "picture-metadata", found, "a file", "Put it back.")], []
    texts = [Passage(text, where()) for text in read.texts]
    if not read.traces:
        return [], texts
    return [
        Finding(
            where(),
            "picture-metadata",
            f"a picture whose file holds {_listed(read.traces)}",
            "a picture that tells nothing beside what it shows",
            "Pictures are sent as they are: export it anew with metadata switched off, or run "
            "`exiftool -all= FILE`.",
        )
    ], texts


def _listed(words: tuple[str, ...]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)
