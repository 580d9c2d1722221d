"""Which line of the mail's templates something in a finished mail comes from."""

import re
from functools import cached_property

from newsletter_mailer.compiling.mjml_rules import DOCUMENT
from newsletter_mailer.findings import Place
from newsletter_mailer.settings import Settings


class TemplateLines:
    """The lines of the templates whose names end in one of `endings`, read in that order."""

    def __init__(self, settings: Settings, *endings: str) -> None:
        self._root = settings.root
        self._folder = settings.email_templates
        self._endings = endings

    @cached_property
    def _texts(self) -> list[tuple[str, str]]:
        """The templates' texts by the names that findings show."""
        return [
            (
                path.relative_to(self._root).as_posix(),
                path.read_text(encoding="utf-8", errors="replace"),
            )
            for ending in self._endings
            for path in sorted(self._folder.rglob(f"*{ending}"))
            if path.is_file()
        ]

    def place(self, *patterns: str) -> Place:
        """The first line that matches the first of the patterns that any line matches.

        Where none does, the template that makes the whole mail.
        """
        for pattern in patterns:
            for name, text in self._texts:
                if match := re.search(pattern, text):
                    return Place(name, text.count("\n", 0, match.start()) + 1)
        return Place((self._folder / DOCUMENT).relative_to(self._root).as_posix())
