"""Reading a CSV file of subscribers, row by row, however long it is."""

import csv
import re
from collections.abc import Generator, Iterator
from itertools import chain
from pathlib import Path
from typing import NamedTuple, TextIO

from newsletter_mailer.audience.csv_header import Columns, columns_of, delimiter_of
from newsletter_mailer.audience.formula_guard import unguarded
from newsletter_mailer.errors import AudienceError

LONGEST_FIELD = 131_072
"""Characters in a cell. More of them mean a quotation mark that was never closed."""

_LONGEST_LINE = 4 * LONGEST_FIELD
_NOT_UTF_8 = re.compile("[\udc80-\udcff]")


class Row(NamedTuple):
    """The cells of one row, empty where there is no such column, and its first line.

    A `problem` says why the row cannot be used; its cells are then empty. (A named tuple,
    since there may be a million: a frozen dataclass takes three times as long to make.)
    """

    line: int
    email: str = ""
    name: str = ""
    agency: str = ""
    role: str = ""
    status: str = ""
    problem: str = ""


def read_rows(path: Path) -> Generator[Row, None, None]:
    """The rows below the header, with blank ones left out.

    UTF-8, with or without a byte-order mark; commas, semicolons or tabs between the columns;
    any line ends, also inside quotation marks.

    Raises:
        AudienceError: the file cannot be read, is empty, has no or a wrong header, is not
            UTF-8, or has a quotation mark that is never closed. It may come after any row.
    """
    try:
        # The bytes that are not UTF-8 become surrogates, so that their line can be named.
        with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
            yield from _rows(_lines(file, path), path)
    except FileNotFoundError as error:
        raise AudienceError(f"{path}: there is no such file. Check its name.") from error
    except IsADirectoryError as error:
        raise AudienceError(f"{path} is a folder. Name a CSV file in it.") from error
    except OSError as error:
        raise AudienceError(f"{path} cannot be read: {error.strerror}.") from error


def _lines(file: TextIO, path: Path) -> Iterator[str]:
    number = 0
    while line := file.readline(_LONGEST_LINE):
        number += 1
        if not line.isascii():
            _refuse_other_encodings(line, f"{path}:{number}")
        if len(line) == _LONGEST_LINE:
            raise AudienceError(
                f"{path}:{number}: a line of more than {_LONGEST_LINE:,} characters; nothing was "
                "imported. Check that this is a CSV file with one subscriber a line."
            )
        yield line


def _refuse_other_encodings(line: str, place: str) -> None:
    match = _NOT_UTF_8.search(line)
    if match:
        byte = ord(match[0]) - 0xDC00
        raise AudienceError(
            f"{place}: the byte 0x{byte:02x}, which is not UTF-8 text; nothing was imported. "
            'In the spreadsheet, save the file as "CSV UTF-8".'
        )


def _rows(lines: Iterator[str], path: Path) -> Iterator[Row]:
    skipped = 0
    for header in lines:
        if header.strip():
            break
        skipped += 1
    else:
        raise AudienceError(f"{path} is empty. Expected a header and a row for each subscriber.")
    reader = csv.reader(
        chain([header], lines),
        delimiter=delimiter_of(header),
        skipinitialspace=True,  # or a quotation mark behind a space would be part of the text
        strict=True,
    )
    columns: Columns | None = None
    empty = True
    while True:
        line = skipped + reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            break
        except csv.Error as error:
            problem = _misquoted(error, path, line, skipped + reader.line_num)
            if columns is None:
                raise AudienceError(f"{path}:{line}: {problem}") from error
            yield Row(line, problem=problem)
            empty = False
            continue
        if columns is None:
            columns = columns_of([cell.strip() for cell in cells], f"{path}:{line}")
        else:
            text = "".join(cells)
            if text.strip():
                yield _row(line, cells, columns, text)
                empty = False
    if empty:
        raise AudienceError(
            f"{path}: no rows below the header. Add a row for each subscriber, or check that "
            "this is the right file."
        )


def _row(line: int, cells: list[str], columns: Columns, text: str) -> Row:
    if len(cells) > columns.width and any(map(str.strip, cells[columns.width :])):
        return Row(
            line,
            problem=f"{len(cells)} cells, expected {columns.width} as in the header; put "
            "quotation marks around a cell that holds the separator",
        )
    if "\0" in text:
        return Row(line, problem="a NUL character, which no text has; type the row again")
    cells.extend([""] * (columns.width + 1 - len(cells)))
    cells = [cell.strip() for cell in cells]
    if "'" in text:
        cells = [unguarded(cell) for cell in cells]
    return Row(
        line,
        cells[columns.email],
        cells[columns.name],
        cells[columns.agency],
        cells[columns.role],
        cells[columns.status],
    )


def _misquoted(error: csv.Error, path: Path, first: int, last: int) -> str:
    """What is wrong with the quotation marks of one row.

    Raises:
        AudienceError: one of them is never closed, so the rows behind it cannot be told.
    """
    if "expected after" not in str(error):
        raise AudienceError(
            f"{path}:{first}: a cell that begins in this row never ends, or has more than "
            f"{LONGEST_FIELD:,} characters; nothing was imported. Close its quotation mark."
        ) from error
    lines = f"line {first}" if first == last else f"lines {first} to {last}"
    return (
        f"the quotation marks on {lines} do not match; write a quotation mark inside a cell "
        'twice, as in "Salma ""Sal"" Khan"'
    )
