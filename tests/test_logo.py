"""The logo: in every masthead if the settings name one, and said so if they name it wrongly."""

from pathlib import Path

import pytest
from PIL import Image

from tests.office import Office, part_of

SECTION = '\n[logo]\nfile = "images/logo.png"\nalt = "Harbour \\"Board\\" é"\nwidth = 120\n'


@pytest.fixture
def office(project: Path) -> Office:
    """An office whose settings name a logo."""
    (project / "images").mkdir()
    Image.new("RGB", (240, 80), (240, 180, 41)).save(project / "images" / "logo.png")
    settings = project / "newsletter.toml"
    settings.write_text(settings.read_text(encoding="utf-8") + SECTION, encoding="utf-8")
    return Office(project)


def test_the_logo_is_in_every_mail(office: Office) -> None:
    """It travels with each message, has its alternative text and size, and checks stay clean."""
    assert "no findings" in office.ok("check", "6").out
    office.subscribe(5)
    office.ok("send", "6", "--yes")
    for mail in office.mails():
        html = part_of(mail, "html")
        pictures = [part for part in mail.walk() if part.get_content_type() == "image/png"]
        assert len(pictures) == 2
        where = next(
            name for part in pictures if (name := part["Content-ID"].strip("<>"))[:5] == "logo-"
        )
        assert f'src="cid:{where}" alt="Harbour &#34;Board&#34; &#233;" width="120"' in html


def test_the_logo_is_in_builds_and_pages(office: Office) -> None:
    """A build holds its file once, and each page links it."""
    office.ok("build", "6", "--out", "out")
    names = [path.name for path in (office.folder / "out" / "images").iterdir()]
    logo = next(name for name in names if name.startswith("logo-"))
    for path in (office.folder / "out" / "web").iterdir():
        assert f"/archive/06-autumn-2018/images/{logo}" in path.read_text(encoding="utf-8")


@pytest.mark.parametrize("file", ["images/gone.png", "newsletter.toml", "../x.png"])
def test_a_wrong_logo_is_a_mistake_in_the_settings(office: Office, file: str) -> None:
    """A file that is missing, elsewhere or no picture is named: exit code 2."""
    settings = office.folder / "newsletter.toml"
    text = settings.read_text(encoding="utf-8")
    settings.write_text(text.replace("images/logo.png", file), encoding="utf-8")
    for words in (("check", "6"), ("build", "6", "--out", "out")):
        result = office.run(*words)
        assert result.code == 2
        assert "logo.file" in result.err
        assert file in result.err
