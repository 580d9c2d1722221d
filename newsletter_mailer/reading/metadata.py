"""What a picture's file says beside the picture: where, by whom and with what it was made.

Fields are those of Exif 3.0 (CIPA DC-008), IPTC IIM 4, XMP (ISO 16684-1) and the text
chunks of PNG (W3C PNG, 11.3.3). Only whether a field is filled is looked at, never by what.
"""

import io
import re
import struct
import warnings
import zlib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from PIL import Image as Picture
from PIL import IptcImagePlugin
from PIL.ExifTags import IFD, Base


@dataclass(frozen=True, slots=True)
class Metadata:
    """What is filled: `traces` of people and places, and free `texts` such as comments."""

    traces: tuple[str, ...]
    texts: tuple[str, ...]


_POSITION = frozenset({2, 4, 20, 22})
"""Latitude and longitude of where the camera was, and of what it looked at."""

_EXIF: Mapping[int, str] = {
    Base.Artist: "the author's name",
    Base.XPAuthor: "the author's name",
    Base.HostComputer: "the name of a device",
    Base.CameraOwnerName: "the owner's name",
    Base.BodySerialNumber: "the camera's serial number",
    Base.LensSerialNumber: "the camera's serial number",
    0xA437: "the author's name",  # photographer, new in Exif 3.0
    0xA438: "the author's name",  # image editor, new in Exif 3.0
}
_EXIF_TEXTS = (
    Base.ImageDescription,
    Base.XPTitle,
    Base.XPComment,
    Base.XPSubject,
    Base.UserComment,
)
_IPTC: Mapping[tuple[int, int], str] = {
    (2, 80): "the author's name",
    (2, 118): "whom to contact",
    (2, 122): "the author's name",
}
_IPTC_TEXTS = ((2, 5), (2, 105), (2, 120))
_PNG: Mapping[str, str] = {"author": "the author's name", "artist": "the author's name"}
_PNG_TEXTS = frozenset({"title", "description", "comment"})
_XMP: Mapping[str, str] = {
    "GPSLatitude": "a GPS position",
    "GPSLongitude": "a GPS position",
    "creator": "the author's name",
    "Artist": "the author's name",
    "AuthorsPosition": "the author's name",
    "CaptionWriter": "the author's name",
    "CreatorContactInfo": "whom to contact",
    "PersonInImage": "the names of people in it",
    "OwnerName": "the owner's name",
    "CameraOwnerName": "the owner's name",
    "SerialNumber": "the camera's serial number",
    "BodySerialNumber": "the camera's serial number",
}
_FILLED = re.compile(
    r"[<\s:](?P<name>" + "|".join(_XMP) + r")\b"
    r"(?:\s*=\s*(?:\"[^\"]*[^\"\s]|'[^']*[^'\s])|[^<>=]*(?<!/)>(?:\s*<(?!/)[^<>]{0,500}>){0,5}\s*[^<\s])"
)
_LARGEST_TEXT = 1_000_000
_EXIF_MARK = b"Exif\x00\x00"
_RAW_EXIF = frozenset({"raw profile type exif", "raw profile type app1"})
"""Where ImageMagick keeps Exif in a PNG."""

_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"


def read_metadata(path: Path) -> Metadata:
    """What the file of a picture says beside the picture.

    The picture itself is not decoded. A part that is damaged is passed over, as picture
    programs do.

    Raises:
        OSError: the file cannot be read.
    """
    data = path.read_bytes()
    traces: dict[str, None] = {}  # in the order in which they are found, each once
    texts: dict[str, None] = {}
    for part in (_image_fields(data), _png_fields(data), _xmp_fields(data)):
        for trace, text in part:
            (texts if text else traces).setdefault(text or trace)
    return Metadata(tuple(traces), tuple(texts))


Field = tuple[str, str]
"""A trace without text, or a text."""


def _image_fields(data: bytes) -> list[Field]:
    """Exif, IPTC and comments of JPEG and GIF; of a PNG, Pillow would decode the picture."""
    found: list[Field] = []
    if data.startswith(_PNG_SIGNATURE):
        return found
    # A damaged part makes decoders raise whatever they meet; the others are still read.
    with warnings.catch_warnings(), suppress(Exception):
        warnings.simplefilter("ignore")
        with Picture.open(io.BytesIO(data), formats=("JPEG", "GIF")) as picture:
            found += _free_text(picture.info.get("comment", ""))
            with suppress(Exception):
                found.extend(_exif_fields(picture.getexif()))
            with suppress(Exception):
                found.extend(_iptc_fields(IptcImagePlugin.getiptcinfo(picture) or {}))
    return found


def _iptc_fields(iptc: Mapping[tuple[int, int], object]) -> Iterator[Field]:
    for key, value in iptc.items():
        if key in _IPTC and _is_filled(value):
            yield _IPTC[key], ""
        elif key in _IPTC_TEXTS:
            for one in value if isinstance(value, list) else [value]:
                yield from _free_text(one)


def _exif_fields(exif: Picture.Exif) -> Iterator[Field]:
    if any(tag in _POSITION for tag in exif.get_ifd(IFD.GPSInfo)):
        yield "a GPS position", ""
    for tags in (dict(exif), exif.get_ifd(IFD.Exif)):
        for tag, value in tags.items():
            if tag in _EXIF and _is_filled(value):
                yield _EXIF[tag], ""
            elif tag in _EXIF_TEXTS:
                yield from _free_text(value)


def _png_fields(data: bytes) -> Iterator[Field]:
    """Text chunks and Exif of a PNG, also those after the picture."""
    for kind, body in _chunks(data):
        if kind == b"eXIf":
            yield from _raw_exif(body)
        elif kind in {b"tEXt", b"zTXt", b"iTXt"}:
            keyword, _, rest = body.partition(b"\x00")
            name = keyword.decode("latin-1").casefold()
            text = _chunk_text(kind, rest)
            if name in _PNG and text.strip():
                yield _PNG[name], ""
            elif name in _PNG_TEXTS:
                yield from _free_text(text)
            elif name in _RAW_EXIF:
                yield from _raw_exif(_from_hex(text))
            elif kind != b"tEXt":
                yield from _xmp_fields(text.encode())


def _raw_exif(body: bytes) -> list[Field]:
    found: list[Field] = []
    exif = Picture.Exif()
    with suppress(Exception):  # as above
        exif.load(_EXIF_MARK + body.removeprefix(_EXIF_MARK))
        found.extend(_exif_fields(exif))
    return found


def _from_hex(text: str) -> bytes:
    """The bytes of a raw profile: its kind, its length and its bytes in hexadecimal, by lines."""
    try:
        return bytes.fromhex("".join(text.split("\n")[3:]))
    except ValueError:
        return b""


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = len(_PNG_SIGNATURE)
    while data.startswith(_PNG_SIGNATURE) and at + 8 <= len(data):
        length, kind = struct.unpack(">I4s", data[at : at + 8])
        if kind != b"IDAT":
            yield kind, data[at + 8 : at + 8 + length]
        at += length + 12  # length, kind, body, checksum


def _chunk_text(kind: bytes, rest: bytes) -> str:
    packed = kind == b"zTXt"
    if kind == b"iTXt":
        packed, rest = rest[:1] == b"\x01", rest[2:].split(b"\x00", 2)[-1]
    elif packed:
        rest = rest[1:]
    if packed:
        try:
            rest = zlib.decompressobj().decompress(rest, _LARGEST_TEXT)
        except zlib.error:
            rest = b""
    return rest.decode("utf-8" if kind == b"iTXt" else "latin-1", "replace")


def _xmp_fields(data: bytes) -> Iterator[Field]:
    """XMP packets, which stand as they are in every kind of file."""
    start, end = data.find(b"<rdf:RDF"), data.rfind(b"</rdf:RDF>")
    if 0 <= start < end:
        for match in _FILLED.finditer(data[start:end].decode("utf-8", "replace")):
            yield _XMP[match["name"]], ""


def _is_filled(value: object) -> bool:
    if isinstance(value, bytes):
        return bool(value.strip(b"\x00 "))
    return bool(str(value).strip("\x00 ")) if value else False


def _free_text(value: object) -> Iterator[Field]:
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
    text = text.replace("\x00", "").strip()[:_LARGEST_TEXT]  # also out of UTF-16, as XP fields are
    if text:
        yield "", text
