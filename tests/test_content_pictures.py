"""The content guard and pictures: what their files hold of places and people is found."""

import io
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from PIL import Image as Picture
from PIL.PngImagePlugin import PngInfo

from newsletter_mailer.checking.content.guard import content
from newsletter_mailer.findings import Finding, Place, Severity
from newsletter_mailer.reading.issue import read_issue
from newsletter_mailer.reading.metadata import read_metadata
from newsletter_mailer.settings import Logo, Settings
from tests.office import Office
from tests.projects import FRONT, ROOT, article, small_registry, write_issue

NHS = "943 476 5919"
SOMEBODY = "Jo Bloggs"
PACKET = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    "<rdf:Description {}>{}</rdf:Description></rdf:RDF></x:xmpmeta>"
)


def picture() -> Picture.Image:
    """A small orange picture."""
    return Picture.new("RGB", (30, 20), "orange")


def saved(kind: str, **options: object) -> bytes:
    """Its file."""
    out = io.BytesIO()
    picture().save(out, kind, **options)
    return out.getvalue()


def exif(ifd: int | None = None, **fields: object) -> Picture.Exif:
    """Exif with these fields, `t…` and the tag's number, in the main or another directory."""
    made = Picture.Exif()
    where = made if ifd is None else made.get_ifd(ifd)
    for name, value in fields.items():
        where[int(name[1:], 16)] = value
    return made


def gps() -> Picture.Exif:
    """Exif with a position."""
    return exif(0x8825, t1="N", t2=(52.0, 38.0, 12.0), t3="W", t4=(1.0, 8.0, 0.0))


def xmp(attributes: str = "", inner: str = "") -> bytes:
    """An XMP packet."""
    return PACKET.format(attributes, inner).encode()


def png_text(**texts: str) -> PngInfo:
    """Text chunks."""
    info = PngInfo()
    for keyword, text in texts.items():
        info.add_text(keyword, text)
    return info


def late_chunk(kind: bytes, body: bytes) -> bytes:
    """A PNG with a chunk after the picture."""
    data = saved("PNG")
    chunk = struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
    at = data.rindex(b"\x00\x00\x00\x00IEND")
    return data[:at] + chunk + data[at:]


def packed_xmp() -> bytes:
    """A PNG with compressed XMP."""
    info = PngInfo()
    info.add_itxt("XML:com.adobe.xmp", xmp('exif:GPSLatitude="52,38N"').decode(), zip=True)
    return saved("PNG", pnginfo=info)


def raw_profile() -> bytes:
    """A PNG with Exif as ImageMagick writes it."""
    body = gps().tobytes()
    lines = body.hex()
    info = PngInfo()
    info.add_text("Raw profile type exif", f"\nexif\n{len(body):8}\n{lines}\n", zip=True)
    return saved("PNG", pnginfo=info)


def with_iptc(dataset: int, text: str) -> bytes:
    """A JPEG with one IPTC field, in the resource where Photoshop keeps them."""
    field = struct.pack(">BBBH", 0x1C, 2, dataset, len(text)) + text.encode()
    field += b"\x00" * (len(field) % 2)
    resource = b"8BIM" + struct.pack(">HBxI", 0x0404, 0, len(field)) + field
    body = b"Photoshop 3.0\x00" + resource
    data = saved("JPEG")
    return data[:2] + b"\xff\xed" + struct.pack(">H", len(body) + 2) + body + data[2:]


def with_exif(kind: str, made: Picture.Exif) -> Callable[[], bytes]:
    """A file with this Exif."""
    # As bytes: Pillow takes an Exif that has no main fields for none.
    return lambda: saved(kind, exif=made.tobytes())


CREATOR = f"<dc:creator><rdf:Seq><rdf:li>{SOMEBODY}</rdf:li></rdf:Seq></dc:creator>"
PERSON = (
    f"<Iptc4xmpExt:PersonInImage><rdf:Bag><rdf:li>{SOMEBODY}</rdf:li></rdf:Bag>"
    "</Iptc4xmpExt:PersonInImage>"
)
TRACES: dict[str, tuple[Callable[[], bytes], str]] = {
    "exif-gps.jpg": (with_exif("JPEG", gps()), "a GPS position"),
    "exif-gps.png": (with_exif("PNG", gps()), "a GPS position"),
    "late.png": (lambda: late_chunk(b"eXIf", gps().tobytes()[6:]), "a GPS position"),
    "raw.png": (raw_profile, "a GPS position"),
    "artist.jpg": (with_exif("JPEG", exif(t13B=SOMEBODY)), "the author's name"),
    "xp-author.jpg": (
        with_exif("JPEG", exif(t9C9D=SOMEBODY.encode("utf-16-le"))), "the author's name"
    ),
    "owner.jpg": (with_exif("JPEG", exif(0x8769, tA430=SOMEBODY)), "the owner's name"),
    "serial.jpg": (with_exif("JPEG", exif(0x8769, tA431="12345")), "the camera's serial number"),
    "device.jpg": (with_exif("JPEG", exif(t13C="Jo's phone")), "the name of a device"),
    "text.png": (lambda: saved("PNG", pnginfo=png_text(Author=SOMEBODY)), "the author's name"),
    "late-text.png": (lambda: late_chunk(b"tEXt", b"Author\x00" + SOMEBODY.encode()),
                      "the author's name"),
    "packed.png": (packed_xmp, "a GPS position"),
    "xmp-gps.jpg": (lambda: saved("JPEG", xmp=xmp('exif:GPSLatitude="52,38.2N"')),
                    "a GPS position"),
    "xmp-creator.jpg": (lambda: saved("JPEG", xmp=xmp(inner=CREATOR)), "the author's name"),
    "xmp-person.jpg": (lambda: saved("JPEG", xmp=xmp(inner=PERSON)), "the names of people in it"),
    "xmp.gif": (lambda: saved("GIF") + xmp(inner=CREATOR), "the author's name"),
    "by-line.jpg": (lambda: with_iptc(80, SOMEBODY), "the author's name"),
}  # fmt: skip
CLEAN: dict[str, Callable[[], bytes]] = {
    "plain.jpg": lambda: saved("JPEG"),
    "plain.png": lambda: saved("PNG"),
    "plain.gif": lambda: saved("GIF"),
    "camera.jpg": with_exif("JPEG", exif(t10F="Maker", t110="Model", t112=1, t8298="© A council")),
    "version.jpg": with_exif("JPEG", exif(0x8825, t0=b"\x02\x03\x00\x00")),
    "empty.jpg": with_exif("JPEG", exif(t13B="   ")),
    "tool.png": lambda: saved("PNG", pnginfo=png_text(Software="A tool", Author=" ")),
    "tool.gif": lambda: saved("GIF", comment=b"Made with a tool"),
    "tool.jpg": lambda: saved("JPEG", xmp=xmp('xmp:CreatorTool="A tool" dc:creator=""',
                                              "<dc:creator><rdf:Seq/></dc:creator>")),
    "title.jpg": lambda: with_iptc(5, "A festival"),
}  # fmt: skip


@pytest.fixture
def here(tmp_path: Path, settings: Settings) -> Settings:
    """Settings of an empty project."""
    return settings.model_copy(update={"root": tmp_path})


def found_with(here: Settings, name: str, data: bytes) -> list[Finding]:
    """The findings in an issue that shows this picture."""
    write_issue(here.issues, {})
    (here.issues / "07-winter-2019" / "images" / name).write_bytes(data)
    body = f"::: figure\n![Words](images/{name})\n:::\n\n::: figure\n![And](images/{name})\n:::"
    folder = write_issue(here.issues, {"news": article(body)})
    return content(read_issue(folder, small_registry())[0], here)


@pytest.mark.parametrize("name", TRACES)
def test_traces_are_found(here: Settings, name: str) -> None:
    """Each is one error, where the picture first stands, that says what is held and not by whom."""
    make, trace = TRACES[name]
    (finding,) = found_with(here, name, make())
    place = Place("issues/07-winter-2019/articles/news.md", 2 + FRONT)
    assert (finding.rule, finding.severity) == ("picture-metadata", Severity.ERROR)
    assert finding.place == place
    assert finding.found.endswith(trace)
    assert "Bloggs" not in str(finding)


@pytest.mark.parametrize("name", CLEAN)
def test_what_harms_nobody_is_left_alone(here: Settings, name: str) -> None:
    """Makers, models, tools, titles, copyright notices, and fields that are empty."""
    assert found_with(here, name, CLEAN[name]()) == []


@pytest.mark.parametrize(
    "make",
    [
        lambda: saved("GIF", comment=f"Child {NHS}".encode()),
        lambda: saved("JPEG", comment=f"Child {NHS}".encode()),
        lambda: saved("PNG", pnginfo=png_text(Comment=f"Child {NHS}")),
        with_exif("JPEG", exif(t10E=f"Child {NHS}")),
        with_exif("JPEG", exif(t9C9C=f"Child {NHS}".encode("utf-16-le"))),
        lambda: with_iptc(120, f"Child {NHS}"),
    ],
)
def test_comments_are_read_like_texts(here: Settings, make: Callable[[], bytes]) -> None:
    """A number in a comment or a caption inside the file is found, and masked."""
    data = make()
    name = {b"GI": "a.gif", b"\x89P": "a.png"}.get(data[:2], "a.jpg")
    (finding,) = found_with(here, name, data)
    assert (finding.rule, finding.place.line) == ("nhs-number", 2 + FRONT)
    assert "943 *** **19" in finding.found


@pytest.mark.parametrize("name", ["exif-gps.jpg", "xmp-creator.jpg", "by-line.jpg", "raw.png"])
@hypothesis_settings(max_examples=40)
@given(at=st.floats(0, 1), junk=st.binary(max_size=8))
def test_damaged_files_are_read_as_far_as_they_go(
    tmp_path_factory: pytest.TempPathFactory, name: str, at: float, junk: bytes
) -> None:
    """Whatever stands in a file, reading what it says beside the picture ends, without an error."""
    data = TRACES[name][0]()
    cut = int(at * len(data))
    path = tmp_path_factory.mktemp("damaged") / name
    path.write_bytes(data[:cut] + junk + data[cut + len(junk) :])
    assert read_metadata(path).texts is not None
    path.write_bytes(data[:cut])
    assert read_metadata(path).texts is not None


def test_the_logo_is_looked_at(here: Settings) -> None:
    """Its metadata goes out with every mail; the finding has the line of the settings."""
    (here.root / "images").mkdir()
    (here.root / "images" / "logo.jpg").write_bytes(TRACES["artist.jpg"][0]())
    (here.root / "newsletter.toml").write_text('\n[logo]\nfile = "images/logo.jpg"\n')
    logo = Logo(file="images/logo.jpg", alt="The office")
    folder = write_issue(here.issues, {"news": article("Words.")})
    issue = read_issue(folder, small_registry())[0]
    (finding,) = content(issue, here.model_copy(update={"logo": logo}))
    assert (finding.rule, finding.place) == ("picture-metadata", Place("newsletter.toml", 3))


def test_a_picture_that_is_gone_is_an_error(here: Settings) -> None:
    """What cannot be looked at does not pass."""
    write_issue(here.issues, {}, pictures=["a.png"])
    folder = write_issue(here.issues, {"news": article("::: figure\n![A](images/a.png)\n:::")})
    issue = read_issue(folder, small_registry())[0]
    (folder / "images" / "a.png").unlink()
    (finding,) = content(issue, here)
    assert (finding.rule, finding.severity) == ("picture-metadata", Severity.ERROR)


def test_a_picture_with_a_position_is_not_sent(project: Path) -> None:
    """Check and send end with 1; saved anew without metadata, it goes."""
    office = Office(project)
    office.subscribe(1)
    write_issue(project / "issues", {})
    image = project / "issues" / "07-winter-2019" / "images" / "a.jpg"
    image.write_bytes(TRACES["exif-gps.jpg"][0]())
    body = "::: figure\n![An orange square](images/a.jpg)\n:::"
    write_issue(project / "issues", {"news": article(body)})
    assert "a GPS position" in office.run("check", "7").err
    assert office.run("send", "7", "--yes").code == 1
    image.write_bytes(saved("JPEG"))
    office.ok("send", "7", "--yes")


def test_shipped_pictures_are_clean() -> None:
    """The pictures of the shipped issues hold nothing but the picture."""
    paths = [path for path in (ROOT / "issues").rglob("images/*") if path.is_file()]
    assert paths
    for path in paths:
        assert read_metadata(path).traces == ()
