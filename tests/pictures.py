"""Makes the pictures of the README: `make pictures`."""

import io
import sys
from pathlib import Path
from typing import Literal

from PIL import Image
from playwright.sync_api import ViewportSize

from newsletter_mailer.compiling.compiler import Compiler
from newsletter_mailer.reading.agencies import read_registry
from newsletter_mailer.reading.issue import find_issue, read_issue
from newsletter_mailer.settings import load_settings
from tests.browser import chromium
from tests.test_browser import READER
from tests.test_compiling import variant_for

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "docs" / "pictures"
COLOURS = 48
HEIGHT = 1100
GAP = 16
BEHIND = (200, 208, 214)

Scheme = Literal["light", "dark"]
View = tuple[str, int, Scheme]

AGENCIES = ("gp", "primary-schools", "police")
HERO: list[View] = [
    ("gp", 640, "light"),
    ("primary-schools", 375, "light"),
    ("police", 375, "dark"),
]
FOUR_VIEWS: list[tuple[int, Scheme]] = [
    (640, "light"),
    (375, "light"),
    (640, "dark"),
    (375, "dark"),
]


def main() -> None:
    """Picture issue 6 as three readers see it: one sheet of all, and one each in four views."""
    settings = load_settings(ROOT)
    registry = read_registry(settings.agencies_file, "subscribers/agencies.yaml")
    issue, _ = read_issue(find_issue(settings.issues, "6"), registry)
    emails = Compiler(settings).compile(issue, registry)
    FOLDER.mkdir(parents=True, exist_ok=True)

    def html(agency: str) -> str:
        name = registry.agency(agency).name
        mail = variant_for(emails, agency).html_with_images("")
        return mail.fill({**READER, "agency_name": name})

    with chromium() as browser:

        def shot(agency: str, width: int, scheme: Scheme) -> Image.Image:
            size: ViewportSize = {"width": width, "height": HEIGHT}
            page = browser.new_page(viewport=size, color_scheme=scheme)
            page.set_content(html(agency))
            picture = Image.open(io.BytesIO(page.screenshot()))
            page.close()
            return picture

        _sheet("issue-6", [shot(*view) for view in HERO], 1.0)
        for agency in AGENCIES:
            _sheet(f"issue-6-{agency}", [shot(agency, *view) for view in FOUR_VIEWS], 0.6)


def _sheet(name: str, shots: list[Image.Image], scale: float) -> None:
    """Save pictures side by side as one, small enough for a repository."""
    width = sum(shot.width + GAP for shot in shots) - GAP
    sheet = Image.new("RGB", (width, HEIGHT), BEHIND)
    left = 0
    for shot in shots:
        sheet.paste(shot, (left, 0))
        left += shot.width + GAP
    sheet = sheet.resize((round(width * scale), round(HEIGHT * scale)), Image.Resampling.LANCZOS)
    path = FOLDER / f"{name}.png"
    sheet.quantize(COLOURS).save(path, optimize=True)
    sys.stdout.write(f"{path.relative_to(ROOT)}: {path.stat().st_size:,} bytes\n")


if __name__ == "__main__":
    main()
