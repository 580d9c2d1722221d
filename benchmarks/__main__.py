"""Runs the benchmarks named on the command line, or all: `python -m benchmarks [NAME …]`.

Figures never fail a run; only a benchmark that cannot finish does.
"""

import argparse
from collections.abc import Callable

import benchmarks.campaign_scale
import benchmarks.compile
import benchmarks.importing
import benchmarks.links
import benchmarks.preview
import benchmarks.sendgrid
import benchmarks.sending
import benchmarks.tracking
import benchmarks.web
import benchmarks.workers

BENCHMARKS: dict[str, Callable[[], None]] = {
    "compile": benchmarks.compile.measure,
    "importing": benchmarks.importing.measure,
    "links": benchmarks.links.measure,
    "preview": benchmarks.preview.measure,
    "sending": benchmarks.sending.measure,
    "web": benchmarks.web.measure,
    "sendgrid": benchmarks.sendgrid.measure,
    "tracking": benchmarks.tracking.measure,
    "campaign-scale": benchmarks.campaign_scale.measure,
    "workers": benchmarks.workers.measure,
}

BY_NAME_ONLY = frozenset({"campaign-scale", "tracking", "workers"})
"""What takes many minutes, and so is only run when it is asked for."""


def main() -> None:
    """Run benchmarks and print their tables."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description="Measure, and print ratios."
    )
    parser.add_argument(
        "names",
        nargs="*",
        metavar="NAME",
        help=f"one of {', '.join(BENCHMARKS)}; by default all but {', '.join(BY_NAME_ONLY)}",
    )
    names: list[str] = parser.parse_args().names or [
        name for name in BENCHMARKS if name not in BY_NAME_ONLY
    ]
    unknown = [name for name in names if name not in BENCHMARKS]
    if unknown:
        parser.error(f"no benchmark {unknown[0]!r}; expected one of {', '.join(BENCHMARKS)}")
    for name in names:
        BENCHMARKS[name]()


if __name__ == "__main__":
    main()
