"""The pictures of a draft: taken out, told apart by what they are, and named."""

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, unquote_to_bytes

from newsletter_mailer.drafting.draft import Notes, Picture
from newsletter_mailer.drafting.names import file_name
from newsletter_mailer.findings import brief
from newsletter_mailer.reading.images import LARGEST_OPENED

MOST_PICTURES = 200
"""Pictures that are taken out of one draft."""

_SIGNS = ((b"\x89PNG\r\n\x1a\n", "png"), (b"\xff\xd8\xff", "jpg"), (b"GIF8", "gif"))
_OTHERS = (
    (b"RIFF", "WebP"),
    (b"BM", "BMP"),
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
    (b"\x01\0\0\0", "EMF"),
    (b"\xd7\xcd\xc6\x9a", "WMF"),
    (b"<svg", "SVG"),
    (b"<?xml", "SVG"),
)
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]+:|//|\\\\", re.IGNORECASE)
_BY_MACHINE = re.compile(
    r"[\s.:]*(?:Description automatically generated.*|AI-generated content may be incorrect\.?)$",
    re.IGNORECASE | re.DOTALL,
)
_NO_WORDS = re.compile(
    r"(?:image|img|picture|photo|graphic|untitled|dsc|screenshot)?[\s_-]*\d*(?:\.\w{2,4})?",
    re.IGNORECASE,
)


@dataclass(slots=True)
class Pictures:
    """Takes pictures out of a draft.

    `folder` is where the files of a web page or a Markdown text lie; nothing outside of it
    is read, and nothing is fetched. `inside` holds those that the draft itself carries.
    """

    notes: Notes
    folder: Path | None = None
    inside: dict[str, bytes] = field(default_factory=dict)
    taken: dict[str, bytes] = field(default_factory=dict)
    _names: dict[str, str] = field(default_factory=dict)

    def take(self, source: str, alt: str, line: int) -> Picture | None:
        """The picture at `source`, to be put into the issue; None, with a note, without one."""
        shown = brief(source, 60) if source else "no file"
        data = self._data(source, shown, line)
        if data is None:
            return None
        kind = next((kind for sign, kind in _SIGNS if data.startswith(sign)), "")
        if not kind:
            other = next((name for sign, name in _OTHERS if data[:200].startswith(sign)), "")
            self._left_out(
                f"{shown}, which is {other or 'no picture that mail programs show'}",
                "Save it as PNG or JPEG, put it into images/, and show it with `::: figure`.",
                line,
            )
            return None
        digest = hashlib.sha256(data).hexdigest()
        if digest not in self._names:
            if len(self.taken) >= MOST_PICTURES:
                self._left_out(
                    f"every picture after the first {MOST_PICTURES}",
                    "Put those that are needed into images/ by hand.",
                    line,
                )
                return None
            name = f"{self._stem(source)}.{kind}"
            self.taken[name] = data
            self._names[digest] = name
        return Picture(self._names[digest], written_alt(alt))

    def _data(self, source: str, shown: str, line: int) -> bytes | None:
        """The bytes of a picture; None, with a note, where they are not to be had."""
        if source in self.inside:
            data = self.inside[source]
        elif source.startswith("data:"):
            data = _from_data(source)
        elif not source or _SCHEME.match(source):
            self._left_out(
                f"{shown}, which is not in the draft; nothing was fetched",
                "Save the picture, if you may use it, into images/, and show it with `::: figure`.",
                line,
            )
            return None
        else:
            return self._from_file(source, shown, line)
        if len(data) > LARGEST_OPENED:
            self._too_large(shown, len(data), line)
            return None
        return data

    def _from_file(self, source: str, shown: str, line: int) -> bytes | None:
        try:
            base = (self.folder or Path()).resolve()
            path = (base / unquote(source.partition("?")[0].partition("#")[0])).resolve()
            inside = path.is_relative_to(base) and path.is_file()
            size = path.stat().st_size if inside else 0
            if inside and size <= LARGEST_OPENED:
                return path.read_bytes()
        except (OSError, ValueError, RuntimeError):  # no file, no name, a loop of links
            inside, size = False, 0
        if inside:
            self._too_large(shown, size, line)
        else:
            self._left_out(
                f"{shown}, which is no file beside the draft",
                "Put the picture into images/, and show it with `::: figure`.",
                line,
            )
        return None

    def _too_large(self, shown: str, size: int, line: int) -> None:
        self._left_out(
            f"{shown} of {size:,} bytes",
            "Save it smaller (1,200 pixels wide is plenty), and put it into images/.",
            line,
        )

    def _left_out(self, found: str, mend: str, line: int) -> None:
        self.notes.add("draft-picture", f"a picture left out: {found}", mend, line)

    def _stem(self, source: str) -> str:
        """A file's name of its own, from that in the draft where it has one."""
        known = "" if source in self.inside or source.startswith("data:") else Path(source).stem
        stem = file_name(unquote(known), "picture")
        names = {name.rpartition(".")[0] for name in self.taken}
        number = 1
        name = f"{stem}-1" if stem == "picture" else stem
        while name in names:
            number += 1
            name = f"{stem}-{number}"
        return name


def written_alt(alt: str) -> str:
    """Alternative text that a person wrote; empty for a file's name or a program's guess."""
    alt = " ".join(alt.split())
    if _BY_MACHINE.search(alt) or _NO_WORDS.fullmatch(alt):
        return ""
    return alt


def _from_data(source: str) -> bytes:
    """The bytes in a `data:` address; none where it is damaged."""
    head, _, body = source.partition(",")
    try:
        if head.lower().endswith(";base64"):
            return base64.b64decode(unquote_to_bytes(body), validate=False)
    except (binascii.Error, ValueError):
        return b""
    return unquote_to_bytes(body)
