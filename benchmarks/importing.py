"""Importing subscribers: a million rows beside ten thousand, each in a process of its own.

A time per row and a peak of memory that hardly grow from one to the other show that the
import does not slow down with the size of the file, and does not hold the file in memory.
"""

import csv
import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import cycle, islice, product
from pathlib import Path

from benchmarks.report import ROOT, table
from newsletter_mailer.reading.agencies import read_registry
from newsletter_mailer.settings import load_settings

MANY = 1_000_000
FEW = 10_000
FEW_BEFORE_AND_AFTER = 3
"""How often the few are imported before the many, and as often after: the machine may be busy."""

TARGET_MEGABYTES = 200

_FIRST = ("Aisling", "Bożena", "Dominik", "Farzana", "Hansa", "Marva", "Nilesh", "Órla", "Zoë")
_LAST = ("Arkwright", "Bhayani", "Cartledge", "Elmi", "Geraghty", "McGarrity", "Qureshi-Lane")
_ROLES = ("Social worker", "School nurse", "Deputy headteacher", "Officer, night shift", "")
_DOMAINS = 400


@dataclass(frozen=True, slots=True)
class Imported:
    """One import, as its process measured it."""

    rows: int
    seconds: float
    megabytes: float


def measure() -> None:
    """Import both files, and print the figures."""
    state = load_settings(ROOT).state
    state.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="bench-import-", dir=state) as name:
        folder = Path(name)
        small, large = folder / "few.csv", folder / "many.csv"
        _write(small, FEW)
        _write(large, MANY)
        few = [_import(small, folder / f"before-{at}.db") for at in range(FEW_BEFORE_AND_AFTER)]
        many = _import(large, folder / "many.db")
        few += [_import(small, folder / f"after-{at}.db") for at in range(FEW_BEFORE_AND_AFTER)]
    _print(few, many)


def _write(path: Path, rows: int) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("email", "name", "agency", "role"))
        writer.writerows(islice(_people(), rows))


def _people() -> Iterator[tuple[str, str, str, str]]:
    settings = load_settings(ROOT)
    registry = read_registry(settings.agencies_file, settings.agencies_file.name)
    people = product(_ROLES, registry.agencies, _LAST, _FIRST)
    for number, (role, agency, last, first) in enumerate(cycle(people)):
        local = f"{first[0]}.{last}{number}".encode("ascii", "ignore").decode().strip(".")
        email = f"{local}@office-{number % _DOMAINS}.example.org"
        yield email, f"{first} {last}", agency.id, role


def _import(csv_file: Path, database: Path) -> Imported:
    command = [sys.executable, "-m", "benchmarks.import_once", str(csv_file), str(database)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    return Imported(**json.loads(done.stdout))


def _print(few: list[Imported], many: Imported) -> None:
    few_seconds = statistics.median(one.seconds for one in few)
    few_megabytes = statistics.median(one.megabytes for one in few)
    slower = (many.seconds / many.rows) / (few_seconds / FEW)
    bigger = many.megabytes / few_megabytes
    head = (f"{FEW:,} rows", f"{MANY:,} rows", "ratio")
    table(
        "Importing subscribers into a new database",
        ("", *head),
        [
            ("seconds", f"{few_seconds:.2f}", f"{many.seconds:.1f}", ""),
            (
                "microseconds a row",
                f"{few_seconds / FEW * 1e6:.0f}",
                f"{many.seconds / many.rows * 1e6:.0f}",
                f"{slower:.2f} x",
            ),
            (
                "rows a second",
                f"{FEW / few_seconds:,.0f}",
                f"{many.rows / many.seconds:,.0f}",
                f"{1 / slower:.2f} x",
            ),
            (
                "peak memory, MB",
                f"{few_megabytes:.0f}",
                f"{many.megabytes:.0f}",
                f"{bigger:.2f} x",
            ),
        ],
    )
    kept = "kept" if many.megabytes < TARGET_MEGABYTES else "NOT kept"
    print(f"\n  Target of less than {TARGET_MEGABYTES} MB for {MANY:,} rows: {kept}.")
