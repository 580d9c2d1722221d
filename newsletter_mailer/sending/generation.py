"""Whether this database is the one that was sent from last, and not a copy or an older state.

A database that was restored or copied does not know of letters that left since, and would send
them again. So two things are kept outside of it, and have to match before anything is sent:

- **Its place.** On PostgreSQL the server's and the database's own numbers and the timeline,
  which a dump does not carry over and a recovery changes. On SQLite a mark in the state folder,
  with the number of its file, which a copy of the folder changes.
- **The last claim** of each host, in its state folder: a letter and its attempt, written after
  the claim was committed and before the letter can leave. A database that was put back to an
  earlier state has fewer attempts of that letter, or none.

Where they do not match, nothing is sent until somebody has looked and says so: `newsletter adopt`.
"""

import contextlib
import datetime as dt
import json
import os
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, delete, select, text

from newsletter_mailer.errors import SendingError
from newsletter_mailer.sending.counting import count
from newsletter_mailer.sending.journal import Journal
from newsletter_mailer.store.home_table import home
from newsletter_mailer.store.postgres import on_postgres
from newsletter_mailer.store.tables import campaign, delivery
from newsletter_mailer.store.upsert import insert_new

_MARK = "home"
_LAST_CLAIM = "last-claim"
_WIDTH = 96
"""Bytes of the last claim, always the same: it is written over in one go."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of the database, for whoever has to answer for it.

    `problems` say what does not match; there are none where it may be sent from. `campaigns`
    are those in it, each with its state and how many deliveries are still open.
    """

    place: str
    adopted_at: dt.datetime | None
    adopted_by: str
    problems: tuple[str, ...]
    campaigns: tuple[tuple[str, str, int], ...]


def refuse_a_copy(connection: Connection, state: Path, now: dt.datetime) -> None:
    """Make sure that this database may be sent from.

    One that nobody has sent from since it can tell (a new one, or one that an older version
    of the program has made) is taken as it is.

    Raises:
        SendingError: it seems to be a copy, or to have been put back to an earlier state.
    """
    row = connection.execute(select(home)).one_or_none()
    problems = _problems(connection, state, row.place if row else None)
    if problems:
        raise SendingError(
            f"Nothing is sent from this database: {' '.join(problems)} Letters may have "
            "left of which it knows nothing, and would go out a second time. `newsletter adopt` "
            "shows what is in it, and lets you answer for it."
        )
    if row is None:
        _settle(connection, state, now, "the first sender")


def facts(connection: Connection, state: Path) -> Facts:
    """Look at a database and what is known of it in the folder `state`."""
    row = connection.execute(select(home)).one_or_none()
    return Facts(
        _place(connection, state),
        row.adopted_at if row else None,
        row.adopted_by if row else "",
        tuple(_problems(connection, state, row.place if row else None)),
        tuple(_campaigns(connection)),
    )


def adopt(connection: Connection, state: Path, now: dt.datetime, by: str) -> None:
    """Let this database be sent from, on somebody's word: what does not match is forgotten."""
    with contextlib.suppress(FileNotFoundError):
        (state / _LAST_CLAIM).unlink()
    connection.execute(delete(home))
    _settle(connection, state, now, by)


def _settle(connection: Connection, state: Path, now: dt.datetime, by: str) -> None:
    """Write down that the database is at home here; of several that do so at once, one does."""
    if not on_postgres(connection):
        state.mkdir(parents=True, exist_ok=True)
        path = state / _MARK
        if not path.exists():
            path.write_text(secrets.token_hex(8), encoding="ascii")
    row = {"place": _place(connection, state), "adopted_at": now, "adopted_by": by}
    connection.execute(insert_new(home, row))


class NotingJournal(Journal):
    """A journal that also notes the host's last claim, in the folder above its own.

    It is written at once, though not through to the disk.
    """

    def __init__(self, folder: Path, owner: str, campaign_id: int) -> None:
        super().__init__(folder, owner)
        self._noted = folder.parent / _LAST_CLAIM
        self._campaign_id = campaign_id

    def expect(self, attempts: Sequence[tuple[int, int]]) -> None:
        """Note that a group was claimed: its letters, each with its attempt.

        Raises:
            SendingError: the last claim cannot be written.
        """
        super().expect(attempts)
        number, attempt = attempts[-1]
        told = {"campaign": self._campaign_id, "subscriber": number, "attempt": attempt}
        line = json.dumps(told).ljust(_WIDTH - 1) + "\n"
        try:
            handle = os.open(self._noted, os.O_WRONLY | os.O_CREAT, 0o600)
            try:
                os.pwrite(handle, line.encode("ascii"), 0)
            finally:
                os.close(handle)
        except OSError as error:
            raise SendingError(
                f"{self._noted} cannot be written: {error.strerror}. Make room or let this user "
                "write there, and run the same command again: nobody gets it twice."
            ) from error


def _problems(connection: Connection, state: Path, known: str | None) -> list[str]:
    problems = []
    place = _place(connection, state)
    if known is not None and known != place:
        problems.append(_elsewhere(connection, known, place))
    last = _last_claim(state)
    if last is not None and (problem := _is_behind(connection, last)):
        problems.append(problem)
    return problems


def _place(connection: Connection, state: Path) -> str:
    if on_postgres(connection):
        server, timeline, number = connection.execute(
            text(
                "SELECT (SELECT system_identifier FROM pg_control_system()), "
                "(SELECT timeline_id FROM pg_control_checkpoint()), "
                "(SELECT oid FROM pg_database WHERE datname = current_database())"
            )
        ).one()
        return f"server {server}, timeline {timeline}, database {number}"
    path = state / _MARK
    try:
        return f"folder {path.read_text(encoding='ascii').strip()}, file {path.stat().st_ino}"
    except OSError:
        return "folder without a mark"


def _elsewhere(connection: Connection, known: str, place: str) -> str:
    what = (
        "It was restored or copied to another place, or its server went over to another timeline"
        if on_postgres(connection)
        else "It was copied or moved here from another place"
    )
    return f"{what} ({known} before; {place} now)."


def _last_claim(state: Path) -> dict[str, int] | None:
    try:
        found: dict[str, int] = json.loads((state / _LAST_CLAIM).read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None
    return found


def _is_behind(connection: Connection, last: Mapping[str, int]) -> str:
    """How the database is behind what this host sent last; empty where it is not."""
    attempts = connection.scalar(
        select(delivery.c.attempts).where(
            delivery.c.campaign_id == last["campaign"],
            delivery.c.subscriber_id == last["subscriber"],
        )
    )
    if attempts is not None and attempts >= last["attempt"]:
        return ""
    return (
        f"This host has claimed delivery {last['subscriber']} of campaign {last['campaign']} at "
        f"attempt {last['attempt']}, and the database "
        + ("has no such delivery." if attempts is None else f"is at attempt {attempts} of it.")
        + " It is in an earlier state."
    )


def _campaigns(connection: Connection) -> list[tuple[str, str, int]]:
    rows = connection.execute(select(campaign.c.id, campaign.c.name, campaign.c.state)).all()
    return [(row.name, row.state, count(connection, row.id).open) for row in rows]
