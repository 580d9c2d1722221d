"""The commands for a campaign under way: status, pause, resume, cancel."""

import datetime as dt
import sys
from typing import Annotated

import typer
from sqlalchemy import Engine

from newsletter_mailer.cli.console import plural, print_json, say, table
from newsletter_mailer.cli.options import AsJson, ByName, CampaignName, who
from newsletter_mailer.cli.project import Project
from newsletter_mailer.cli.recalling import may_be_recalled, recall
from newsletter_mailer.cli.summary import facts, summary
from newsletter_mailer.cli.watching import watch as watch_campaign
from newsletter_mailer.errors import SendingError, UsageError
from newsletter_mailer.sending import control
from newsletter_mailer.sending.campaign import Campaign, all_campaigns, find_campaign
from newsletter_mailer.sending.counting import count
from newsletter_mailer.sending.presence import sender_at_work
from newsletter_mailer.sending.rules import wall_clock
from newsletter_mailer.sending.staged_batches import RECALL_UNTIL, leaves_at, newest
from newsletter_mailer.store.engine import reading, writing
from newsletter_mailer.store.postgres import on_postgres


def status(
    context: typer.Context,
    campaign: Annotated[
        str | None,
        typer.Argument(metavar="[CAMPAIGN]", help="A campaign's name or its issue's number."),
    ] = None,
    watch: Annotated[
        bool, typer.Option("--watch", help="Look every second, until the campaign ends.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show how far campaigns are, or one of them by agency, and how fast it goes."""
    project = context.ensure_object(Project)
    if watch and (as_json or campaign is None):
        raise UsageError("--watch is for one campaign, and without --json: newsletter status 6")
    with project.store() as engine:
        if campaign is None:
            _list(project, engine, as_json=as_json)
        elif watch:
            watch_campaign(project, engine, campaign)
        else:
            summary(project, engine, campaign, as_json=as_json)
            if not as_json:
                with reading(engine) as connection:
                    found = find_campaign(connection, campaign)
                    leaving = leaves_at(connection, found.id, wall_clock())
                say(*_standing(project, engine, found))
                if leaving:
                    last = _when(project, leaving - RECALL_UNTIL)
                    say(
                        f"The provider sends it on {_when(project, leaving)}; until {last}, "
                        f"newsletter cancel {found.name} recalls it."
                    )


def pause(
    context: typer.Context,
    campaign: CampaignName,
    reason: Annotated[str, typer.Option(metavar="WORDS", help="Why, for those who look.")] = "",
    by: ByName = None,
    as_json: AsJson = False,
) -> None:
    """Stop a campaign for now, within a second or so. What is on its way still arrives."""
    project = context.ensure_object(Project)
    name = who(by)
    with project.store() as engine, writing(engine) as connection:
        known = find_campaign(connection, campaign)
        words = f"{reason} ({name})" if reason else f"{name} asked for it"
        control.refuse_unless(
            control.pause(connection, known.id, words), connection, known, "paused"
        )
        known = find_campaign(connection, known.name)
        counts = count(connection, known.id)
    if as_json:
        print_json(facts(known, counts))
        return
    say(
        f"Campaign {known.name} is paused: {known.reason}.",
        f"{counts.sent:,} have it, {plural(counts.open, 'person')} still to come.",
        f"To go on: newsletter resume {known.name}",
    )


def resume(context: typer.Context, campaign: CampaignName, as_json: AsJson = False) -> None:
    """Let a paused campaign go on."""
    project = context.ensure_object(Project)
    with project.store() as engine:
        with writing(engine) as connection:
            known = find_campaign(connection, campaign)
            control.refuse_unless(
                control.resume(connection, known.id, wall_clock()), connection, known, "resumed"
            )
            known = find_campaign(connection, known.name)
            counts = count(connection, known.id)
        standing = _standing(project, engine, known)
    if as_json:
        print_json(facts(known, counts))
        return
    say(
        f"Campaign {known.name} goes on: {plural(counts.open, 'person')} still to come.",
        *standing,
    )


def cancel(
    context: typer.Context,
    campaign: CampaignName,
    yes: Annotated[bool, typer.Option("--yes", help="Cancel without asking.")] = False,
    by: ByName = None,
    as_json: AsJson = False,
) -> None:
    """End a campaign for good: who has not got it will not get it."""
    project = context.ensure_object(Project)
    with project.store() as engine:
        with reading(engine) as connection:
            known = find_campaign(connection, campaign)
            counts = count(connection, known.id)
            staged = newest(connection, known.id)
        now = wall_clock()
        held = staged if may_be_recalled(staged, now) else None
        if not yes and not as_json:
            if not sys.stdin.isatty():
                raise UsageError("Nobody is there to be asked. Add --yes to cancel without asking.")
            gone = "the provider holds back" if held else "have it already"
            question = (
                f"Cancel campaign {known.name} for good? {counts.sent:,} {gone}; "
                f"{plural(counts.pending + counts.deferred, 'person')} would not get it."
            )
            if not typer.confirm(question):
                say("Nothing was changed.")
                raise typer.Exit(1)
        # While somebody sends, that process takes it back when it sees that it was cancelled.
        if (
            held
            and not _at_work(project, engine)
            and not recall(project, engine, held, now)
            and known.state == "done"
        ):
            raise SendingError(
                f"It is too late to recall campaign {known.name}: the provider takes nothing back "
                f"in the last ten minutes, and sends it on {_when(project, held.send_at)}."
            )
        with writing(engine) as connection:
            words = f"cancelled by {who(by)}"
            skipped = control.cancel(connection, known.id, wall_clock(), words)
            control.refuse_unless(skipped is not None, connection, known, "cancelled")
            known = find_campaign(connection, known.name)
            counts = count(connection, known.id)
        going_on = _at_work(project, engine)
    if as_json:
        print_json(facts(known, counts))
        return
    say(
        f"Campaign {known.name} is cancelled. {plural(skipped or 0, 'person')} "
        f"will not get it: that was still in time. {counts.sent:,} had it already.",
    )
    if counts.sending:
        say(f"{plural(counts.sending, 'letter')} on the way may still arrive.")
        if not going_on:
            say(f"Whoever sent them is gone. To find out: newsletter send {known.number}")
    say(f"The record of it: newsletter certificate {known.name}")


def _list(project: Project, engine: Engine, *, as_json: bool) -> None:
    with reading(engine) as connection:
        known = [(each, count(connection, each.id)) for each in all_campaigns(connection)]
    if as_json:
        print_json([facts(each, counts) for each, counts in known])
    elif known:
        rows = [
            (
                each.name,
                each.state,
                _when(project, each.started_at or each.scheduled_at or each.frozen_at),
                f"{counts.settled:,} of {counts.all:,}",
            )
            for each, counts in known
        ]
        table("Campaigns", "campaign", "state", "from", "settled", rows=rows)
    else:
        say("No campaign was started yet. `newsletter send ISSUE` starts one.")


def _at_work(project: Project, engine: Engine) -> bool:
    """Whether somebody sends: in this project, or on PostgreSQL on any host."""
    if not on_postgres(engine):
        return sender_at_work(project.settings.state)
    from newsletter_mailer.sending.distributed.queue import workers_alive  # noqa: PLC0415

    with reading(engine) as connection:
        return workers_alive(connection, project.settings.send.lease / 2) > 0


def _standing(project: Project, engine: Engine, known: Campaign) -> list[str]:
    """Where a campaign stands, and what has to be done so that it goes on."""
    lines = [
        f"Campaign {known.name} is {known.state}" + (f": {known.reason}." if known.reason else ".")
    ]
    if known.state == "scheduled" and known.scheduled_at:
        lines.append(f"It begins on {_when(project, known.scheduled_at)}.")
    if known.state in {"scheduled", "sending"} and not _at_work(project, engine):
        how = "worker" if on_postgres(engine) else f"send {known.number}"
        lines.append(f"Nobody is sending it. To go on: newsletter {how}")
    elif known.state == "paused":
        lines.append(f"To go on: newsletter resume {known.name}")
    return lines


def _when(project: Project, moment: dt.datetime) -> str:
    return f"{moment.astimezone(project.settings.office.zone):%-d %B %Y, %H:%M}"
