"""The command that sends."""

import datetime as dt
import gc
from collections.abc import Sequence
from contextlib import nullcontext
from functools import partial
from typing import Annotated

import typer
from sqlalchemy import Engine

from newsletter_mailer.audience.segment import segment
from newsletter_mailer.cli.console import err, plural, progress, say
from newsletter_mailer.cli.freezing import Wish, freeze_campaign, show_plan
from newsletter_mailer.cli.options import AsJson, ByName, IssueName, who
from newsletter_mailer.cli.project import Project
from newsletter_mailer.cli.rehearsing import rehearse
from newsletter_mailer.cli.stopping import stopped_by_signals
from newsletter_mailer.cli.summary import summary
from newsletter_mailer.cli.trying import try_out
from newsletter_mailer.cli.waiting import watch_workers
from newsletter_mailer.errors import ContentError, SendingError, UsageError
from newsletter_mailer.sending.campaign import (
    Campaign,
    all_campaigns,
    campaigns_of_issue,
    find_campaign,
)
from newsletter_mailer.sending.counting import count
from newsletter_mailer.sending.dispatching import dispatch_of
from newsletter_mailer.sending.freezing import content_hash
from newsletter_mailer.sending.generation import refuse_a_copy
from newsletter_mailer.sending.rules import wall_clock
from newsletter_mailer.sending.running import Ending, run, sole_sender
from newsletter_mailer.sending.schedule import start_time
from newsletter_mailer.sending.staged_batches import RECALL_UNTIL, is_open, leaves_at
from newsletter_mailer.sending.staging import run_staged
from newsletter_mailer.sending.transports.choosing import stage_of
from newsletter_mailer.settings import Settings
from newsletter_mailer.store.engine import reading, writing
from newsletter_mailer.store.postgres import on_postgres

_ENDED = ("done", "cancelled")


def send(
    context: typer.Context,
    issue: IssueName,
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Send without asking.")] = False,
    audience: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="Only to these agencies, sectors, groups or saved segments; `all` for a new "
            "campaign to everyone who is in none of this issue yet.",
        ),
    ] = None,
    at: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="Begin then, such as 09:00 or '2026-11-23 09:00'."),
    ] = None,
    canary: Annotated[
        int, typer.Option(min=0, help="Send so many first, wait, and go on if they arrived.")
    ] = 0,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Do everything but send, and show the plan.")
    ] = False,
    provider: Annotated[
        bool,
        typer.Option("--provider", help="With --dry-run: have the provider look at every mail."),
    ] = False,
    test: Annotated[
        list[str] | None,
        typer.Option(metavar="ADDRESS", help="Send only a letter marked [TEST] to this address."),
    ] = None,
    as_: Annotated[
        list[str] | None,
        typer.Option("--as", metavar="AGENCY", help="With --test: as this agency gets it."),
    ] = None,
    accept_unknown: Annotated[
        list[str] | None,
        typer.Option(
            metavar="LINK", help="Let a doubtful link pass, on your word; `all` for each of them."
        ),
    ] = None,
    no_wait: Annotated[
        bool,
        typer.Option("--no-wait", help="On PostgreSQL: leave it to the workers, and do not watch."),
    ] = False,
    by: ByName = None,
    as_json: AsJson = False,
) -> None:
    """Send an issue. Run again after a stop, it finishes what was left: nobody gets it twice."""
    project = context.ensure_object(Project)
    if test:
        try_out(project, project.folder(issue).name, test, as_ or [], as_json=as_json)
        return
    if provider and not dry_run:
        raise UsageError("--provider goes with --dry-run: the provider looks, and sends nothing.")
    if as_:
        raise UsageError("--as goes with --test ADDRESS. To send to some agencies: --audience.")
    settings = project.settings
    start = start_time(at, settings.office.zone, wall_clock()) if at else None
    with project.store() as engine:
        name = _folder_name(project, engine, issue)
        if dry_run:
            wanted = segment(audience or [], project.registry, settings)
            show = rehearse if provider else show_plan
            show(project, engine, name, wanted, as_json=as_json)
            return
        shared = on_postgres(engine)
        _refuse_staged(settings, canary=canary, shared=shared)
        with writing(engine) as connection:
            refuse_a_copy(connection, settings.state, wall_clock())
        with nullcontext() if shared else sole_sender(settings.state):
            known = _known(engine, name)
            if known and (known.state not in _ENDED or not audience):
                _refuse_changes(known, changed=bool(audience or at or canary))
                campaign: Campaign | None = known
                if not as_json:
                    _say_again(project, known)
            else:
                # Only here: what is under way goes on though nobody can read the registry now.
                wanted = segment(audience or [], project.registry, settings)
                wish = Wish(wanted, who(by), start, canary, frozenset(accept_unknown or ()))
                campaign = freeze_campaign(
                    project, engine, name, wish, sure=yes or as_json, quiet=as_json
                )
            if campaign is None:
                raise typer.Exit(1)
            ending = None
            with reading(engine) as connection:
                left = count(connection, campaign.id).open or is_open(connection, campaign.id)
            if shared and not no_wait:
                watch_workers(project, engine, campaign, quiet=as_json)
            elif campaign.state not in _ENDED or left:  # a killed sender left it, then a cancel
                ending = None if shared else _send(project, engine, campaign, quiet=as_json)
        with reading(engine) as connection:
            counts = count(connection, campaign.id)
            campaign = find_campaign(connection, campaign.name)
            leaving = leaves_at(connection, campaign.id, wall_clock())
        summary(project, engine, campaign.name, as_json=as_json)
        if leaving and not as_json:
            say(*_held_until(project, campaign, leaving))
        _say_next(project, campaign, ending, quiet=as_json)
    if counts.failed or counts.in_doubt or campaign.state == "paused":
        raise typer.Exit(1)


def _folder_name(project: Project, engine: Engine, issue: str) -> str:
    """The name of an issue's folder; of one that is gone, as its newest campaign knows it.

    Raises:
        UsageError: there is neither.
    """
    try:
        return project.folder(issue).name
    except UsageError:
        with reading(engine) as connection:
            known = all_campaigns(connection)
        named = [each.issue for each in known if issue in {each.issue, str(each.number)}]
        if not named:
            raise
        return named[-1]


def _known(engine: Engine, issue: str) -> Campaign | None:
    """The campaign of an issue that is under way, else its newest, if there is any."""
    with reading(engine) as connection:
        known = campaigns_of_issue(connection, issue)
    under_way = [each for each in known if each.state not in _ENDED]
    found = under_way or known
    return found[-1] if found else None


def _refuse_staged(settings: Settings, *, canary: int, shared: bool) -> None:
    if settings.send.staged and (canary or shared):
        raise UsageError(
            "send.staged holds a whole campaign back and releases it at once, from one machine: "
            "it goes neither with --canary nor with workers. Take one of them out."
        )


def _refuse_changes(known: Campaign, *, changed: bool) -> None:
    if changed:
        raise UsageError(
            f"Campaign {known.name} is {known.state}: for whom it is and when it begins was "
            f"frozen with it. To go on: newsletter send {known.number}. To start another: "
            f"newsletter cancel {known.name} first."
        )
    if known.state == "paused":
        raise SendingError(
            f"Campaign {known.name} is paused: {known.reason or 'somebody asked for it'}. "
            f"When that is mended: newsletter resume {known.name}, then send again."
        )


def _send(project: Project, engine: Engine, campaign: Campaign, *, quiet: bool) -> Ending:
    """Run a campaign until nothing of it can go now."""
    gc.collect()  # what reading and compiling left behind makes room for the letters
    settings = project.settings
    dispatch = dispatch_of(engine, campaign, settings)
    with reading(engine) as connection:
        total = count(connection, campaign.id).all
        staged = settings.send.staged or is_open(connection, campaign.id)
    going = run
    if staged:
        going = partial(run_staged, stage=stage_of(settings, dispatch.transport))

    def waiting(until: dt.datetime) -> None:
        if not quiet:
            err.print(f"Nothing can go until {_when(project, until)}. Waiting; Ctrl-C stops.")

    with (
        stopped_by_signals() as stop,
        progress(f"Sending issue {campaign.number}", total, quiet=quiet) as done,
    ):
        ending = going(dispatch, stop=stop, progress=done, waiting=waiting)
    if stop.is_set():
        raise SendingError(
            "Stopped. Run the same command again to finish: nobody will get it twice."
        )
    return ending


def _say_again(project: Project, campaign: Campaign) -> None:
    """Say that a campaign goes on with what was frozen, and whether the files differ by now."""
    say(f"Issue {campaign.number} was frozen for sending on {_when(project, campaign.frozen_at)}.")
    try:
        issue, _ = project.issue(campaign.issue)
        changed = content_hash(project.compiled(issue)) != campaign.content_hash
    except (ContentError, UsageError):  # mistakes in the files, or no files at all
        changed = True
    if changed:
        err.print("Its files have changed since. What was frozen is what is sent.")


def _say_next(project: Project, campaign: Campaign, ending: Ending | None, *, quiet: bool) -> None:
    """Say what is left to do."""
    if quiet:
        return
    lines: Sequence[str] = ()
    if campaign.state == "paused":
        lines = (f"Paused: {campaign.reason}.", f"To go on: newsletter resume {campaign.name}")
    elif ending and ending.next_at:
        left = ending.counts.deferred
        when = _when(project, ending.next_at)
        lines = (
            f"{plural(left, 'letter')} refused for now.",
            f"From {when} on, newsletter send {campaign.number} tries again.",
        )
    elif campaign.state == "cancelled":
        again = f"newsletter send {campaign.number} --audience all"
        lines = (f"It was cancelled. To send it to those who have not got it: {again}",)
    say(*lines)


def _held_until(project: Project, campaign: Campaign, leaving: dt.datetime) -> list[str]:
    """Say until when a campaign is held back, and can be taken back."""
    last = leaving - RECALL_UNTIL
    lines = [f"The provider has all of it, and sends it on {_when(project, leaving)}."]
    if last > wall_clock():
        lines.append(f"Until {_when(project, last)}, newsletter cancel {campaign.name} recalls it.")
    return lines


def _when(project: Project, moment: dt.datetime) -> str:
    return f"{moment.astimezone(project.settings.office.zone):%-d %B %Y at %H:%M}"
