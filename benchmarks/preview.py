"""A save, and the moment it is seen in the browser: issue 6, one article changed each time.

The clock starts before the file is written, and stops at the first frame that the browser draws
after the words are in the mail's document. Both times are the machine's own, so that nothing of
the benchmark's own way to the browser counts. Between two saves the preview has time to check
the mails, as an editor would leave it.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import Browser, Page

from benchmarks.report import ROOT, ratios, table, times
from tests.browser import chromium

ROUNDS = 25
WARM = 3
"""Saves that are not counted: the first ones meet cold caches."""

PAUSE = 1.5
"""Seconds between two saves."""

TARGET = 0.2
"""Seconds; the median is to be under it."""

_PATIENCE = 60.0
_ARTICLE = "issues/06-autumn-2018/articles/youth-service.md"

# Each frame that is drawn is looked through for the words that a save wrote.
_WATCH = r"""
window.seenAt = {};
const look = () => {
  const frames = [...document.querySelectorAll('iframe')].map((frame) => {
    try { return frame.contentDocument; } catch { return null; }
  });
  for (const page of [document, ...frames]) {
    for (const [words] of (page?.body?.textContent ?? '').matchAll(/save-\d+-end/g)) {
      window.seenAt[words] ??= performance.timeOrigin + performance.now();
    }
  }
  requestAnimationFrame(look);
};
requestAnimationFrame(look);
"""


@dataclass(slots=True)
class Shown:
    """A preview in the browser, the file that is saved, and the seconds of each round."""

    page: Page
    file: Path
    seconds: list[float] = field(default_factory=list)

    def save(self, number: int, *, counts: bool) -> None:
        """Write new words at the end of the text, and wait until they are seen."""
        words = f"save-{number}-end"
        text = self.file.read_text(encoding="utf-8")
        marked = text.replace("LAST-WORDS", words) if "LAST-WORDS" in text else None
        new = marked or text.replace(f"save-{number - 1}-end", words)
        began = time.time()
        self.file.write_text(new, encoding="utf-8")
        seen = None
        while seen is None:
            if time.time() - began > _PATIENCE:
                raise RuntimeError(f"{self.file.name} was saved, and never seen")
            time.sleep(0.02)
            seen = self.page.evaluate(f"() => window.seenAt?.['{words}'] ?? null")
        if counts:
            self.seconds.append(seen / 1000 - began)


def measure() -> None:
    """Run all rounds, and print them."""
    with ExitStack() as open_, tempfile.TemporaryDirectory() as folder:
        browser = open_.enter_context(chromium())
        ours = open_.enter_context(_this_program(browser, Path(folder) / "project"))
        for number in range(WARM + ROUNDS):
            ours.save(number, counts=number >= WARM)
            time.sleep(PAUSE)
    head = ("median", "lowest", "highest")
    table(
        f"From a save to the words in the browser, issue 6, {ROUNDS} saves",
        ("time", *head),
        [("this program", *times(ours.seconds))],
    )
    table(
        f"Beside the target of {TARGET * 1000:.0f} ms",
        ("ratio: how many times as long", *head),
        [("this program : the target", *ratios(ours.seconds, [TARGET] * ROUNDS))],
    )


@contextmanager
def _this_program(browser: Browser, folder: Path) -> Iterator[Shown]:
    """`newsletter preview 6` on a copy of the project."""
    folder.mkdir()
    for name in ("issues", "templates", "subscribers"):
        shutil.copytree(ROOT / name, folder / name)
    shutil.copy(ROOT / "newsletter.toml", folder)
    article = folder / _ARTICLE
    with article.open("a", encoding="utf-8") as file:
        file.write("\nLAST-WORDS\n")
    command = [sys.executable, "-m", "newsletter_mailer", "preview", "6", "--port", "0"]
    with subprocess.Popen(
        [*command, "--no-open", "--json"],
        cwd=folder,
        env={**os.environ, "NEWSLETTER_LINKS__CHECK": "false"},
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            if process.stdout is None:
                raise RuntimeError("the preview has no pipe")
            said = ""
            while not said.rstrip().endswith("}"):
                said += process.stdout.readline()
            yield Shown(_opened(browser, json.loads(said)["url"]), article)
        finally:
            process.send_signal(signal.SIGINT)


def _opened(browser: Browser, url: str) -> Page:
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    page.add_init_script(_WATCH)
    page.goto(url)
    page.wait_for_selector("iframe")
    time.sleep(PAUSE)
    return page
