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

from newsletter_mailer.findings import Finding, Place, Severity, brief
from newsletter_mailer.reading.document import Image

FOLDER = "images"
MEDIA_TYPES = {"PNG": "image/png", "JPEG": "image/jpeg", "GIF": "image/gif"}
"""The kinds that every mail client shows."""

LARGEST_PICTURE = 1_000_000
"""Bytes in a picture; it travels in every mail, and phones fetch it over the air."""

LARGEST_OPENED = 5_000_000
"""Bytes; a larger file is refused without being read into memory."""

LONGEST_SIDE = 5_000
"""Pixels; a mail is 600 wide."""


@dataclass(slots=True)
class Images:
    """Finds and measures pictures inside an issue's folder."""

    folder: Path
    known: dict[str, tuple[Image, bool]] = field(default_factory=dict)
    """What was read, by target: the picture, and whether it moves."""

    def get(self, target: str, place: Place, findings: list[Finding]) -> Image | None:
        """The picture at `target`, a path from the issue's folder; None, with a finding.

        One that moves is a picture all the same, with a warning.
        """
        if target not in self.known:
            try:
                self.known[target] = self._read(unquote(target))
            except _Refused as refused:
                findings.append(
                    Finding(place, refused.rule, refused.found, refused.expected, refused.mend)
                )
                return None
        image, moves = self.known[target]
        if moves:
            findings.append(
                Finding(
                    place,
                    "image-animated",
                    f"the picture {brief(unquote(target))!r}, which moves",
                    "a still picture",
                    "Save one frame of it as PNG. Outlook may show the first frame only, and "
                    "readers cannot stop it (WCAG 2.2, 2.2.2).",
                    Severity.WARNING,
                )
            )
        return image

    def _read(self, target: str) -> tuple[Image, bool]:
        shown = repr(brief(target))
        if _ELSEWHERE.match(target):
            raise _Refused(
                "image-outside",
                f"the picture {shown}, which is on the web",
                f"a file in the issue's `{FOLDER}` folder, such as {FOLDER}/name.png",
                "Copy the picture there, if you may: mail programs block what is on the web, and "
                "its owner could change it or see who reads.",
            )
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
            data = path.read_bytes() if size <= LARGEST_OPENED else b""
        except (OSError, ValueError, RuntimeError) as error:  # no file, no name, a loop of links
            present = ", ".join(_present(self.folder))
            raise _Refused(
                "missing-image",
                f"no picture {shown}",
                f"one of {present}" if present else f"a file in {FOLDER}/",
                "Put the file there, or mend the name.",
            ) from error
        if size > LARGEST_OPENED:
            raise _Refused(
                "image-too-large",
                f"the picture {shown} of {size:,} bytes",
                f"at most {LARGEST_PICTURE:,} (one of over {LARGEST_OPENED:,} is not even opened)",
                _SMALLER,
            )
        measured = _measured(data, shown)
        if size > LARGEST_PICTURE:
            raise _Refused(
                "image-too-large",
                f"the picture {shown} of {size:,} bytes, {measured.width:,} × "
                f"{measured.height:,} pixels",
                f"at most {LARGEST_PICTURE:,} bytes",
                _SMALLER,
            )
        digest = hashlib.sha256(data).hexdigest()
        kind = measured.kind
        name = _name(path, kind, digest)
        image = Image(name, path, MEDIA_TYPES[kind], digest, measured.width, measured.height)
        return image, measured.moves


_ELSEWHERE = re.compile(r"(?:[A-Za-z][A-Za-z0-9+.-]*:)?//")
_SMALLER = (
    "Save it smaller: 1,200 pixels wide is plenty, since a mail is 600 wide; a photograph as JPEG."
)


@dataclass(frozen=True, slots=True)
class _Measured:
    kind: str
    width: int
    height: int
    moves: bool


class _Refused(Exception):  # noqa: N818 - it never leaves this module
    def __init__(self, rule: str, found: str, expected: str, mend: str) -> None:
        self.rule = rule
        self.found = found
        self.expected = expected
        self.mend = mend
        super().__init__(rule)


def _present(folder: Path) -> Iterator[str]:
    return (f"{FOLDER}/{entry.name}" for entry in sorted((folder / FOLDER).glob("*.*")))


def _measured(data: bytes, shown: str) -> _Measured:
    """What a picture is that can be decoded to its end, in colours that screens have."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", Picture.DecompressionBombWarning)
        try:
            with Picture.open(io.BytesIO(data), formats=tuple(MEDIA_TYPES)) as picture:
                width, height = picture.size
                if max(width, height) <= LONGEST_SIDE:
                    # A phone's JPEG with a second picture inside calls itself MPO.
                    kind = "JPEG" if picture.format == "MPO" else str(picture.format)
                    moves = kind != "JPEG" and getattr(picture, "n_frames", 1) > 1
                    printed = picture.mode == "CMYK"
                    picture.load()
                    if not printed:
                        return _Measured(kind, width, height, moves)
                    raise _Refused(
                        "image-cmyk",
                        f"the picture {shown} in the colours of print (CMYK)",
                        "the colours of screens (RGB)",
                        "Save it for the web, in RGB: many mail programs show CMYK in wrong "
                        "colours or not at all.",
                    )
            size = f"{width:,} × {height:,} pixels"
        except _Refused:
            raise
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
        _SMALLER,
    )


def _name(path: Path, kind: str, digest: str) -> str:
    """A name that can stand in a URL and a Content-ID, and differs where the picture does."""
    stem = re.sub(r"[^A-Za-z0-9]+", "-", path.stem).strip("-").lower()
    return f"{stem or 'picture'}-{digest[:8]}.{kind.lower()}"
