"""The pictures of an issue."""

import hashlib
import re
import warnings
from dataclasses import dataclass, field
from pathlib import Path

from PIL import Image as Picture
from PIL import UnidentifiedImageError

from newsletter_mailer.findings import Finding, Place
from newsletter_mailer.reading.document import Image

MEDIA_TYPES = {"PNG": "image/png", "JPEG": "image/jpeg", "GIF": "image/gif"}
"""The kinds that every mail client shows."""


@dataclass(slots=True)
class Images:
    """Finds and measures pictures inside an issue's folder."""

    folder: Path
    known: dict[str, Image | None] = field(default_factory=dict)

    def get(self, target: str, place: Place, findings: list[Finding]) -> Image | None:
        """The picture at `target`, a path from the issue's folder; None, with a finding."""
        if target not in self.known:
            before = len(findings)
            self.known[target] = self._read(target, place, findings)
            if len(findings) > before:
                del self.known[target]
                return None
        return self.known[target]

    def _read(self, target: str, place: Place, findings: list[Finding]) -> Image | None:
        path = (self.folder / target).resolve()
        if not path.is_relative_to(self.folder.resolve()):
            findings.append(
                Finding(
                    place,
                    "image-outside",
                    f"a picture outside the issue's folder, {target!r}",
                    "a file in its `images` folder",
                    "Copy the picture there.",
                )
            )
            return None
        try:
            data = path.read_bytes()
        except OSError:
            present = sorted(entry.name for entry in (self.folder / "images").glob("*.*"))
            findings.append(
                Finding(
                    place,
                    "missing-image",
                    f"no picture {target!r}",
                    f"one of images/{', images/'.join(present)}"
                    if present
                    else "a file in images/",
                    "Put the file there, or mend the name.",
                )
            )
            return None
        with warnings.catch_warnings():
            warnings.simplefilter("error", Picture.DecompressionBombWarning)
            try:
                with Picture.open(path) as picture:
                    picture.verify()
                    kind, (width, height) = picture.format or "", picture.size
            except (
                UnidentifiedImageError,
                OSError,
                SyntaxError,
                ValueError,
                Picture.DecompressionBombError,
                Picture.DecompressionBombWarning,
            ):
                kind, width, height = "", 0, 0
        if kind not in MEDIA_TYPES:
            findings.append(
                Finding(
                    place,
                    "image-kind",
                    f"{target!r} is not a picture that mail clients show",
                    "PNG, JPEG or GIF",
                    "Save it as PNG or JPEG.",
                )
            )
            return None
        digest = hashlib.sha256(data).hexdigest()
        return Image(_name(path, kind, digest), path, MEDIA_TYPES[kind], digest, width, height)


def _name(path: Path, kind: str, digest: str) -> str:
    """A name that can stand in a URL and a Content-ID, and differs where the picture does."""
    stem = re.sub(r"[^A-Za-z0-9]+", "-", path.stem).strip("-").lower()
    return f"{stem or 'picture'}-{digest[:8]}.{kind.lower()}"
