"""The pictures of an issue."""

import hashlib
import io
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote

from PIL import Image as Picture
from PIL import UnidentifiedImageError

from newsletter_mailer.findings import Finding, Place, brief
from newsletter_mailer.reading.document import Image

FOLDER = "images"
MEDIA_TYPES = {"PNG": "image/png", "JPEG": "image/jpeg", "GIF": "image/gif"}
"""The kinds that every mail client shows."""

LARGEST_PICTURE = 5_000_000
"""Bytes in a picture; many mail servers refuse a mail of ten million."""

LONGEST_SIDE = 5_000
"""Pixels; a mail is 600 wide."""


@dataclass(slots=True)
class Images:
    """Finds and measures pictures inside an issue's folder."""

    folder: Path
    known: dict[str, Image] = field(default_factory=dict)

    def get(self, target: str, place: Place, findings: list[Finding]) -> Image | None:
        """The picture at `target`, a path from the issue's folder; None, with a finding."""
        if target in self.known:
            return self.known[target]
        try:
            image = self._read(unquote(target))
        except _Refused as refused:
            findings.append(
                Finding(place, refused.rule, refused.found, refused.expected, refused.mend)
            )
            return None
        self.known[target] = image
        return image

    def _read(self, target: str) -> Image:
        shown = repr(brief(target))
        try:
            path = (self.folder / target).resolve()
            if not path.is_relative_to((self.folder / FOLDER).resolve()):
                raise _Refused(
                    "image-outside",
                    f"the picture {shown}",
                    f"a file in the issue's `{FOLDER}` folder, such as {FOLDER}/name.png",
                    "Copy the picture there.",
                )
            size = path.stat().st_size
            data = path.read_bytes() if size <= LARGEST_PICTURE else b""
        except (OSError, ValueError, RuntimeError) as error:  # no file, no name, a loop of links
            present = ", ".join(_present(self.folder))
            raise _Refused(
                "missing-image",
                f"no picture {shown}",
                f"one of {present}" if present else f"a file in {FOLDER}/",
                "Put the file there, or mend the name.",
            ) from error
        if size > LARGEST_PICTURE:
            raise _Refused(
                "image-too-large",
                f"the picture {shown} of {size:,} bytes",
                f"at most {LARGEST_PICTURE:,}",
                "Save it smaller; a mail is 600 pixels wide.",
            )
        kind, width, height = _measured(data, shown)
        digest = hashlib.sha256(data).hexdigest()
        return Image(_name(path, kind, digest), path, MEDIA_TYPES[kind], digest, width, height)


class _Refused(Exception):  # noqa: N818 - it never leaves this module
    def __init__(self, rule: str, found: str, expected: str, mend: str) -> None:
        self.rule = rule
        self.found = found
        self.expected = expected
        self.mend = mend
        super().__init__(rule)


def _present(folder: Path) -> Iterator[str]:
    return (f"{FOLDER}/{entry.name}" for entry in sorted((folder / FOLDER).glob("*.*")))


def _measured(data: bytes, shown: str) -> tuple[str, int, int]:
    """The kind, width and height of a picture that can be decoded to its end."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", Picture.DecompressionBombWarning)
        try:
            with Picture.open(io.BytesIO(data), formats=tuple(MEDIA_TYPES)) as picture:
                width, height = picture.size
                if max(width, height) <= LONGEST_SIDE:
                    picture.load()
                    # A phone's JPEG with a second picture inside calls itself MPO.
                    kind = "JPEG" if picture.format == "MPO" else str(picture.format)
                    return kind, width, height
            size = f"{width:,} × {height:,} pixels"
        except (Picture.DecompressionBombError, Picture.DecompressionBombWarning):
            size = "far too many pixels"
        except UnidentifiedImageError as error:
            raise _Refused(
                "image-kind",
                f"{shown}, which is not a picture that mail clients show",
                "PNG, JPEG or GIF",
                "Save it as PNG or JPEG.",
            ) from error
        except Exception as error:  # a damaged file makes decoders raise whatever they meet
            raise _Refused(
                "image-damaged",
                f"{shown}, a damaged picture",
                "a file that image viewers open",
                "Save it anew.",
            ) from error
    raise _Refused(
        "image-too-large",
        f"the picture {shown} of {size}",
        f"at most {LONGEST_SIDE:,} on each side",
        "Save it smaller; a mail is 600 pixels wide.",
    )


def _name(path: Path, kind: str, digest: str) -> str:
    """A name that can stand in a URL and a Content-ID, and differs where the picture does."""
    stem = re.sub(r"[^A-Za-z0-9]+", "-", path.stem).strip("-").lower()
    return f"{stem or 'picture'}-{digest[:8]}.{kind.lower()}"
