"""The command `inbound`: mail that came back, from a pipe or a folder."""

import datetime as dt
import os
import sys
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy import Engine

from newsletter_mailer.cli.console import err, plural, say
from newsletter_mailer.cli.project import Project
from newsletter_mailer.errors import NewsletterError, UsageError
from newsletter_mailer.settings import Settings
from newsletter_mailer.signing_key import signing_key
from newsletter_mailer.store.engine import writing

LARGEST = 4 * 1024 * 1024
"""Bytes of a message that are read: reports are small, and what they return may be cut."""

_TRY_AGAIN = 75
"""EX_TEMPFAIL of sysexits.h: a mail server keeps the message and hands it over once more."""


def inbound(
    context: typer.Context,
    maildir: Annotated[
        Path | None, typer.Option(help="A maildir to read, in place of standard input.")
    ] = None,
    recipient: Annotated[
        str, typer.Option(help="The address the message was sent to, as the mail server knows it.")
    ] = "",
) -> None:
    """Take in bounces and complaints: a message on standard input, or all in a maildir.

    For a pipe of a mail server. It ends with 0 for any message, so that none is ever answered,
    and with 75 where the server should hand it over again later.
    """
    project = context.ensure_object(Project)
    if maildir is not None:
        with project.store() as engine:
            _read_maildir(maildir, engine, project.settings)
        return
    try:
        with project.store() as engine:
            words = take_in(sys.stdin.buffer.read(LARGEST), engine, project.settings, recipient)
    except NewsletterError as error:
        err.print(str(error), markup=False)
        raise typer.Exit(_TRY_AGAIN) from error
    say(words or "No report of a bounce or a complaint: nothing was changed.")


def take_in(raw: bytes, engine: Engine, settings: Settings, recipient: str = "") -> str:
    """Take in one message; what it reported, empty where it is no report.

    Raises:
        StoreError: the database could not be written; nothing was changed.
        SettingsError: the signing key cannot be had.
    """
    # With it comes the parser of replies, and most commands have no use for it.
    from newsletter_mailer.tracking.agents import known_agents  # noqa: PLC0415
    from newsletter_mailer.tracking.inbound import read_report  # noqa: PLC0415
    from newsletter_mailer.tracking.ingesting import ingest  # noqa: PLC0415
    from newsletter_mailer.tracking.opens import record  # noqa: PLC0415
    from newsletter_mailer.tracking.suppressing import SoftLimit  # noqa: PLC0415

    now = dt.datetime.now(dt.UTC)
    report = read_report(raw, (signing_key(settings),), now, recipient)
    if report is None:
        return ""
    tracking = settings.tracking
    with writing(engine) as connection:
        done = ingest(
            connection,
            [report.event],
            now,
            SoftLimit(tracking.soft_bounces, dt.timedelta(days=tracking.soft_days)),
            partial(record, agents=known_agents(), zone=settings.office.zone),
        )
    if done.known:
        return f"{report.words}, known before."
    if done.unknown:
        return f"{report.words}, of no delivery that is known here."
    return f"{report.words}, noted."


def _read_maildir(folder: Path, engine: Engine, settings: Settings) -> None:
    """Read all new messages; those that are reports are marked as seen."""
    new, current = folder / "new", folder / "cur"
    if not new.is_dir() or not current.is_dir():
        raise UsageError(
            f"{folder} is no maildir: it has no folders new and cur. Name the folder that "
            "holds them."
        )
    reports = others = 0
    for path in sorted(new.iterdir()):
        with path.open("rb") as stream:
            words = take_in(stream.read(LARGEST), engine, settings)
        # Moved only now: who is killed before reads it again, and it counts once all the same.
        path.rename(current / f"{path.name}:2,{'S' if words else ''}")
        reports += bool(words)
        others += not words
    say(
        f"{plural(reports, 'report')} taken in, "
        f"{plural(others, 'other message')} left unread in {current}{os.sep}."
    )
