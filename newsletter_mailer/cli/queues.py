"""The commands that go through the list: mismatches, dedupe, reconfirm; and tidy."""

import datetime as dt
import secrets
from dataclasses import asdict
from itertools import islice
from typing import Annotated

import typer

from newsletter_mailer.audience import duplicates, mismatches, reconfirming
from newsletter_mailer.cli.console import plural, print_json, say
from newsletter_mailer.cli.options import AsJson, ByName, who
from newsletter_mailer.cli.people import WAY, person
from newsletter_mailer.cli.project import Project
from newsletter_mailer.sending.rules import wall_clock
from newsletter_mailer.signing_key import signing_key
from newsletter_mailer.store.engine import reading, writing
from newsletter_mailer.store.scrubbing import overwrite_what_is_deleted

_SHOWN = 50


def list_mismatches(
    context: typer.Context,
    keep: Annotated[
        list[str] | None,
        typer.Option("--keep", metavar="ADDRESS", help="This one is right as it is."),
    ] = None,
    by: ByName = None,
    as_json: AsJson = False,
) -> None:
    """List people whose address is of another agency than theirs, until each is looked at."""
    project = context.ensure_object(Project)
    with project.store() as engine:
        if keep:
            with writing(engine) as connection:
                for address in keep:
                    id_ = person(connection, address)
                    mismatches.keep(
                        connection,
                        id_,
                        way=f"{WAY} mismatches",
                        by=who(by),
                        now=wall_clock(),
                    )
        with reading(engine) as connection:
            queue = mismatches.mismatches(connection, project.registry)
            found = list(queue if as_json else islice(queue, _SHOWN))
            more = 0 if as_json else sum(1 for _ in queue)
    if as_json:
        print_json([asdict(each) for each in found])
        return
    for each in found:
        names = (project.registry.agency(id_).name for id_ in each.suggested)
        here = project.registry.agency(each.agency).name
        say(f"{each.email}: {here}; the domain is of {' or '.join(names)}")
    if more:
        say(f"… and {more:,} more.")
    if found:
        say(
            "",
            "To move one:       newsletter subscribers move ADDRESS AGENCY",
            "If it is right so: newsletter subscribers mismatches --keep ADDRESS",
        )
    else:
        say("Every address fits its agency, or was looked at.")


def dedupe(
    context: typer.Context,
    merge: Annotated[
        bool, typer.Option("--merge", help="Leave one of each, and unsubscribe the others.")
    ] = False,
    by: ByName = None,
    as_json: AsJson = False,
) -> None:
    """List people who are on the list twice by spellings of one mailbox, or merge them."""
    project = context.ensure_object(Project)
    now = wall_clock()
    with project.store() as engine, writing(engine) if merge else reading(engine) as connection:
        found = list(duplicates.duplicates(connection))
        for each in found if merge else ():
            duplicates.merge(connection, each, way=f"{WAY} dedupe", by=who(by), now=now)
    if as_json:
        print_json([{**asdict(each), "stays": each.stays.email, "merged": merge} for each in found])
        return
    for each in found:
        others = ", ".join(
            copy.email for copy in each.copies if copy != each.stays and copy.status == "active"
        )
        say(f"{each.stays.email} stays; {others} {'is gone' if merge else 'would go'}")
    if not found:
        say("Nobody is on the list twice.")
    elif not merge:
        say("", "To do so: newsletter subscribers dedupe --merge")


def reconfirm(
    context: typer.Context,
    send: Annotated[bool, typer.Option("--send", help="Ask them, by mail.")] = False,
    most: Annotated[int, typer.Option(min=1, help="Ask at most so many.")] = 500,
    by: ByName = None,
    as_json: AsJson = False,
) -> None:
    """List people who have been silent for long and were never asked, or ask them to reconfirm."""
    project = context.ensure_object(Project)
    settings, now = project.settings, wall_clock()
    since = now - dt.timedelta(days=settings.retention.silent)
    with project.store() as engine:
        with writing(engine) if send else reading(engine) as connection:
            found = reconfirming.silent(connection, since, most)
            for each in found if send else ():
                reconfirming.ask(
                    connection,
                    each,
                    nonce=secrets.token_urlsafe(16),
                    way=f"{WAY} reconfirm",
                    by=who(by),
                    now=now,
                )
        if send and found:
            # What compiles mails takes a while to import.
            from newsletter_mailer.sending.notices import NoticePost  # noqa: PLC0415

            post = NoticePost(settings, signing_key(settings))
            while post.send_due(engine, wall_clock()):
                pass
    if as_json:
        print_json({"asked": send, "people": [asdict(each) for each in found]})
        return
    for each in found[:_SHOWN]:
        say(f"{each.email}  {each.name}".rstrip())
    if len(found) > _SHOWN:
        say(f"… and {len(found) - _SHOWN:,} more.")
    days = f"silent since {since.astimezone(settings.office.zone):%-d %B %Y}"
    if not found:
        say(f"Nobody is {days} whom you have not asked.")
    elif send:
        say(f"{plural(len(found), 'person')} asked. Nobody is asked a second time.")
    else:
        say(f"{plural(len(found), 'person')} {days}. To ask them: add --send")


def tidy(
    context: typer.Context,
    dry_run: Annotated[
        bool, typer.Option(help="Show what would be taken away, and change nothing.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Take away what was kept as long as the settings allow. For a nightly timer."""
    # It reaches into the ledger, which other commands of the list do not.
    from newsletter_mailer.sending import retention  # noqa: PLC0415
    from newsletter_mailer.tracking import tidying  # noqa: PLC0415

    project = context.ensure_object(Project)
    settings, now = project.settings, wall_clock()
    today = now.astimezone(settings.office.zone).date()
    before = today - dt.timedelta(days=settings.tracking.keep_days)
    with project.store() as engine:
        # First, since the other one ends by writing the database's file anew.
        with writing(engine) as connection:
            overwrite_what_is_deleted(connection)
            counted = tidying.tidy(connection, before)
            if dry_run:
                connection.rollback()
        done = retention.tidy(engine, settings, signing_key(settings), now=now, dry_run=dry_run)
    if as_json:
        print_json({**asdict(done), "tracking": counted, "dry_run": dry_run})
        return
    would = "would be " if dry_run else ""
    lines = {
        f"never confirmed, {would}deleted": done.unconfirmed,
        f"without an answer, {would}unsubscribed": done.unanswered,
        f"left long ago, {would}erased": done.left,
        f"names and addresses {would}taken out of ledgers": done.ledger + done.left_behind,
        f"entries of the audit trail {would}deleted": done.trail,
        f"messages in the outbox {would}deleted": done.files,
        f"opens, clicks and reports {would}deleted, and counted": counted,
    }
    for words, number in lines.items():
        if number:
            say(f"{number:,} {words}")
    if not (done.anything or counted):
        say("Nothing is older than the settings allow.")
