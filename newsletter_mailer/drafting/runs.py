"""Inline content as runs: stretches of words that look alike. Documents give words so."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from newsletter_mailer.drafting.draft import UNPLACED
from newsletter_mailer.reading.document import (
    Code,
    Emphasis,
    Inline,
    Inlines,
    LineBreak,
    Link,
    MergeField,
    Strong,
    Text,
)
from newsletter_mailer.reading.source import UNSAFE

BREAK = "\n"
"""The text of a run that is a line end which is meant."""

_LOOKS = ("link", "strong", "emphasis")
"""From the outermost in."""

_UNSEEN = re.compile("[\u00ad\u2028\u2029]")
_SPACES = re.compile(r"[ \t\n\r\f\v]+")


@dataclass(frozen=True, slots=True)
class Run:
    """Words with their look. `link` is the target as the draft has it; None for no link."""

    text: str
    strong: bool = False
    emphasis: bool = False
    code: bool = False
    link: str | None = None

    @property
    def is_break(self) -> bool:
        """Whether it is a line end that is meant."""
        return self.text == BREAK


def cleaned(text: str) -> str:
    """Text as an article can hold it: no control characters, each gap one space.

    Soft hyphens go, since a line end in the mail is elsewhere. Fixed spaces stay.
    """
    text = UNSAFE.sub("", text.translate(_WINDOWS))
    return _SPACES.sub(" ", _UNSEEN.sub(lambda sign: "" if sign[0] == "\u00ad" else " ", text))


def _windows() -> dict[int, str]:
    """What U+0080 to U+009F stand for in Windows-1252, from which they are left over."""
    return {code: bytes([code]).decode("cp1252", errors="ignore") for code in range(0x80, 0xA0)}


_WINDOWS = _windows()


def in_one_line(runs: Iterable[Run]) -> Iterator[Run]:
    """Runs with a gap for each line end."""
    return (replace(run, text=" ") if run.is_break else run for run in runs)


def tidy(runs: Iterable[Run]) -> list[Run]:
    """Runs with single gaps, none at the ends of lines, and no look on a gap at its edge.

    Markdown knows no emphasis that begins or ends with a space, and readers see none.
    """
    kept = _trimmed(_lines(runs))
    for depth in range(1, len(_LOOKS) + 1):
        kept = list(_gaps_plain(kept, _LOOKS[:depth]))
    return _joined(kept)


def content_of(runs: Iterable[Run]) -> Inlines:
    """Runs as the inline content of a document's tree."""
    return _tree(tidy(runs), _LOOKS)


def runs_of(content: Inlines, look: Run | None = None) -> Iterator[Run]:
    """The runs of inline content."""
    look = look or Run("")
    for inline in content:
        match inline:
            case Text(text):
                yield replace(look, text=text)
            case Code(text):
                yield replace(look, text=text, code=True)
            case MergeField(name):
                yield replace(look, text=f"{{{{{name}}}}}")
            case LineBreak():
                yield Run(BREAK)
            case Emphasis(inner):
                yield from runs_of(inner, replace(look, emphasis=True))
            case Strong(inner):
                yield from runs_of(inner, replace(look, strong=True))
            case Link(target, inner):
                yield from runs_of(inner, replace(look, link=target))


def _lines(runs: Iterable[Run]) -> Iterator[Run]:
    """Runs whose gaps are single spaces, also where two runs meet."""
    gap = True
    for run in runs:
        if run.is_break:
            gap = True
            yield run
            continue
        text = cleaned(run.text)
        if gap and not run.code:
            text = text.removeprefix(" ")
        if text:
            gap = text.endswith(" ") and not run.code
            yield replace(run, text=text)


def _trimmed(runs: Iterable[Run]) -> list[Run]:
    """Runs without gaps or line ends at the beginning and the end, and at line ends."""
    kept: list[Run] = []
    for run in runs:
        if run.is_break:
            _drop_gap(kept)
            if kept:
                kept.append(run)
        elif kept and not kept[-1].is_break:
            kept.append(run)
        elif text := run.text.lstrip():
            kept.append(replace(run, text=text))
    _drop_gap(kept)
    while kept and kept[-1].is_break:
        kept.pop()
        _drop_gap(kept)
    return kept


def _drop_gap(kept: list[Run]) -> None:
    while kept and not kept[-1].is_break:
        text = kept[-1].text.rstrip()
        if text:
            kept[-1] = replace(kept[-1], text=text)
            return
        kept.pop()


def _gaps_plain(runs: Sequence[Run], looks: Sequence[str]) -> Iterator[Run]:
    """Runs whose last of `looks`, inside the others, neither begins nor ends with a gap."""
    name = looks[-1]
    plain = None if name == "link" else False
    for look, group in groupby(runs, key=lambda run: [getattr(run, each) for each in looks]):
        part = list(group)
        if look[-1] in (None, False):
            yield from part
            continue
        before: list[Run] = []
        after: list[Run] = []
        while part:
            bare = part[0].text.lstrip()
            if bare == part[0].text:
                break
            gap = replace(part[0], text=part[0].text[: len(part[0].text) - len(bare)])
            before.append(replace(gap, **{name: plain}))  # type: ignore[arg-type]
            part[0:1] = [replace(part[0], text=bare)] if bare else []
        while part:
            bare = part[-1].text.rstrip()
            if bare == part[-1].text:
                break
            gap = replace(part[-1], text=part[-1].text[len(bare) :])
            after.insert(0, replace(gap, **{name: plain}))  # type: ignore[arg-type]
            part[-1:] = [replace(part[-1], text=bare)] if bare else []
        yield from (*before, *part, *after)


def _joined(runs: Iterable[Run]) -> list[Run]:
    """Neighbours that look alike as one."""
    joined: list[Run] = []
    for run in runs:
        before = joined[-1] if joined else None
        alike = before and not before.is_break and replace(before, text=run.text) == run
        if before and alike and not run.is_break:
            joined[-1] = replace(run, text=before.text + run.text)
        else:
            joined.append(run)
    return joined


def _tree(runs: Sequence[Run], looks: Sequence[str]) -> Inlines:
    if not looks:
        return tuple(_leaf(run) for run in _joined(runs))
    content: list[Inline] = []
    for look, group in groupby(runs, key=lambda run: getattr(run, looks[0])):
        inner = _tree(list(group), looks[1:])
        if look is None or look is False:
            content.extend(inner)
        elif looks[0] == "link":
            content.append(Link(str(look), inner, UNPLACED))
        else:
            content.append(Strong(inner) if looks[0] == "strong" else Emphasis(inner))
    return tuple(content)


def _leaf(run: Run) -> Inline:
    if run.is_break:
        return LineBreak()
    return Code(run.text) if run.code else Text(run.text)
