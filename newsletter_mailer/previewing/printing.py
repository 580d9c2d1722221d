"""PDF: a mail as Chromium prints it, where there is one."""

import asyncio
import os
import shutil
import tempfile
from pathlib import Path

from newsletter_mailer.errors import NewsletterError, UsageError

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "msedge")
_PATIENCE = 60
"""Seconds for one page."""

# It reads one file and nothing else: no name leads anywhere, and nothing is kept.
_FLAGS = (
    "--headless",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND",
    "--no-pdf-header-footer",
)


def chromium() -> str | None:
    """Where Chromium, or a browser made of it, is on this machine."""
    return next((path for name in _NAMES if (path := shutil.which(name))), None)


async def pdf(html: str) -> bytes:
    """A page, pictures inside it, as PDF.

    Raises:
        UsageError: there is no Chromium.
        NewsletterError: it does not print the page, or takes more than a minute.
    """
    browser = chromium()
    if browser is None:
        raise UsageError("A PDF needs Chromium or Chrome, and there is none on this machine.")
    with tempfile.TemporaryDirectory(prefix="newsletter-") as name:
        folder = Path(name)
        (folder / "mail.html").write_text(html, encoding="utf-8")
        out = folder / "mail.pdf"
        # Chromium refuses to shut itself in where the administrator runs it.
        alone = [] if os.geteuid() else ["--no-sandbox"]
        process = await asyncio.create_subprocess_exec(
            browser,
            *_FLAGS,
            *alone,
            f"--user-data-dir={folder / 'profile'}",
            f"--print-to-pdf={out}",
            (folder / "mail.html").as_uri(),
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        try:
            await asyncio.wait_for(process.wait(), _PATIENCE)
        except TimeoutError as error:
            raise NewsletterError("Chromium took more than a minute for the PDF.") from error
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        if not out.is_file():
            raise NewsletterError("Chromium made no PDF of this page.")
        return out.read_bytes()
