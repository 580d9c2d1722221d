"""The command `inbound`: what comes to the newsletter's own address."""

import datetime as dt
import sys
from collections.abc import Callable
from email import message_from_bytes, policy
from email.message import EmailMessage

import typer
from sqlalchemy import Connection

from newsletter_mailer.cli.console import err, print_json, say
from newsletter_mailer.cli.options import AsJson
from newsletter_mailer.cli.project import Project
from newsletter_mailer.errors import StoreError
from newsletter_mailer.sending.leaving_by_mail import leave_by_mail
from newsletter_mailer.signing_key import signing_keys
from newsletter_mailer.store.engine import writing

_LARGEST = 1_000_000
"""Bytes that are looked at; what follows are attachments."""

TRY_AGAIN = 75
"""`EX_TEMPFAIL` of sysexits.h: the mail server keeps the message and brings it again."""


def _leaving(project: Project, connection: Connection, message: EmailMessage) -> str | None:
    keys = signing_keys(project.settings)
    return leave_by_mail(connection, message, keys, now=dt.datetime.now(dt.UTC))


READERS: tuple[Callable[[Project, Connection, EmailMessage], str | None], ...] = (_leaving,)
"""Each says what it did with a message, or None where it is not for it. The first one counts."""


def inbound(context: typer.Context, as_json: AsJson = False) -> None:
    """Read one message from standard input, as a mail server hands it over, and act on it.

    Whoever writes `unsubscribe` is unsubscribed. What is not understood is left alone. If
    the database cannot be written, it ends with 75, so that the server tries again later.
    """
    project = context.ensure_object(Project)
    message = message_from_bytes(sys.stdin.buffer.read(_LARGEST), policy=policy.default)
    done = None
    try:
        with project.store() as engine, writing(engine) as connection:
            for reader in READERS:
                done = reader(project, connection, message)
                if done:
                    break
    except StoreError as error:
        err.print(str(error), markup=False)
        raise typer.Exit(TRY_AGAIN) from error
    if as_json:
        print_json({"done": done})
    else:
        say(f"Done: {done}." if done else "Nothing was done: the message asks for nothing known.")
