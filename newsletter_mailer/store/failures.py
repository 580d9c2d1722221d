"""What a refusal of the database means to the person at the keyboard."""

import sqlite3

from sqlalchemy.exc import DBAPIError, OperationalError, SQLAlchemyError, StatementError

from newsletter_mailer.errors import StoreError

_PRIMARY = 0xFF
"""The bits of an error code that name its kind; those above tell variants apart."""


def explained(error: SQLAlchemyError, database: str, wait: float) -> StoreError:
    """The error as a sentence: what happened to `database`, and what to do.

    Args:
        error: as SQLAlchemy raised it.
        database: its file, as the user knows it.
        wait: seconds for which a locked database was waited for.
    """
    # SQLAlchemy's own text goes on, over several lines, to the statement and its values.
    cause = error.orig if isinstance(error, StatementError) else error
    code = getattr(cause, "sqlite_errorcode", 0) & _PRIMARY
    sentence = _SENTENCES.get(code) or _of_postgres(error, cause)
    if sentence:
        reason = _first_line(cause)
        return StoreError(f"The database {database} {sentence.format(wait=wait, reason=reason)}")
    reason = str(cause).partition("\n")[0]
    return StoreError(
        f"The database {database} gave an error that was not expected: {reason}. Nothing was "
        "changed. Check the disk, and report this if it happens again."
    )


_LOCKED = (
    "is locked: another process was still writing to it after {wait:g} seconds. "
    "Let that process finish, then run the command again."
)
_DAMAGED = (
    "is damaged, or is not an SQLite database. Restore a backup, or name another file in "
    "NEWSLETTER_DATABASE_URL."
)
_READ_ONLY = (
    "is read-only: its file or folder may not be written by this user. Change the permissions "
    "of both, or run the command as the user who owns them."
)
_FULL = "could not be written, because the disk is full. Nothing was changed. Make room and retry."
_CLOSED = (
    "cannot be opened. Check that its folder exists, that it is a file, and that this user may "
    "read and write both."
)
_FAULT = (
    "could not be read or written: the disk reported a fault. Nothing was changed. Check the "
    "disk and its free space, then run the command again."
)

_UNREACHABLE = (
    "cannot be reached: {reason}. Check that the server runs, and the host, user and password in "
    "NEWSLETTER_DATABASE_URL."
)
_CROSSED = (
    "had two processes wait for each other, and took this one's change back. Run the command again."
)
_FORBIDDEN = (
    "refuses this user: {reason}. Let its user own the database, or name another in "
    "NEWSLETTER_DATABASE_URL."
)
_STANDBY = "may only be read: the server is a standby. Name the primary in NEWSLETTER_DATABASE_URL."

_SENTENCES = {
    sqlite3.SQLITE_BUSY: _LOCKED,
    sqlite3.SQLITE_LOCKED: _LOCKED,
    sqlite3.SQLITE_READONLY: _READ_ONLY,
    sqlite3.SQLITE_PERM: _READ_ONLY,
    sqlite3.SQLITE_AUTH: _READ_ONLY,
    sqlite3.SQLITE_FULL: _FULL,
    sqlite3.SQLITE_IOERR: _FAULT,
    sqlite3.SQLITE_CANTOPEN: _CLOSED,
    sqlite3.SQLITE_NOTADB: _DAMAGED,
    sqlite3.SQLITE_CORRUPT: _DAMAGED,
}

_CLASSES = {
    "08": _UNREACHABLE,
    "28": _UNREACHABLE,
    "3D": _UNREACHABLE,
    "40": _CROSSED,
    "42501": _FORBIDDEN,
    "53100": _FULL,
    "53": _UNREACHABLE,
    "55P03": _LOCKED,
    "25006": _STANDBY,
    "57P": _UNREACHABLE,
    "58": _FAULT,
}
"""By the beginnings of PostgreSQL's error codes (its manual, appendix A)."""


def _of_postgres(error: SQLAlchemyError, cause: object) -> str | None:
    """What PostgreSQL's error code means; a lost connection has none."""
    code = getattr(cause, "sqlstate", None)
    if code is None:
        lost = isinstance(error, DBAPIError) and error.connection_invalidated
        gone = lost or (isinstance(error, OperationalError) and hasattr(cause, "sqlstate"))
        return _UNREACHABLE if gone else None
    return next((_CLASSES[code[:n]] for n in (5, 3, 2) if code[:n] in _CLASSES), None)


def _first_line(cause: object) -> str:
    """The first line of an error, as the inside of a sentence."""
    lines = [line.strip() for line in str(cause).splitlines() if line.strip()]
    return (lines[0] if lines else "no reason was given").rstrip(".")
