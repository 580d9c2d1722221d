"""A save, and the moment it is seen in the browser: issue 6, one article changed each time.

The clock starts before the file is written, and stops at the first frame that the browser draws
after the words are in the mail's document. Both times are the machine's own, so that nothing of
the benchmark's own way to the browser counts. Between two saves the preview has time to check
the mails, as an editor would leave it.

Beside it run the preview servers of react-email and Maizzle, each with the issue's text as one mail
(`comparable_mail.py`). All are open in one browser, and are saved to in turn.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from lxml.html import HtmlElement
from playwright.sync_api import Browser, Page

from benchmarks.comparable_mail import LAST_WORDS, articles_of, maizzle_mail, react_mail
from benchmarks.node_tools import MAIZZLE, REACT_EMAIL, NodeError
from benchmarks.other_previews import Served, maizzle, react_email
from benchmarks.report import ROOT, ratios, table, times
from newsletter_mailer.reading.agencies import read_registry
from newsletter_mailer.reading.issue import find_issue, read_issue
from newsletter_mailer.settings import load_settings
from tests.browser import chromium

ROUNDS = 7
WARM = 2
"""Saves that are not counted: the first ones meet cold caches."""

PAUSE = 0.7
"""Seconds after each save, in which the others' previews lie still too."""

TARGET = 0.2
"""Seconds; the median is to be under it."""

_PATIENCE = 60.0
_ARTICLE = "youth-service"
_OTHERS: dict[str, tuple[Callable[[str], AbstractContextManager[Served]], Callable[..., str]]] = {
    f"react-email {REACT_EMAIL['react-email']}": (react_email, react_mail),
    f"Maizzle {MAIZZLE['@maizzle/framework']}": (maizzle, maizzle_mail),
}

# Each frame that is drawn is looked through for the words that a save wrote. The mail is in a
# frame, or is the page itself.
_WATCH = r"""
window.seenAt = {};
window.mailShown = () => {
  const frames = [...document.querySelectorAll('iframe')].map((frame) => frame.contentDocument);
  const mails = frames.filter((mail) => mail?.body?.textContent);
  return mails[0] ?? document;
};
const look = () => {
  for (const [words] of (window.mailShown().body?.textContent ?? '').matchAll(/save-\d+-end/g)) {
    window.seenAt[words] ??= performance.timeOrigin + performance.now();
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
        """Write new words at the end of an article, and wait until they are seen."""
        words = f"save-{number}-end"
        before = LAST_WORDS if number == 0 else f"save-{number - 1}-end"
        text = self.file.read_text(encoding="utf-8").replace(before, words)
        began = time.time()
        self.file.write_text(text, encoding="utf-8")
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
    with tempfile.TemporaryDirectory() as folder, ExitStack() as open_:
        browser = open_.enter_context(chromium())
        ours = open_.enter_context(_this_program(browser, Path(folder) / "project"))
        shown = {"this program": ours}
        for name, (serving, mail) in _OTHERS.items():
            try:
                served = open_.enter_context(serving(mail(_articles())))
            except NodeError as error:
                print(f"Left out {name}: {error}.")
            else:
                shown[name] = Shown(_opened(browser, served.url), served.file)
        for number in range(WARM + ROUNDS):
            for each in shown.values():
                each.page.bring_to_front()
                time.sleep(PAUSE)
                each.save(number, counts=number >= WARM)
    _print({name: each.seconds for name, each in shown.items()})


def _print(seconds: dict[str, list[float]]) -> None:
    head = ("median", "lowest", "highest")
    table(
        f"From a save to the words in the browser, {ROUNDS} saves",
        ("time", *head),
        [(name, *times(taken)) for name, taken in seconds.items()],
    )
    ours = seconds.pop("this program")
    table(
        f"Beside the target of {TARGET * 1000:.0f} ms, and the others",
        ("ratio: how many times as long", *head),
        [
            ("this program : the target", *ratios(ours, [TARGET] * ROUNDS)),
            *((f"{name} : this program", *ratios(taken, ours)) for name, taken in seconds.items()),
        ],
    )


def _articles() -> list[HtmlElement]:
    """Issue 6's articles, for the others' mail."""
    settings = load_settings(ROOT)
    registry = read_registry(settings.agencies_file, "subscribers/agencies.yaml")
    folder = find_issue(settings.issues, "6")
    issue, _ = read_issue(folder, registry)
    return articles_of(folder, [article.id for article in issue.every_article], _ARTICLE)


@contextmanager
def _this_program(browser: Browser, folder: Path) -> Iterator[Shown]:
    """`newsletter preview 6` on a copy of the project."""
    folder.mkdir()
    for name in ("issues", "templates", "subscribers"):
        shutil.copytree(ROOT / name, folder / name)
    shutil.copy(ROOT / "newsletter.toml", folder)
    article = find_issue(folder / "issues", "6") / "articles" / f"{_ARTICLE}.md"
    with article.open("a", encoding="utf-8") as file:
        file.write(f"\n{LAST_WORDS}\n")
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
            process.terminate()


def _opened(browser: Browser, url: str) -> Page:
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    page.add_init_script(_WATCH)
    page.goto(url)
    end = time.monotonic() + _PATIENCE
    while not page.evaluate(f"() => window.mailShown().body.innerText.includes('{LAST_WORDS}')"):
        if time.monotonic() > end:
            raise RuntimeError(f"{url} shows no mail")
        time.sleep(0.1)
    return page
