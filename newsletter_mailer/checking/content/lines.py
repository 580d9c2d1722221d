"""The line on which something stands, where the tree knows only where its block begins."""

import re
from pathlib import Path

from newsletter_mailer.findings import Place

_BETWEEN = r"(?:%[0-9A-Fa-f]{2}|&#?\w{1,8};|\]\([^()\s]{0,300}\)|[\W_]){0,12}?"
"""What Markdown, YAML and URLs may write between two signs that a reader sees together."""


class Lines:
    """Finds texts in the files that they come from. Files are read when they are asked for."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._files: dict[str, str] = {}
        self._found: dict[tuple[str, str], int] = {}

    def find(self, place: Place, text: str) -> Place:
        """The place of a text at or after `place`; `place` itself where it is not found.

        Asked again for the same text in the same file, it goes on to the next one.
        """
        source = self._source(place.file)
        signs = [re.escape(sign) for sign in text if sign.isalnum()]
        if not source or not signs:
            return place
        pattern = re.compile(_BETWEEN.join(signs))
        start = sum(len(line) + 1 for line in source.split("\n")[: place.line - 1])
        key = (place.file, "".join(signs))
        after = max(start, self._found.get(key, 0))
        match = pattern.search(source, after) or pattern.search(source, start)
        if match is None:
            return place
        self._found[key] = match.end()
        return Place(place.file, source.count("\n", 0, match.start()) + 1)

    def _source(self, name: str) -> str:
        if name not in self._files:
            try:
                text = (self._root / name).read_text(encoding="utf-8-sig", errors="replace")
            except OSError:  # the file was moved since it was read: the block's place will do
                text = ""
            self._files[name] = text
        return self._files[name]
