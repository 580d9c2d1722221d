"""The preview in a real browser, as an editor has it open while writing."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests.browser import SCHEMES, chromium, faults, take_picture
from tests.office import Office
from tests.projects import copied_project

pytestmark = pytest.mark.browser

ARTICLE = "issues/06-autumn-2018/articles/youth-service.md"
PATIENCE = 60.0
"""Seconds in which whatever is waited for must come, also on a busy machine."""

_MAIL = "document.querySelector('#mail')?.contentDocument?.body?.textContent ?? ''"


class Editor:
    """An editor with the preview open beside the files."""

    def __init__(self, page: Page, folder: Path, url: str) -> None:
        self.page = page
        self.folder = folder
        self.url = url
        self.errors: list[str] = []
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("console", lambda said: self._hear(said.type, said.text))

    def _hear(self, kind: str, text: str) -> None:
        if kind == "error":
            self.errors.append(text)

    def open(self, choice: str = "") -> None:
        """Open the page, and wait for the mail."""
        self.page.goto(f"{self.url}#{choice}")
        self.page.reload()
        self.until("document.body.dataset.shown")

    def until(self, expression: str) -> None:
        """Wait until something holds in the page, whose policy forbids Playwright's own waiting."""
        end = time.monotonic() + PATIENCE
        while not self.page.evaluate(f"() => Boolean({expression})"):
            assert time.monotonic() < end, f"never: {expression}"
            time.sleep(0.02)

    def until_mail_has(self, words: str) -> None:
        """Wait until the mail says something."""
        self.until(f"({_MAIL}).includes({json.dumps(words)})")

    def in_mail(self, expression: str) -> object:
        """Something of the mail's own document, called `mail`."""
        mail = "document.querySelector('#mail').contentDocument"
        return self.page.evaluate(f"() => {{ const mail = {mail}; return {expression}; }}")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One Chromium for all tests here."""
    with chromium() as running:
        yield running


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    """A project whose issue 6 is previewed by a process of its own, and the preview's address."""
    folder = tmp_path_factory.mktemp("previewed") / "project"
    copied_project(folder)
    process, url = start(folder)
    yield folder, url
    assert end(process) == 0


@pytest.fixture
def editor(browser: Browser, served: tuple[Path, str]) -> Iterator[Editor]:
    """An editor at a wide screen. Whatever is done to the article is undone, with no error."""
    folder, url = served
    article = folder / ARTICLE
    before = article.read_bytes()
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    made = Editor(page, folder, url)
    yield made
    page.close()
    article.write_bytes(before)
    assert made.errors == []


def start(folder: Path) -> tuple[subprocess.Popen[str], str]:
    """Start `newsletter preview 6`; its process and its address."""
    quiet = {"NEWSLETTER_LINKS__CHECK": "false"}
    process = Office(folder).start("preview", "6", "--port", "0", "--no-open", "--json", **quiet)
    assert process.stdout is not None
    said = ""
    while not said.rstrip().endswith("}"):
        line = process.stdout.readline()
        assert line, process.communicate()
        said += line
    return process, json.loads(said)["url"]


def end(process: subprocess.Popen[str]) -> int:
    """Press Ctrl-C; the exit code of a preview that ends within seconds."""
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=20)
    assert "Traceback" not in said
    return process.returncode


def test_an_edit_on_disk_is_seen_where_one_reads(editor: Editor) -> None:
    """A save changes the mail in place: no reload, and the place where one reads stays."""
    editor.open()
    editor.page.evaluate("window.mark = 'still the same page'")
    editor.in_mail("mail.defaultView.scrollTo(0, 1500)")
    article = editor.folder / ARTICLE
    text = article.read_text(encoding="utf-8")
    article.write_text(f"{text}\nThe kettle is on at four.\n", encoding="utf-8")
    editor.until_mail_has("The kettle is on at four.")
    assert editor.in_mail("mail.defaultView.scrollY") == 1500
    assert editor.page.evaluate("window.mark") == "still the same page"


def test_broken_front_matter_shows_the_mistake_and_the_last_good_view(editor: Editor) -> None:
    """The message has file and line, the mail stays, and a mended file clears the message."""
    editor.open()
    article = editor.folder / ARTICLE
    text = article.read_text(encoding="utf-8")
    article.write_text(text.replace("title:", "titel:", 1), encoding="utf-8")
    editor.until("!document.querySelector('#trouble').hidden")
    trouble = editor.page.locator("#trouble")
    assert "as it was at" in trouble.inner_text()
    place = trouble.locator("a.place").first
    assert place.inner_text() == "youth-service.md, line 2"
    assert place.get_attribute("href") == f"vscode://file{article}:2"
    editor.until_mail_has("Safeguarding news")
    take_picture(editor.page, "preview-broken", full_page=False)
    article.write_text(text.replace("title: ", "title: Fresh ", 1), encoding="utf-8")
    editor.until("document.querySelector('#trouble').hidden")
    editor.until_mail_has("Fresh ")


def test_agency_and_width_are_switched_by_keyboard(editor: Editor) -> None:
    """Keys work on the page and inside the mail, and not while somebody writes in a field."""
    editor.open("agency=police")
    editor.until_mail_has("For Leicestershire Police")
    before = editor.page.locator("#agency").input_value()
    editor.page.keyboard.press("a")
    editor.until(f"document.querySelector('#agency').value !== '{before}'")
    name = editor.page.locator("#agency option:checked").inner_text()
    editor.until_mail_has(f"For {name}")
    editor.page.keyboard.press("Shift+A")
    editor.until(f"document.querySelector('#agency').value === '{before}'")
    editor.page.keyboard.press("1")
    editor.until("document.querySelector('#mail').clientWidth === 375")
    editor.page.frame_locator("#mail").locator("h1").click()
    editor.page.keyboard.press("2")
    editor.until("document.querySelector('#mail').clientWidth === 800")
    editor.page.keyboard.press("r")
    editor.until_mail_has("Hello,")


def test_every_view_shows_the_mail_in_its_way(editor: Editor) -> None:
    """Colours, pictures, text, source, message, archive page and print, each by its key."""
    editor.open()
    colour = "getComputedStyle(mail.querySelector('.card')).backgroundColor"
    assert editor.in_mail(colour) == "rgb(255, 255, 255)"
    editor.page.keyboard.press("d")
    editor.until("document.querySelector('#device').classList.contains('dark')")
    assert editor.in_mail(colour) == "rgb(22, 33, 43)"
    editor.page.keyboard.press("i")
    editor.until("document.querySelector('#device').classList.contains('forced')")
    assert "invert" in str(editor.in_mail("getComputedStyle(mail.documentElement).filter"))
    editor.page.keyboard.press("l")
    loaded = "[...mail.images].filter((image) => image.naturalWidth > 0).length"
    editor.until("document.querySelector('#device').classList.contains('light')")
    assert editor.in_mail("getComputedStyle(mail.documentElement).filter") == "none"
    editor.until(
        "[...document.querySelector('#mail').contentDocument.images].every((i) => i.naturalWidth)"
    )
    assert editor.in_mail(loaded) == editor.in_mail("mail.images.length") != 0
    editor.page.keyboard.press("p")
    editor.until("!document.querySelector('#images').checked")
    assert editor.in_mail(loaded) == 0
    editor.page.keyboard.press("p")
    for key, words in (
        ("t", "Dear Asha,"),
        ("h", "<!DOCTYPE html>"),
        ("e", "MIME-Version: 1.0"),
    ):
        editor.page.keyboard.press(key)
        editor.until(f"document.querySelector('#words').textContent.includes({json.dumps(words)})")
    editor.page.keyboard.press("w")
    editor.until(f"!({_MAIL}).includes('Dear Asha,')")
    editor.page.keyboard.press("o")
    editor.until("document.querySelector('#device').classList.contains('paper')")
    editor.until_mail_has("Dear Asha,")
    editor.page.keyboard.press("?")
    assert "Next agency" in editor.page.locator("#help").inner_text()


def test_a_finding_leads_to_its_place_in_the_mail(editor: Editor) -> None:
    """A click on a problem scrolls the mail to it, in a version that has it; the file is named."""
    article = editor.folder / ARTICLE
    text = article.read_text(encoding="utf-8")
    wrapped = "https://eur01.safelinks.protection.outlook.com/?url=https%3A%2F%2Fexample.org"
    more = f"\n::: only gp\nSee [the wrapped page]({wrapped}).\n:::\n"
    editor.open("agency=police")
    article.write_text(text + more, encoding="utf-8")
    editor.until("document.querySelector('#problems .jump')")
    finding = editor.page.locator("#problems li").first
    line = len(text.splitlines()) + 3
    assert f"youth-service.md, line {line}" in finding.inner_text()
    finding.locator(".jump").click()
    editor.until("document.querySelector('#agency').value === 'gp'")
    shown = """(() => {
        const mail = document.querySelector('#mail').contentDocument;
        const link = [...mail.links].find((each) => each.textContent === 'the wrapped page');
        const box = link?.getBoundingClientRect();
        return box && box.top > 0 && box.bottom < mail.defaultView.innerHeight;
    })()"""
    editor.until(shown)
    assert "safelinks" not in str(editor.in_mail("mail.location.href"))


def test_the_matrix_shows_every_version(editor: Editor) -> None:
    """All 22 versions as live pictures, with what the default has not outlined; and the table."""
    editor.open()
    editor.page.keyboard.press("v")
    editor.until("document.querySelectorAll('.card').length === 22")
    for card in editor.page.locator(".card").all():
        card.scroll_into_view_if_needed()
    editor.until("document.querySelectorAll('.thumb[data-ready]').length === 22")
    editor.page.evaluate("document.querySelector('#stage').scrollTo(0, 0)")
    take_picture(editor.page, "preview-versions", full_page=False)
    told = """[...document.querySelectorAll('.thumb')].map((thumb) => {
        const mail = thumb.querySelector('iframe').contentDocument;
        const marked = mail.querySelectorAll('[style*=outline-offset]').length;
        return [mail.body.textContent.length > 5000, marked];
    })"""
    thumbs = editor.page.evaluate(f"() => {told}")
    assert all(full for full, _ in thumbs)
    assert thumbs[0][1] == 0
    assert all(marked for _, marked in thumbs[1:])
    editor.page.keyboard.press("c")
    editor.until("document.querySelectorAll('.coverage tbody tr').length > 10")
    assert editor.page.locator(".coverage thead .agency").count() == 33
    editor.page.keyboard.press("v")
    card = editor.page.locator(".card").nth(5)
    name = card.locator(".thumb").get_attribute("data-version")
    card.locator("button").click()
    editor.until(f"document.querySelector('#agency').value === '{name}'")
    editor.until("!document.querySelector('#page-mail').hidden")


def test_the_preview_s_own_pages_are_for_everyone(editor: Editor) -> None:
    """No fault by WCAG 2.2 A and AA on any page or dialog, in light and in dark."""
    page = editor.page

    def look(name: str) -> None:
        for scheme in SCHEMES:
            page.emulate_media(color_scheme=scheme)
            take_picture(page, f"preview-{name}-{scheme}", full_page=False)
            # What is inside the frames is the mail's own affair, and tested as such.
            assert not (found := faults(page, frames=False)), f"{name} {scheme}: {found}"

    editor.open()
    editor.until("!document.querySelector('#count').textContent.includes('looked')")
    for key in ("m", "3", "t", "v", "c", "?"):
        page.keyboard.press(key)
        page.wait_for_timeout(300)
        look("help" if key == "?" else key)
    page.keyboard.press("Escape")
    (editor.folder / ARTICLE).write_bytes(b"broken")
    editor.until("!document.querySelector('#trouble').hidden")
    look("trouble")


def test_a_test_is_sent_from_the_page(editor: Editor) -> None:
    """The dialog sends one letter to the address, and says what became of it."""
    editor.open("agency=gp")
    editor.until("!document.querySelector('#count').textContent.includes('looked')")
    editor.page.get_by_text("Share", exact=True).click()
    editor.page.get_by_role("button", name="Send a test to myself").click()
    editor.page.get_by_label("My address").fill("me@example.org")
    editor.page.get_by_role("button", name="Send", exact=True).click()
    editor.until("document.querySelector('#test-answer').textContent.includes('var/outbox/test')")
    assert len(list((editor.folder / "var" / "outbox" / "test").glob("*.eml"))) == 1


def test_a_pdf_is_made_of_a_version(editor: Editor) -> None:
    """Where Chromium is, the mail comes as PDF."""
    editor.open()
    answer = editor.page.request.get(f"{editor.url}files/gp.pdf")
    assert answer.status == 200
    assert answer.body().startswith(b"%PDF-")


def test_a_folder_opens_without_the_program(browser: Browser, project: Path) -> None:
    """From the disk, with nothing served: every view and the matrix, and no way to do harm."""
    target = project / "handed-on"
    Office(project).ok("preview", "6", "--export", str(target))
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    editor = Editor(page, target, (target / "index.html").as_uri())
    editor.open("agency=gp")
    editor.until_mail_has("For GP practices")
    page.keyboard.press("r")
    editor.until_mail_has("Hello,")
    page.keyboard.press("w")
    editor.until(f"!({_MAIL}).includes('Hello,')")
    page.keyboard.press("e")
    editor.until("document.querySelector('#words').textContent.includes('MIME-Version: 1.0')")
    page.keyboard.press("v")
    editor.until("document.querySelectorAll('.thumb[data-ready]').length > 3")
    page.get_by_text("Share", exact=True).click()
    assert page.get_by_role("button", name="Send a test").count() == 0
    link = page.get_by_role("link", name="Download as mail").get_attribute("href")
    assert link is not None
    assert (target / link).is_file()
    assert editor.errors == []
    page.close()


def test_fifty_saves_in_ten_seconds(browser: Browser, tmp_path: Path) -> None:
    """The last one is shown, memory stays flat, and Ctrl-C ends it with the page still open."""
    folder = tmp_path / "project"
    copied_project(folder)
    process, url = start(folder)
    page = browser.new_page()
    editor = Editor(page, folder, url)
    article = folder / ARTICLE
    text = article.read_text(encoding="utf-8")

    def save(number: int) -> None:
        article.write_text(f"{text}\nSave number {number}.\n", encoding="utf-8")

    try:
        editor.open()
        for warm in range(20):
            save(1000 + warm)
            time.sleep(0.05)
        editor.until_mail_has("Save number 1019.")
        before = resident(process.pid)
        for number in range(50):
            save(number)
            time.sleep(0.2)
        editor.until_mail_has("Save number 49.")
        assert resident(process.pid) - before < 30_000_000
        assert editor.errors == []
    finally:
        code = end(process)
    assert code == 0
    editor.until("document.querySelector('#status').textContent.includes('has ended')")
    page.close()


def resident(pid: int) -> int:
    """Bytes of memory that a process has in use."""
    pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")
