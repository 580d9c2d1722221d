"""Mending links in an issue's files: their URLs change, and not a byte besides."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from pathlib import Path
from typing import Any

from newsletter_mailer.checking.links.mention import Mention
from newsletter_mailer.checking.links.mentions import mentions
from newsletter_mailer.checking.links.verdict import LinkResult
from newsletter_mailer.checking.links.wrappers import unwrapped, without_tracking
from newsletter_mailer.errors import ContentError, IssueError, UsageError
from newsletter_mailer.findings import Finding, Place
from newsletter_mailer.reading.document import Button, Inlines, Issue, Link, Text
from newsletter_mailer.reading.targets import spelt, targets
from newsletter_mailer.reading.urls import safe_url
from newsletter_mailer.whole import whole_file


@dataclass(frozen=True, slots=True, order=True)
class Change:
    """A URL that took the place of another in a file."""

    place: Place
    old: str
    new: str

    def __str__(self) -> str:
        return f"{self.place} {self.old} → {self.new}"


@dataclass(frozen=True, slots=True)
class Fixed:
    """What was changed, and the mentions that a person has to change."""

    changes: tuple[Change, ...]
    left: tuple[Mention, ...]


def replacements(
    found: Iterable[Mention], results: Mapping[str, LinkResult], *, strip_tracking: bool = False
) -> dict[str, str]:
    """The URLs that may safely take the place of others.

    A wrapper gives way to what it wraps, a page that has moved for good to where it is
    now, `http` to an `https` that was verified. Tracking parameters go only if they are
    to be stripped.
    """
    wanted: dict[str, str] = {}
    for url in dict.fromkeys(mention.url for mention in found):
        new = _replacement(url, results, strip_tracking=strip_tracking)
        if new != url:
            wanted[url] = new
    # Where one replacement leads to another, both go to the end at once.
    return {old: end for old in wanted if (end := _end(old, wanted)) is not None}


def fix(root: Path, read: Callable[[], Issue], wanted: Mapping[str, str]) -> Fixed:
    """Put `wanted` in the place of URLs in the files of an issue, which `read` reads.

    Files are named from `root`. Each is written whole or not at all, with its
    permissions, and keeps its byte-order mark, line ends and all else. Then the issue is
    read again: were anything but URLs different, every file gets its old bytes back.

    Raises:
        IssueError: the issue cannot be read, or a file was put back.
        UsageError: a file cannot be written.
    """
    before = read()
    names = sorted({mention.place.file for mention in mentions(before) if mention.url in wanted})
    drafts: dict[Path, tuple[bytes, bytes]] = {}
    changes: list[Change] = []
    for name in names:
        path = (root / name).resolve()  # the file itself, where the name is a link to it
        old = path.read_bytes()
        new, here = _rewritten(old.decode("utf-8"), name, wanted)
        if here:
            drafts[path] = (old, new.encode("utf-8"))
            changes += here
    after = _written(drafts, read, before, wanted) if drafts else before
    left = tuple(mention for mention in mentions(after) if mention.url in wanted)
    return Fixed(tuple(changes), left)


def _replacement(url: str, results: Mapping[str, LinkResult], *, strip_tracking: bool) -> str:
    new = unwrapped(url) or url
    result = results.get(new) or results.get(url)
    if result and result.replacement:
        new = result.replacement
    if strip_tracking:
        new = without_tracking(new)
    if new == url:
        return url
    try:
        return safe_url(new)
    except ValueError:
        return url


def _end(url: str, wanted: Mapping[str, str]) -> str | None:
    """Where a chain of replacements ends; None where it goes round in a circle."""
    seen = {url}
    while url in wanted:
        url = wanted[url]
        if url in seen:
            return None
        seen.add(url)
    return url


def _rewritten(text: str, name: str, wanted: Mapping[str, str]) -> tuple[str, list[Change]]:
    parts: list[str] = []
    changes: list[Change] = []
    at = 0
    for target in targets(text):
        new = wanted.get(target.url)
        if new is not None:
            parts += [text[at : target.start], spelt(new, target.syntax)]
            at = target.end
            changes.append(Change(Place(name, target.line), target.url, new))
    return "".join([*parts, text[at:]]), list(dict.fromkeys(changes))


def _written(
    drafts: Mapping[Path, tuple[bytes, bytes]],
    read: Callable[[], Issue],
    before: Issue,
    wanted: Mapping[str, str],
) -> Issue:
    """The issue after its files were written; what did not work out is taken back."""
    done: list[Path] = []
    try:
        for path, (_, new) in drafts.items():
            _replace(path, new)
            done.append(path)
        after = read()
    except ContentError as error:
        _take_back(done, drafts)
        raise IssueError([*error.findings, _put_back(before.place)]) from error
    except BaseException:
        _take_back(done, drafts)
        raise
    if _mended(after, wanted) != _mended(before, wanted):
        _take_back(done, drafts)
        raise IssueError([_put_back(before.place)])
    return after


def _take_back(done: Iterable[Path], drafts: Mapping[Path, tuple[bytes, bytes]]) -> None:
    for path in done:
        _replace(path, drafts[path][0])


def _put_back(place: Place) -> Finding:
    return Finding(
        place,
        "link-fix",
        "links whose mending would have changed more than URLs, so every file was left as it was",
        "",
        "Change them by hand; the suggestions are in `newsletter check`.",
    )


def _replace(path: Path, content: bytes) -> None:
    try:
        with whole_file(path) as draft:
            draft.write_bytes(content)
    except OSError as error:
        raise UsageError(
            f"{path} cannot be written: {error.strerror}. Let this user write in its folder."
        ) from error


_TARGETS = frozenset({"target", "link", "book"})
"""The fields of the tree that hold a URL."""


def _mended(part: Any, wanted: Mapping[str, str]) -> Any:  # noqa: ANN401 - any part of a tree
    """A part of a tree with every wanted URL in its place, also where a link shows its own."""
    if isinstance(part, tuple):
        return tuple(_mended(each, wanted) for each in part)
    if not is_dataclass(part) or isinstance(part, type):
        return part
    if isinstance(part, Link):
        part = replace(part, content=_words(part.content, part.target, wanted))
    elif isinstance(part, Button):
        part = replace(part, text=_words(part.text, part.target, wanted))
    values = {field.name: getattr(part, field.name) for field in fields(part)}
    return replace(
        part,
        **{
            name: wanted.get(value, value) if name in _TARGETS and isinstance(value, str)
            else _mended(value, wanted)
            for name, value in values.items()
        },
    )  # fmt: skip


def _words(content: Inlines, target: str, wanted: Mapping[str, str]) -> Inlines:
    """What a link shows; a URL that is its target changes with it."""
    if len(content) != 1 or not isinstance(content[0], Text) or target not in wanted:
        return content
    try:
        same = safe_url(content[0].text) == target
    except ValueError:
        return content
    return (Text(wanted[target]),) if same else content
