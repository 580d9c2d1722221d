"""A page that shows every block as it looks in a mail, with its source to copy."""

import base64
import html
import re
import tempfile
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path

import jinja2
from lxml import etree
from markupsafe import Markup

from newsletter_mailer.compiling.compiler import Compiler
from newsletter_mailer.compiling.email import CompiledEmail
from newsletter_mailer.compiling.merge import IMAGE, READ, for_html
from newsletter_mailer.drafting.elements import Element, all_text
from newsletter_mailer.drafting.samples import Sample, read_samples, samples_folder
from newsletter_mailer.errors import IssueError
from newsletter_mailer.findings import Finding, Place
from newsletter_mailer.reading.agencies import Registry
from newsletter_mailer.reading.issue import read_issue
from newsletter_mailer.settings import Settings

_ID = "sample"
_FRONT = f"---\ntitle: {_ID.capitalize()}\n---\n\n"
_HEAD = (
    "number: 1\ntitle: Blocks\ndate: 2030-01-01\nsubject: Blocks\npreheader: Every block.\n"
    f"articles: [{_ID}]\n"
)
_READER = {
    "greeting": "Dear Sam,",
    "first_name": "Sam",
    "name": "Sam Sample",
    "agency_name": "your agency",
    "email": "sam@example.org",
    "preferences_url": "#",
    "unsubscribe_url": "#",
}
"""Whom the samples are written to; the page is shown to nobody else."""

_CODE = re.compile(r"`([^`]+)`")


@dataclass(frozen=True, slots=True)
class Shown:
    """A sample as the page shows it: its look, or what is wrong with it."""

    slug: str
    name: str
    about: Markup
    source: str
    look: Markup
    findings: tuple[Finding, ...]


def gallery(settings: Settings, registry: Registry, compiler: Compiler | None = None) -> str:
    """One HTML page with all that it needs inside: nothing is fetched, and it can be mailed.

    Each block of `templates/issue/examples/blocks.md` is compiled with the project's own
    templates and theme, and stands in a shadow root, so that the page's style and the
    mail's do not touch. A block with a mistake shows its findings. The page works without
    JavaScript, which only copies; a server that sets a policy must allow inline styles,
    inline scripts and `data:` pictures for it.

    Raises:
        UsageError: there are no examples.
        TemplateError: a template of the mail cannot be rendered.
    """
    compiler = compiler or Compiler(settings)
    samples = read_samples(settings)
    with tempfile.TemporaryDirectory(prefix="newsletter-blocks-") as name:
        folder = Path(name)
        (folder / "articles").mkdir()
        (folder / "images").mkdir()
        (folder / "issue.yaml").write_text(_HEAD, encoding="utf-8")
        for picture in samples_folder(settings).glob("*.*"):
            if picture.suffix in (".png", ".jpg", ".jpeg", ".gif"):
                (folder / "images" / picture.name).write_bytes(picture.read_bytes())
        shown = [_shown(sample, folder, settings, registry, compiler) for sample in samples]
    template = files("newsletter_mailer.drafting").joinpath("gallery.html").read_text("utf-8")
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.from_string(template).render(
        samples=shown, theme=settings.theme, office=settings.office.name
    )


def _shown(
    sample: Sample, folder: Path, settings: Settings, registry: Registry, compiler: Compiler
) -> Shown:
    slug = re.sub(r"[^a-z0-9]+", "-", sample.name.casefold()).strip("-") or _ID
    # The words between back quotes are code; all else is text.
    about = Markup("").join(
        Markup("<code>{}</code>").format(part) if at % 2 else part
        for at, part in enumerate(_CODE.split(sample.about))
    )
    shown = Shown(slug, sample.name, about, sample.source, Markup(), ())
    # A sample of the front matter is a whole article.
    front = "" if sample.source.startswith("---\n") else _FRONT
    text = f"{front}{sample.source}\n"
    (folder / "articles" / f"{_ID}.md").write_text(text, encoding="utf-8")
    try:
        issue, _ = read_issue(folder, registry, shown=folder.name)
    except IssueError as error:
        file = (samples_folder(settings) / "blocks.md").relative_to(settings.root).as_posix()
        before = front.count("\n") + 1
        moved = (
            replace(each, place=Place(file, max(each.place.line - before, 0) + sample.line))
            for each in error.findings
        )
        return replace(shown, findings=tuple(moved))
    emails = compiler.compile(issue, registry)
    # Of variants the longest: a part for some agencies is in it.
    return replace(shown, look=_look(max(emails, key=lambda email: len(str(email.html)))))


def _look(email: CompiledEmail) -> Markup:
    """A sample's part of a mail: its styles, and the sections that hold it, nothing else."""
    pictures = {image.name: _as_data(image.path, image.media_type) for image in email.images}

    def known(name: str) -> str | None:
        if name.startswith(READ):
            return "#"
        return pictures[name.removeprefix(IMAGE)] if name.startswith(IMAGE) else None

    settled = email.html.settle(known)
    parser = etree.HTMLParser(no_network=True, remove_comments=True, encoding="utf-8")
    root = etree.fromstring(settled.fill(for_html(_READER)).encode(), parser)
    parts = ["".join(f"<style>{style.text or ''}</style>" for style in root.iter("style"))]
    for section in root.iter("div"):
        if section.get("class") != "card":
            continue
        for title in [each for each in section.iter("h2") if each.get("id") == _ID]:
            _only_sample(title)
        if all_text(section).strip() or section.find(".//img") is not None:
            made = etree.tostring(section, encoding="unicode", method="html", with_tail=False)
            parts.append(str(made))
    return Markup("".join(parts))  # noqa: S704 - the compiler has escaped it


def _only_sample(title: Element) -> None:
    """Take a mail's own parts away from above the sample: all but the box of actions."""
    around = title.getparent()
    if around is None:
        return
    for above in list(around):
        if above.find(".//td[@class='actions']") is None:
            around.remove(above)
        if above is title:
            return


def _as_data(path: Path, media_type: str) -> str:
    return html.escape(f"data:{media_type};base64,{base64.b64encode(path.read_bytes()).decode()}")
