"""The command `inbound`: what comes to the newsletter's own addresses, from a pipe or a folder."""

import datetime as dt
import os
import sys
from collections.abc import Callable
from email import message_from_bytes, policy
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy import Connection, Engine

from newsletter_mailer.cli.console import err, plural, print_json, say
from newsletter_mailer.cli.options import AsJson
from newsletter_mailer.cli.project import Project
from newsletter_mailer.errors import NewsletterError, UsageError
from newsletter_mailer.sending.leaving_by_mail import leave_by_mail
from newsletter_mailer.settings import Settings
from newsletter_mailer.signing_key import signing_keys
from newsletter_mailer.store.engine import writing

LARGEST = 4 * 1024 * 1024
"""Bytes of a message that are read: what follows are attachments, or a mail that came back."""

TRY_AGAIN = 75
"""`EX_TEMPFAIL` of sysexits.h: the mail server keeps the message and brings it again."""


def inbound(
    context: typer.Context,
    maildir: Annotated[
        Path | None, typer.Option(help="A maildir to read, in place of standard input.")
    ] = None,
    recipient: Annotated[
        str, typer.Option(help="The address the message was sent to, as the mail server knows it.")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Act on mail that came: bounces, complaints, and wishes to leave.

    It reads one message from standard input, as a mail server hands it over, or all that are
    new in a maildir. A bounce or a complaint is noted of its delivery; whoever writes
    `unsubscribe` is unsubscribed; what is not understood is left alone. It ends with 0 for any
    message, so that none is ever answered, and with 75 where the server should try again later.
    """
    project = context.ensure_object(Project)
    if maildir is not None:
        with project.store() as engine:
            taken, left = _read_maildir(maildir, engine, project.settings, recipient)
        if as_json:
            print_json({"taken_in": taken, "left_unread": left})
        else:
            say(
                f"{plural(taken, 'message')} taken in, "
                f"{plural(left, 'other')} left unread in {maildir / 'cur'}{os.sep}."
            )
        return
    try:
        with project.store() as engine:
            done = take_in(sys.stdin.buffer.read(LARGEST), engine, project.settings, recipient)
    except NewsletterError as error:
        err.print(str(error), markup=False)
        raise typer.Exit(TRY_AGAIN) from error
    if as_json:
        print_json({"done": done})
    else:
        say(f"Done: {done}." if done else "Nothing was done: the message asks for nothing known.")


def take_in(raw: bytes, engine: Engine, settings: Settings, recipient: str = "") -> str | None:
    """Act on one message; what was done, None where it asks for nothing known.

    Raises:
        StoreError: the database could not be written; nothing was changed.
        SettingsError: the signing key cannot be had.
    """
    with writing(engine) as connection:
        for reader in READERS:
            done = reader(connection, settings, raw, recipient)
            if done:
                return done
    return None


def _reported(connection: Connection, settings: Settings, raw: bytes, recipient: str) -> str | None:
    """Take in a report of a bounce or a complaint."""
    # With it comes the parser of replies, and most commands have no use for it.
    from newsletter_mailer.tracking.agents import known_agents  # noqa: PLC0415
    from newsletter_mailer.tracking.inbound import read_report  # noqa: PLC0415
    from newsletter_mailer.tracking.ingesting import ingest  # noqa: PLC0415
    from newsletter_mailer.tracking.opens import record  # noqa: PLC0415
    from newsletter_mailer.tracking.suppressing import SoftLimit  # noqa: PLC0415

    now = dt.datetime.now(dt.UTC)
    report = read_report(raw, signing_keys(settings), now, recipient)
    if report is None:
        return None
    tracking = settings.tracking
    done = ingest(
        connection,
        [report.event],
        now,
        SoftLimit(tracking.soft_bounces, dt.timedelta(days=tracking.soft_days)),
        partial(record, agents=known_agents(), zone=settings.office.zone),
    )
    if done.known:
        return f"{report.words}, known before"
    if done.unknown:
        return f"{report.words}, of no delivery that is known here"
    return f"{report.words}, noted"


def _leaving(connection: Connection, settings: Settings, raw: bytes, recipient: str) -> str | None:
    """Unsubscribe who asks for it."""
    message = message_from_bytes(raw, policy=policy.default)
    keys, now = signing_keys(settings), dt.datetime.now(dt.UTC)
    return leave_by_mail(connection, message, keys, now=now, recipient=recipient)


READERS: tuple[Callable[[Connection, Settings, bytes, str], str | None], ...] = (
    _reported,
    _leaving,
)
"""Each says what it did with a message, or None where it is not for it. The first one counts."""


def _read_maildir(
    folder: Path, engine: Engine, settings: Settings, recipient: str
) -> tuple[int, int]:
    """Read all new messages; how many were acted on, and marked as seen, and how many not."""
    new, current = folder / "new", folder / "cur"
    if not new.is_dir() or not current.is_dir():
        raise UsageError(
            f"{folder} is no maildir: it has no folders new and cur. Name the folder that "
            "holds them."
        )
    taken = left = 0
    for path in sorted(new.iterdir()):
        with path.open("rb") as stream:
            done = take_in(stream.read(LARGEST), engine, settings, recipient)
        # Moved only now: who is killed before reads it again, and it counts once all the same.
        path.rename(current / f"{path.name}:2,{'S' if done else ''}")
        taken += bool(done)
        left += not done
    return taken, left
