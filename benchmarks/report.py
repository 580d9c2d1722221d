"""Figures and the tables they are printed in."""

import statistics
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
"""The project's folder."""

_MILLISECONDS = 1_000


def table(title: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table: the first column to the left, the others to the right."""
    widths = [max(len(row[at]) for row in (head, *rows)) for at in range(len(head))]
    print(f"\n{title}\n")
    for row in (head, ["-" * width for width in widths], *rows):
        first, *others = zip(row, widths, strict=True)
        cells = [first[0].ljust(first[1]), *(cell.rjust(width) for cell, width in others)]
        print("  " + "  ".join(cells).rstrip())


def milliseconds(seconds: float) -> str:
    """A time as it stands in a table."""
    return f"{seconds * _MILLISECONDS:,.0f} ms"


def times(rounds: Sequence[float]) -> tuple[str, str, str]:
    """The median, the lowest and the highest of the rounds' times."""
    return (
        milliseconds(statistics.median(rounds)),
        milliseconds(min(rounds)),
        milliseconds(max(rounds)),
    )


def ratios(slow: Sequence[float], quick: Sequence[float]) -> tuple[str, str, str]:
    """How many times as long `slow` takes: the ratio of the medians, the lowest and highest round.

    The rounds were run in turn, so that each ratio compares neighbours in time.
    """
    rounds = [one / other for one, other in zip(slow, quick, strict=True)]
    median = statistics.median(slow) / statistics.median(quick)
    return _times_as_long(median), _times_as_long(min(rounds)), _times_as_long(max(rounds))


def _times_as_long(ratio: float) -> str:
    return f"{ratio:.2f} x"
