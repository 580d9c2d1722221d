"""The office's examples of every block: what each is for, and its source."""

import re
from dataclasses import dataclass
from pathlib import Path

from newsletter_mailer.errors import UsageError
from newsletter_mailer.findings import Finding
from newsletter_mailer.reading.source import read_source
from newsletter_mailer.settings import Settings

_HEADING = re.compile(r"^# +(.+?)\s*$")


@dataclass(frozen=True, slots=True)
class Sample:
    """A block: its name, what an editor should know of it, and its source.

    `line` is that of the source's first line in the file of samples.
    """

    name: str
    about: str
    source: str
    line: int


def samples_folder(settings: Settings) -> Path:
    """Where the examples of a project stand."""
    return settings.root / "templates" / "issue" / "examples"


def read_samples(settings: Settings) -> tuple[Sample, ...]:
    """The samples in `blocks.md`: below each `#` heading a paragraph on it, then its source.

    Raises:
        UsageError: the file is missing, cannot be read or holds none.
    """
    path = samples_folder(settings) / "blocks.md"
    shown = path.relative_to(settings.root).as_posix()
    findings: list[Finding] = []
    source = read_source(path, shown, findings)
    lines = source.text.split("\n") if source else []
    starts = [number for number, line in enumerate(lines) if _HEADING.match(line)]
    samples = [
        sample
        for start, end in zip(starts, [*starts[1:], len(lines)], strict=False)
        if (sample := _sample(lines, start, end))
    ]
    if not samples:
        raise UsageError(
            f"There are no examples of blocks in {shown}. Put back the file that came with this "
            "program."
        )
    return tuple(samples)


def _sample(lines: list[str], start: int, end: int) -> Sample | None:
    """The sample whose heading is line `start`, counted from 0."""
    heading = _HEADING.match(lines[start])
    at = start + 1
    while at < end and not lines[at].strip():
        at += 1
    about: list[str] = []
    while at < end and lines[at].strip():
        about.append(lines[at].strip())
        at += 1
    while at < end and not lines[at].strip():
        at += 1
    source = "\n".join(lines[at:end]).rstrip()
    return Sample(heading[1], " ".join(about), source, at + 1) if heading and source else None
