"""Small projects and issues, written from strings."""

import shutil
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from PIL import Image as Picture

from newsletter_mailer.errors import IssueError
from newsletter_mailer.findings import Finding
from newsletter_mailer.reading.agencies import Registry, read_registry
from newsletter_mailer.reading.document import Blocks, Issue
from newsletter_mailer.reading.issue import read_issue

ROOT = Path(__file__).parent.parent

AGENCIES = """\
default: other
sectors:
  - id: health
    name: Health
    agencies:
      - {id: gp, name: GP practices, domains: [nhs.net]}
      - {id: ccg, name: Commissioners}
  - id: education
    name: Education
    agencies:
      - {id: primary-schools, name: Primary schools}
      - {id: secondary-schools, name: Secondary schools}
      - {id: early-years, name: Early years}
  - id: general
    name: General
    agencies:
      - {id: police, name: Police}
      - {id: other, name: Another agency}
groups:
  - id: schools
    name: All schools
    agencies: [primary-schools, secondary-schools]
"""

HEAD = """\
number: 7
title: Safeguarding news
date: 2019-01-21
subject: What is new
preheader: The line after it
"""

FRONT = 3
"""Lines of the front matter that `article` writes."""


def copied_project(folder: Path) -> Path:
    """A copy of the shipped project, without its state, in a folder that is not there yet."""
    for name in ("issues", "templates", "subscribers"):
        shutil.copytree(ROOT / name, folder / name)
    shutil.copy(ROOT / "newsletter.toml", folder)
    return folder


@cache
def small_registry() -> Registry:
    """A registry of seven agencies."""
    with TemporaryDirectory() as folder:
        return registry_of(Path(folder), AGENCIES)


def registry_of(folder: Path, text: str) -> Registry:
    """The registry that this text describes."""
    path = folder / "agencies.yaml"
    path.write_text(text, encoding="utf-8")
    return read_registry(path, "subscribers/agencies.yaml")


def article(body: str, title: str = "News", *front: str) -> str:
    """An article's text: a title, more lines of front matter if any, and a body."""
    return "\n".join(["---", f"title: {title}", *front, "---", body])


def write_issue(
    folder: Path,
    articles: Mapping[str, str | bytes],
    *,
    head: str | bytes | None = None,
    pictures: Iterable[str] = (),
) -> Path:
    """Issue 7 in `folder`, with these articles; `head` stands in the place of its `issue.yaml`."""
    issue = folder / "07-winter-2019"
    (issue / "articles").mkdir(parents=True, exist_ok=True)
    (issue / "images").mkdir(exist_ok=True)
    listed = HEAD + f"articles: [{', '.join(articles)}]\n"
    files = {f"articles/{name}.md": text for name, text in articles.items()}
    for name, text in {"issue.yaml": listed if head is None else head, **files}.items():
        data = text if isinstance(text, bytes) else text.encode("utf-8")
        (issue / name).write_bytes(data)
    for name in pictures:
        Picture.new("RGB", (30, 20), "orange").save(issue / "images" / name)
    return issue


def read(
    folder: Path, articles: Mapping[str, str | bytes], *, head: str | None = None
) -> tuple[Issue, list[Finding]]:
    """Write issue 7 and read it: the issue and its warnings."""
    return read_issue(write_issue(folder, articles, head=head), small_registry())


def blocks_of(folder: Path, body: str) -> Blocks:
    """The blocks of an article with this body, which holds no mistake."""
    write_issue(folder, {}, pictures=["festival.png"])
    issue, findings = read(folder, {"news": article(body)})
    assert not findings
    return issue.articles[0].blocks


def mistakes(issue: Path, registry: Registry) -> tuple[Finding, ...]:
    """The findings of an issue that cannot be read."""
    with pytest.raises(IssueError) as raised:
        read_issue(issue, registry)
    return raised.value.findings


def mistakes_in(folder: Path, body: str) -> tuple[Finding, ...]:
    """The findings in an article with this body, which holds a mistake."""
    issue = write_issue(folder, {"news": article(body)}, pictures=["festival.png"])
    return mistakes(issue, small_registry())


def the_mistake_in(folder: Path, body: str) -> Finding:
    """The one finding in an article with this body; its line is counted in the body."""
    (found,) = mistakes_in(folder, body)
    assert found.place.file == "issues/07-winter-2019/articles/news.md"
    place = type(found.place)(found.place.file, found.place.line - FRONT)
    return Finding(place, found.rule, found.found, found.expected, found.mend, found.severity)
