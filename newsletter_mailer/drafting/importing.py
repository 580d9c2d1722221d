"""A draft becomes files of an issue: planned first, and then written all together."""

import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from newsletter_mailer.drafting.draft import Draft, Notes
from newsletter_mailer.drafting.heads import Head, article_head, issue_head, with_articles, words_in
from newsletter_mailer.drafting.marked_down import marked_down_draft
from newsletter_mailer.drafting.names import file_name, unique
from newsletter_mailer.drafting.page import page_draft
from newsletter_mailer.drafting.splitting import Part, Split, split
from newsletter_mailer.drafting.target import Target
from newsletter_mailer.drafting.word import word_draft
from newsletter_mailer.drafting.word_package import LARGEST_FILE
from newsletter_mailer.drafting.writing import blocks_markdown
from newsletter_mailer.errors import DraftError, UsageError
from newsletter_mailer.findings import Finding, brief
from newsletter_mailer.reading.images import FOLDER
from newsletter_mailer.reading.issue import ISSUE_FILE
from newsletter_mailer.reading.source import LARGEST_FILE as LARGEST_ARTICLE
from newsletter_mailer.whole import whole_file

LARGEST_TEXT = 20_000_000
"""Bytes of a draft in HTML or Markdown, pictures inside it among them."""

MOST_ARTICLES = 200

_TEXT_KINDS = {
    ".html": page_draft,
    ".htm": page_draft,
    ".md": marked_down_draft,
    ".markdown": marked_down_draft,
}
_ZIP = b"PK"
_TITLE, _SUBJECT, _PREHEADER = 100, 150, 200
"""Characters at most, as `headers.py` has them."""
_DEFAULT_TITLE = "Newsletter"


@dataclass(frozen=True, slots=True)
class Plan:
    """The files that an import writes, by their paths in the issue's folder, and its remarks."""

    files: Mapping[str, bytes]
    articles: tuple[str, ...]
    notes: tuple[Finding, ...]


def read_draft(path: Path) -> Draft:
    """Read a draft by its ending: .docx, .html or .md.

    Raises:
        UsageError: there is no such file, or it is of another kind.
        DraftError: it cannot be read.
    """
    shown = path.name
    kind = path.suffix.lower()
    if kind != ".docx" and kind not in _TEXT_KINDS:
        raise UsageError(
            f"{shown} is {_called(kind)}. A draft is a .docx, .html or .md file: save it as one, "
            "in a word processor with «Save as»."
        )
    most = LARGEST_FILE if kind == ".docx" else LARGEST_TEXT
    try:
        size = path.stat().st_size
        if size > most:
            raise DraftError(
                f"{shown} has {size:,} bytes, and at most {most:,} are read. Make its pictures "
                "smaller, or split it."
            )
        data = path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}. Check its name.") from error
    if kind == ".docx":
        return word_draft(data, shown)
    if data.startswith(_ZIP):
        raise DraftError(f"{shown} is no text, but a zip file. Give it the ending that it had.")
    return _TEXT_KINDS[kind](data, shown, path.parent)


def plan(draft: Draft, path: Path, target: Target) -> Plan:
    """What the draft at `path` becomes in an issue.

    Raises:
        DraftError: there are no words in it, or far too many articles.
        UsageError: the issue cannot be read.
    """
    parts = split(draft, " ".join(path.stem.replace("-", " ").replace("_", " ").split()) or "News")
    notes = Notes(path.name, list(draft.notes))
    if not parts.parts:
        raise DraftError(f"{path.name} holds no words. Check that it is the right file.")
    if len(parts.parts) > MOST_ARTICLES:
        raise DraftError(
            f"{path.name} has {len(parts.parts):,} headings of its highest level, and at most "
            f"{MOST_ARTICLES} articles are made. Use that level for titles of articles only."
        )
    if parts.by_bold:
        notes.add(
            "draft-bold-heading",
            "no headings, so that short bold paragraphs are taken for them",
            "Look over the articles; in Word, Heading 1 to 6 say it for sure.",
        )
    names = _names(parts.parts)
    files = {
        f"articles/{name}.md": _article(part).encode()
        for name, part in zip(names, parts.parts, strict=True)
    }
    for name, text in files.items():
        if len(text) > LARGEST_ARTICLE:
            raise DraftError(f"{name} would be {len(text):,} bytes. Split the draft by headings.")
    files |= {f"{FOLDER}/{name}": data for name, data in draft.pictures.items()}
    if target.is_new:
        files[ISSUE_FILE] = _new_head(draft, parts, target, names, path.name).encode()
    else:
        files[ISSUE_FILE] = _longer_list(target, names, notes)
    return Plan(files, tuple(names), tuple(notes.found))


def write(planned: Plan, target: Target, *, overwrite: bool) -> tuple[str, ...]:
    """Write the files of a plan, and return those that are new or changed, from the folder.

    A new issue appears whole or not at all. A file that is there already is replaced only
    with `overwrite`; `issue.yaml` only gets longer.

    Raises:
        UsageError: files are in the way, or the folder cannot be written.
    """
    wanted = {
        name: data for name, data in planned.files.items() if _now(target.folder / name) != data
    }
    taken = [
        name for name in wanted if name != ISSUE_FILE and os.path.lexists(target.folder / name)
    ]
    if taken and not overwrite:
        raise UsageError(
            f"In {target.shown} there are already {', '.join(taken)}. Nothing was written. "
            "Rename them, or add --overwrite to replace them."
        )
    try:
        if target.folder.exists():
            for name, data in wanted.items():
                _replace(target.folder, name, data)
        else:
            _make(target.folder, wanted)
    except OSError as error:
        raise UsageError(f"{target.folder} cannot be written: {error.strerror}.") from error
    return tuple(sorted(wanted))


def _called(kind: str) -> str:
    names = {
        ".doc": "a document of an old Word",
        ".docm": "a Word document with macros",
        ".odt": "an OpenDocument text",
        ".rtf": "a Rich Text file",
        ".pdf": "a PDF file",
        ".txt": "a plain text",
    }
    return names.get(kind, f"a {kind} file" if kind else "a file without an ending")


def _names(parts: tuple[Part, ...]) -> list[str]:
    names: list[str] = []
    for number, part in enumerate(parts, start=1):
        name = "welcome" if part.opens else file_name(part.title, f"article-{number}")
        names.append(unique(name, names))
    return names


def _article(part: Part) -> str:
    body = blocks_markdown(part.blocks)
    return (
        f"{article_head(part.title, part.summary)}\n{body}\n"
        if body
        else article_head(part.title, part.summary)
    )


def _new_head(draft: Draft, parts: Split, target: Target, names: Sequence[str], file: str) -> str:
    """The text of a new `issue.yaml`, as far as a draft can say it."""
    titles = [part.title for part in parts.parts if not part.opens]
    title = target.title or parts.title or _DEFAULT_TITLE
    subject = parts.title if parts.title and parts.title != title else f"{title} {target.number}"
    # An issue has at least one article besides its opening.
    opening = names[0] if parts.parts[0].opens and len(names) > 1 else ""
    return issue_head(
        Head(
            target.number,
            brief(title, _TITLE),
            brief(subject, _SUBJECT),
            brief("; ".join(titles) or subject, _PREHEADER),
            _language(draft, target),
            opening,
            [name for name in names if name != opening],
        ),
        file,
    )


def _language(draft: Draft, target: Target) -> str:
    """The newsletter's language, unless the draft is in another one altogether.

    A word processor says en-US of what is British, since nobody told it otherwise.
    """
    same = draft.language.partition("-")[0].lower() == target.language.partition("-")[0].lower()
    return target.language if same or not draft.language else draft.language


def _longer_list(target: Target, names: list[str], notes: Notes) -> bytes:
    """`issue.yaml` with the new articles in its list, or as it was, with a remark."""
    file = target.folder / ISSUE_FILE
    try:
        old = file.read_bytes()
        text = old.decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            f"{target.shown}/{ISSUE_FILE} cannot be read ({error}). Mend it first."
        ) from error
    opening = words_in(file).get("opening")
    new = with_articles(text.replace("\r\n", "\n"), [name for name in names if name != opening])
    if new is None:
        notes.add(
            "draft-list",
            f"a list of articles in {ISSUE_FILE} that was left as it is",
            f"Add these by hand: {', '.join(names)}.",
        )
        return old
    return (new.replace("\n", "\r\n") if "\r\n" in text else new).encode()


def _now(path: Path) -> bytes | None:
    """What stands in a file; None where there is none."""
    try:
        return path.read_bytes()
    except OSError:
        return None


def _replace(folder: Path, name: str, data: bytes) -> None:
    """Write one file of an issue whole, or leave it as it was."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.parent.resolve().is_relative_to(folder.resolve()):
        raise UsageError(
            f"{path.parent} leads out of the issue's folder. Make it a folder of its own."
        )
    with whole_file(path) as draft:
        draft.write_bytes(data)


def _make(folder: Path, files: Mapping[str, bytes]) -> None:
    """Make a new issue's folder, which appears with all its files."""
    draft = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(draft, ignore_errors=True)
    try:
        for name, data in files.items():
            path = draft / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        (draft / FOLDER).mkdir(exist_ok=True)
        draft.rename(folder)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
