"""Pictures that a mail cannot carry well are named, each with how to mend it."""

from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image as Picture

from newsletter_mailer.errors import IssueError
from newsletter_mailer.findings import Finding, Severity
from newsletter_mailer.reading.document import Figure, Issue
from newsletter_mailer.reading.issue import read_issue
from tests.projects import FRONT, article, mistakes, small_registry, write_issue

FIGURE = "::: figure\n![A harbour](images/p)\n:::\n"


def issue_with(folder: Path, data: bytes | None, body: str = FIGURE) -> Path:
    """An issue that shows the picture `images/p`, a file of these bytes if any."""
    issue = write_issue(folder, {"news": article(body)})
    if data is not None:
        (issue / "images" / "p").write_bytes(data)
    return issue


def the_mistake(folder: Path, data: bytes | None, body: str = FIGURE) -> Finding:
    """The one finding about that picture."""
    (finding,) = mistakes(issue_with(folder, data, body), small_registry())
    assert finding.place.line == FRONT + 2
    assert finding.severity is Severity.ERROR
    assert finding.expected
    assert finding.mend
    return finding


def accepted(folder: Path, data: bytes, body: str = FIGURE) -> tuple[Issue, list[Finding]]:
    """The issue with that picture, and its warnings."""
    return read_issue(issue_with(folder, data, body), small_registry())


def saved(kind: str, mode: str = "RGB", size: tuple[int, int] = (30, 20)) -> bytes:
    """A still picture's file."""
    file = BytesIO()
    Picture.new(mode, size).save(file, kind)
    return file.getvalue()


def moving(kind: str) -> bytes:
    """A picture's file of three frames that differ."""
    frames = [Picture.new("RGB", (30, 20), colour) for colour in ("red", "green", "blue")]
    file = BytesIO()
    frames[0].save(file, kind, save_all=True, append_images=frames[1:])
    return file.getvalue()


def padded(size: int) -> bytes:
    """A JPEG of so many bytes; what follows its end mark is not part of the picture."""
    return saved("JPEG").ljust(size, b"\0")


def noisy(side: int) -> bytes:
    """A PNG that does not compress."""
    file = BytesIO()
    Picture.effect_noise((side, side), 100).convert("RGB").save(file, "PNG")
    return file.getvalue()


def test_a_picture_of_a_million_bytes_is_the_largest(tmp_path: Path) -> None:
    """1,000,000 bytes pass; one more is an error."""
    _, findings = accepted(tmp_path / "fits", padded(1_000_000))
    assert findings == []
    finding = the_mistake(tmp_path / "over", padded(1_000_001))
    assert finding.rule == "image-too-large"
    assert "1,000,001 bytes, 30 × 20 pixels" in finding.found
    assert finding.expected == "at most 1,000,000 bytes"
    assert "1,200 pixels wide" in finding.mend


def test_a_large_photograph_is_shown_with_its_size(tmp_path: Path) -> None:
    """A real picture of over a million bytes is refused with its bytes and pixels."""
    data = noisy(1_200)
    assert 1_000_000 < len(data) < 5_000_000
    finding = the_mistake(tmp_path, data)
    assert f"{len(data):,} bytes, 1,200 × 1,200 pixels" in finding.found


def test_an_enormous_file_is_refused_unopened(tmp_path: Path) -> None:
    """Over 5,000,000 bytes nothing is decoded, and the limit of a million is still named."""
    finding = the_mistake(tmp_path, b"\0" * 5_000_001)
    assert finding.rule == "image-too-large"
    assert "5,000,001 bytes" in finding.found
    assert finding.expected.startswith("at most 1,000,000 ")


def test_a_picture_in_the_colours_of_print_is_refused(tmp_path: Path) -> None:
    """A CMYK JPEG is named as such; the same in RGB or grey passes."""
    finding = the_mistake(tmp_path / "print", saved("JPEG", "CMYK"))
    assert finding.rule == "image-cmyk"
    assert "CMYK" in finding.found
    assert "RGB" in finding.mend
    for mode in ("RGB", "L"):
        assert accepted(tmp_path / mode, saved("JPEG", mode))[1] == []


@pytest.mark.parametrize(
    "target", ["https://example.org/a.png", "http://example.org/a.png", "//example.org/a.png"]
)
def test_a_picture_on_the_web_is_not_fetched(tmp_path: Path, target: str) -> None:
    """An address is refused with the advice to copy the picture; no socket is opened."""
    finding = the_mistake(tmp_path, None, f"::: figure\n![A harbour]({target})\n:::")
    assert finding.rule == "image-outside"
    assert "on the web" in finding.found
    assert target in finding.found
    assert "Copy the picture there" in finding.mend


def test_a_missing_picture_is_named_with_what_is_there(tmp_path: Path) -> None:
    """A name that no file has is refused, and the files that exist are listed."""
    issue = write_issue(tmp_path, {"news": article(FIGURE)}, pictures=["quay.png", "boats.png"])
    (finding,) = mistakes(issue, small_registry())
    assert finding.rule == "missing-image"
    assert finding.expected == "one of images/boats.png, images/quay.png"


@pytest.mark.parametrize("make", [lambda: saved("WEBP"), lambda: saved("BMP"), lambda: b"<svg/>"])
def test_a_kind_that_mail_programs_do_not_show_is_refused(
    tmp_path: Path, make: Callable[[], bytes]
) -> None:
    """WebP, BMP and SVG are refused by what the file holds, not by its name."""
    finding = the_mistake(tmp_path, make())
    assert finding.rule == "image-kind"
    assert "PNG or JPEG" in finding.mend


def test_a_picture_of_too_many_pixels_is_refused(tmp_path: Path) -> None:
    """5,000 pixels a side pass; 5,001 are refused with both sides named."""
    assert accepted(tmp_path / "fits", saved("PNG", "1", (5_000, 2)))[1] == []
    finding = the_mistake(tmp_path / "over", saved("PNG", "1", (2, 5_001)))
    assert finding.rule == "image-too-large"
    assert "2 × 5,001 pixels" in finding.found


@pytest.mark.parametrize("kind", ["GIF", "PNG"])
def test_a_moving_picture_is_kept_with_a_warning(tmp_path: Path, kind: str) -> None:
    """An animated GIF or PNG is read, and each place that shows it gets a warning."""
    issue, findings = accepted(tmp_path, moving(kind), FIGURE * 2)
    assert [block.kind for block in issue.articles[0].blocks if isinstance(block, Figure)] == [
        "figure",
        "figure",
    ]
    assert [finding.rule for finding in findings] == ["image-animated"] * 2
    assert [finding.place.line for finding in findings] == [FRONT + 2, FRONT + 5]
    assert {finding.severity for finding in findings} == {Severity.WARNING}
    assert all("one frame" in finding.mend for finding in findings)


@pytest.mark.parametrize("kind", ["GIF", "PNG", "JPEG"])
def test_a_still_picture_gives_no_finding(tmp_path: Path, kind: str) -> None:
    """A small picture of each kind passes, with its true size."""
    issue, findings = accepted(tmp_path, saved(kind))
    assert findings == []
    (figure,) = issue.articles[0].blocks
    assert isinstance(figure, Figure)
    assert (figure.image.width, figure.image.height) == (30, 20)


def test_all_pictures_are_reported_at_once(tmp_path: Path) -> None:
    """Three wrong pictures of one article are three findings, each at its own line."""
    body = FIGURE + FIGURE.replace("images/p", "images/q") + FIGURE.replace("images/p", "images/r")
    issue = issue_with(tmp_path, saved("JPEG", "CMYK"), body)
    (issue / "images" / "q").write_bytes(padded(2_000_000))
    with pytest.raises(IssueError) as raised:
        read_issue(issue, small_registry())
    found = [(finding.rule, finding.place.line - FRONT) for finding in raised.value.findings]
    assert found == [("image-cmyk", 2), ("image-too-large", 5), ("missing-image", 8)]
