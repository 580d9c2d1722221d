"""Makes the pictures of the README: `make pictures`."""

import io
import sys
from pathlib import Path
from typing import Literal

from PIL import Image

from newsletter_mailer.compiling.compiler import Compiler
from newsletter_mailer.reading.agencies import read_registry
from newsletter_mailer.reading.issue import find_issue, read_issue
from newsletter_mailer.settings import load_settings
from tests.browser import chromium
from tests.test_browser import READER
from tests.test_compiling import variant_for

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "docs" / "pictures"
COLOURS = 96
HEIGHT = 1000

VIEWS: list[tuple[str, int, Literal["light", "dark"]]] = [
    ("gp", 640, "light"),
    ("primary-schools", 375, "light"),
    ("police", 375, "dark"),
]


def main() -> None:
    """Picture issue 6 as three readers see it, side by side."""
    settings = load_settings(ROOT)
    registry = read_registry(settings.agencies_file, "subscribers/agencies.yaml")
    issue, _ = read_issue(find_issue(settings.issues, "6"), registry)
    emails = Compiler(settings).compile(issue, registry)
    shots = []
    with chromium() as browser:
        for agency, width, scheme in VIEWS:
            html = variant_for(emails, agency).html_with_images("")
            page = browser.new_page(
                viewport={"width": width, "height": HEIGHT}, color_scheme=scheme
            )
            page.set_content(html.fill({**READER, "agency_name": registry.agency(agency).name}))
            shots.append(Image.open(io.BytesIO(page.screenshot())))
            page.close()
    gap = 16
    sheet = Image.new(
        "RGB", (sum(shot.width + gap for shot in shots) - gap, HEIGHT), (200, 208, 214)
    )
    left = 0
    for shot in shots:
        sheet.paste(shot, (left, 0))
        left += shot.width + gap
    FOLDER.mkdir(parents=True, exist_ok=True)
    path = FOLDER / "issue-6.png"
    sheet.quantize(COLOURS).save(path, optimize=True)
    sys.stdout.write(f"{path.relative_to(ROOT)}: {path.stat().st_size:,} bytes\n")


if __name__ == "__main__":
    main()
