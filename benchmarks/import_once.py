"""Imports one CSV file into a new database, and prints what it took: `import_once CSV DATABASE`."""

import datetime as dt
import json
import sys
from pathlib import Path
from time import perf_counter

from benchmarks.memory import peak_megabytes
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
    print(json.dumps({"rows": result.read, "seconds": seconds, "megabytes": peak_megabytes()}))


if __name__ == "__main__":
    main()
