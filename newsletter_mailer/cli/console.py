"""How results, findings and errors are printed, for people and for programs."""

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from rich.cells import cell_len
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from newsletter_mailer.errors import ContentError, NewsletterError
from newsletter_mailer.findings import Finding, Severity

out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)

_LOOK = {Severity.ERROR: "bold red", Severity.WARNING: "yellow"}
_PLAIN_STEPS = 10


def say(*lines: str) -> None:
    """Print lines for a person, exactly as they are."""
    for line in lines:
        out.print(Text(line))


def print_json(data: object) -> None:
    """Print data for a program."""
    sys.stdout.write(json.dumps(data, ensure_ascii=False, indent=2) + "\n")


def print_findings(findings: Iterable[Finding], *, console: Console = out) -> None:
    """Print findings, each with its place, what was found and how to mend it."""
    for finding in findings:
        head = Text(str(finding.place), style="bold")
        head.append(f"  {finding.severity}", style=_LOOK[finding.severity])
        head.append(f"  {finding.rule}", style="dim")
        console.print(head)
        expected = f"; expected {finding.expected}" if finding.expected else ""
        console.print(Text(f"    found {finding.found}{expected}."))
        if finding.mend:
            console.print(Text(f"    {finding.mend}"))


def counted(findings: Sequence[Finding]) -> str:
    """`2 errors and 1 warning`."""
    errors = sum(finding.severity is Severity.ERROR for finding in findings)
    return f"{plural(errors, 'error')} and {plural(len(findings) - errors, 'warning')}"


def plural(number: int, word: str) -> str:
    """`1 error`, `2 errors`, `1,000 people`."""
    many = {"person": "people", "batch": "batches", "agency": "agencies"}.get(word, f"{word}s")
    return f"{number:,} {word if number == 1 else many}"


def shown_path(path: Path) -> str:
    """A path as it is shortest from here."""
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)


def report_error(error: NewsletterError, *, as_json: bool) -> None:
    """Print an error: on standard error for a person, on standard output as JSON."""
    findings = error.findings if isinstance(error, ContentError) else ()
    if as_json:
        message = counted(findings) if findings else str(error)
        print_json({"error": message, "findings": [finding.as_dict() for finding in findings]})
    elif findings:
        print_findings(findings, console=err)
        err.print(Text(f"{counted(findings)}.", style="bold"))
    else:
        err.print(Text(str(error)))


def table(title: str, *headings: str, rows: Iterable[Sequence[str]], numbers: int = 1) -> None:
    """Print a table whose last column holds numbers, or the last so many columns."""
    out.print(Text(title, style="bold"))
    made = Table(pad_edge=False, box=None)
    lines = list(rows)
    for index, heading in enumerate(headings):
        right = index >= len(headings) - numbers
        made.add_column(
            heading,
            justify="right" if right else "left",
            no_wrap=True,
            min_width=max(cell_len(line[index]) for line in [headings, *lines]),
        )
    for line in lines:
        made.add_row(*(Text(cell) for cell in line))
    # As wide as its rows: a name that is cut or broken helps nobody.
    out.print(made, crop=False, soft_wrap=True)


@contextmanager
def progress(what: str, total: int | None, *, quiet: bool) -> Iterator[Callable[[int], None]]:
    """Show how far long work is: a bar on a terminal, a few plain lines elsewhere."""
    if quiet:
        yield lambda _done: None
    elif err.is_terminal:
        columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*columns, console=err, transient=True) as bar:
            task = bar.add_task(what, total=total)
            yield lambda done: bar.update(task, completed=done)
    else:
        step = -(-(total or 1_000_000) // _PLAIN_STEPS)
        shown = 0

        def line(done: int) -> None:
            nonlocal shown
            if done // step > shown:
                shown = done // step
                err.print(Text(f"{what}: {done:,}" + (f" of {total:,}" if total else "")))

        yield line
