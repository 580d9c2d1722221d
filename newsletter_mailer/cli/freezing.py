"""What `send` does before it sends: check, ask, freeze; or only show the plan."""

import datetime as dt
import sys
from collections.abc import Mapping
from dataclasses import dataclass

import typer
from sqlalchemy import Engine

from newsletter_mailer.archive.shelving import prepare, shelve
from newsletter_mailer.audience.segment import Segment
from newsletter_mailer.checking.links.checked import CheckedLink
from newsletter_mailer.cli.console import err, plural, print_json, say, table
from newsletter_mailer.cli.looking import LinkLook, look_at_links
from newsletter_mailer.cli.project import Project
from newsletter_mailer.errors import UsageError
from newsletter_mailer.reading.document import Issue
from newsletter_mailer.sending.campaign import Campaign
from newsletter_mailer.sending.campaign_links import keep_links
from newsletter_mailer.sending.freezing import Order, freeze
from newsletter_mailer.sending.gate import (
    Acceptance,
    acceptances,
    doubtful,
    let_pass,
    refusal,
)
from newsletter_mailer.sending.planning import Plan, plan
from newsletter_mailer.sending.recipients import recipients
from newsletter_mailer.sending.rules import wall_clock
from newsletter_mailer.store.engine import reading, writing
from newsletter_mailer.store.postgres import on_postgres

_MINUTE = 60


@dataclass(frozen=True, slots=True)
class Wish:
    """What `send` was asked for: for whom, by whom, when, how carefully.

    `passing` are the doubtful links that may go out on the word of `by`.
    """

    wanted: Segment
    by: str
    start: dt.datetime | None = None
    canary: int = 0
    passing: frozenset[str] = frozenset()


def freeze_campaign(
    project: Project, engine: Engine, name: str, wish: Wish, *, sure: bool, quiet: bool
) -> Campaign | None:
    """Freeze a new campaign, if all checks let it and whoever is asked agrees.

    What was compiled and checked in memory is what is frozen, whatever becomes of the
    files meanwhile; and the network is done with before the database is written.

    Raises:
        ContentError: there are errors in the issue that nobody waived.
        SendingError: nobody would get it, or doubtful links have nobody's word.
        UsageError: nobody is there to be asked.
    """
    issue, findings = project.issue(name)
    emails = project.compiled(issue)
    look = look_at_links(issue, emails, project.settings, engine=engine, quiet=quiet)
    waivers = project.looked_over(
        issue, findings, emails, links=look.findings, answering=look.answering
    ).waivers
    if look.unlooked and not quiet:
        err.print(f"{look.unlooked}, so the links were not looked at.", markup=False)
    accepted = _passing(project, name, look, wish, sure=sure)
    chosen = recipients(issue.name, wish.wanted, emails, project.registry, now=wall_clock())
    with reading(engine) as connection:
        made = plan(connection, emails, chosen, project.settings)
    if made.people and not sure and not _agreed(project, issue, made, wish):
        say("Nothing was sent.")
        return None
    shelf = prepare(project.compiler, issue, emails, project.registry)
    order = Order(chosen, wish.by, wish.start, wish.canary, waivers)
    with writing(engine) as connection:
        campaign = freeze(
            connection,
            issue,
            emails,
            project.registry,
            project.settings,
            order=order,
            now=wall_clock(),
        )
        keep_links(connection, campaign.id, look.links, accepted)
        shelve(connection, campaign.id, shelf)
        if on_postgres(connection):
            from newsletter_mailer.sending.distributed.handing_over import (  # noqa: PLC0415
                hand_over,
            )

            hand_over(connection, campaign)
    return campaign


def _agreed(project: Project, issue: Issue, made: Plan, wish: Wish) -> bool:
    if not sys.stdin.isatty():
        raise UsageError("Nobody is there to be asked. Add --yes to send without asking.")
    zone = project.settings.office.zone
    when = f", from {wish.start.astimezone(zone):%-d %B %Y at %H:%M} on" if wish.start else ""
    return typer.confirm(
        f"Send issue {issue.head.number}, “{issue.head.title}”, in "
        f"{plural(len(made.variants), 'variant')} to {plural(made.people, 'person')} "
        f"through the transport {project.settings.transport}{when}?"
    )


def _passing(
    project: Project, name: str, look: LinkLook, wish: Wish, *, sure: bool
) -> Mapping[str, Acceptance]:
    """Whose word lets which doubtful links pass; asks on a terminal.

    Raises:
        SendingError: nobody gave it for some of them.
    """
    doubts = doubtful(look.links, project.settings.transport)
    urls = let_pass(look.links, doubts, wish.passing)
    if not sure and sys.stdin.isatty():
        for link in doubts:
            if link.url not in urls and _is_fine(link):
                urls.add(link.url)
    if len(urls) < len(doubts):
        raise refusal(name, doubts, urls)
    return acceptances(urls, wish.by, wall_clock()) if urls else {}


def _is_fine(link: CheckedLink) -> bool:
    say(f"{link.mentions[0].place}: {link.result.verdict}: {link.result.reason.rstrip('.')}.")
    return typer.confirm(f"Did you open {link.url}, and is it right?")


def show_plan(
    project: Project, engine: Engine, name: str, wanted: Segment, *, as_json: bool
) -> None:
    """Check and compile an issue, and print what sending it would do."""
    issue, findings = project.issue(name)
    emails = project.compiled(issue)
    project.looked_over(issue, findings, emails)
    chosen = recipients(issue.name, wanted, emails, project.registry, now=wall_clock())
    with reading(engine) as connection:
        made = plan(connection, emails, chosen, project.settings)
    if as_json:
        print_json(
            {
                "issue": issue.name,
                "variants": {name: list(agencies) for name, agencies in made.variants.items()},
                "recipients": made.recipients,
                "people": made.people,
                "excluded": made.excluded,
                "batches": made.batches,
                "seconds": made.seconds,
                "transport": project.settings.transport,
            }
        )
        return
    table(
        f"Issue {issue.head.number}, {issue.head.title}: {plural(len(emails), 'variant')}",
        "variant",
        "agency",
        "recipients",
        rows=[
            (
                name if at == 0 else "",
                project.registry.agency(id_).name,
                f"{made.recipients.get(id_, 0):,}",
            )
            for name, agencies in made.variants.items()
            for at, id_ in enumerate(agencies)
        ],
    )
    say(
        "",
        f"{plural(made.people, 'recipient')} in {plural(made.batches, 'batch')} through the "
        f"transport {project.settings.transport}.",
        *(f"Left out: {number:,} {reason}." for reason, number in made.excluded.items()),
        _time(made),
        "Nothing was sent, and nothing was frozen.",
    )


def _time(made: Plan) -> str:
    if made.seconds is None:
        return "No rate is set, so it goes as fast as the other side takes it."
    if made.seconds < _MINUTE:
        return f"At the rate that is set, it takes {made.seconds:.0f} seconds."
    minutes = round(made.seconds / _MINUTE)
    return f"At the rate that is set, it takes {minutes // 60} h {minutes % 60} min."
