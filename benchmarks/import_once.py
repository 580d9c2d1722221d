"""Imports one CSV file into a new database, and prints what it took: `import_once CSV DATABASE`."""

import datetime as dt
import json
import resource
import sys
from pathlib import Path
from time import perf_counter

from benchmarks.report import ROOT
from newsletter_mailer.audience.importing import import_subscribers
from newsletter_mailer.reading.agencies import read_registry
from newsletter_mailer.settings import load_settings
from newsletter_mailer.store.engine import open_store


def main() -> None:
    """Import, and print JSON for the process that measures."""
    csv_file, database = Path(sys.argv[1]), Path(sys.argv[2])
    settings = load_settings(ROOT).model_copy(update={"database_url": f"sqlite:///{database}"})
    registry = read_registry(settings.agencies_file, settings.agencies_file.name)
    engine = open_store(settings)
    try:
        begin = perf_counter()
        result = import_subscribers(
            engine,
            csv_file,
            registry,
            now=dt.datetime.now(dt.UTC),
            on_rejected=lambda row: sys.exit(f"A row was rejected: {row}"),
            progress=lambda _: None,
        )
        seconds = perf_counter() - begin
    finally:
        engine.dispose()
    if result.added != result.read:
        sys.exit(f"Not every row was added: {result}")
    print(json.dumps({"rows": result.read, "seconds": seconds, "megabytes": _peak_megabytes()}))


def _peak_megabytes() -> float:
    """The most memory this process ever held.

    On Linux `getrusage` would count the parent's memory too, from before this program
    took the place of the parent's copy; the kernel's own account begins anew there.
    """
    status = Path("/proc/self/status")
    if status.is_file():
        lines = status.read_text(encoding="utf-8").splitlines()
        kibibytes = next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))
        return kibibytes * 1024 / 1e6
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


if __name__ == "__main__":
    main()
