"""Runs the benchmarks named on the command line, or all: `python -m benchmarks [NAME …]`.

Figures never fail a run; only a benchmark that cannot finish does.
"""

import argparse
from collections.abc import Callable

import benchmarks.compile
import benchmarks.importing
import benchmarks.links

BENCHMARKS: dict[str, Callable[[], None]] = {
    "compile": benchmarks.compile.measure,
    "importing": benchmarks.importing.measure,
    "links": benchmarks.links.measure,
}


def main() -> None:
    """Run benchmarks and print their tables."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description="Measure, and print ratios."
    )
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help=f"one of {', '.join(BENCHMARKS)}; all by default"
    )
    names: list[str] = parser.parse_args().names or list(BENCHMARKS)
    unknown = [name for name in names if name not in BENCHMARKS]
    if unknown:
        parser.error(f"no benchmark {unknown[0]!r}; expected one of {', '.join(BENCHMARKS)}")
    for name in names:
        BENCHMARKS[name]()


if __name__ == "__main__":
    main()
