"""What `send` does before it sends: check, ask, freeze; or only show the plan."""

import datetime as dt
import sys

import typer
from sqlalchemy import Engine

from newsletter_mailer.audience.segment import Segment
from newsletter_mailer.cli.console import plural, print_json, say, table
from newsletter_mailer.cli.project import Project
from newsletter_mailer.errors import UsageError
from newsletter_mailer.sending.campaign import Campaign
from newsletter_mailer.sending.freezing import Order, freeze
from newsletter_mailer.sending.planning import Plan, plan
from newsletter_mailer.sending.recipients import recipients
from newsletter_mailer.sending.rules import wall_clock
from newsletter_mailer.store.engine import reading, writing

_MINUTE = 60


def freeze_campaign(
    project: Project,
    engine: Engine,
    name: str,
    wanted: Segment,
    *,
    by: str,
    start: dt.datetime | None,
    canary: int,
    sure: bool,
) -> Campaign | None:
    """Check an issue and freeze a new campaign of it, if whoever is asked agrees.

    Raises:
        ContentError: there are errors in the issue that nobody waived.
        SendingError: nobody would get it.
        UsageError: nobody is there to be asked.
    """
    issue, findings = project.issue(name)
    emails = project.compiled(issue)
    waivers = project.looked_over(issue, findings, emails).waivers
    chosen = recipients(issue.name, wanted, emails, project.registry)
    with reading(engine) as connection:
        made = plan(connection, emails, chosen, project.settings)
    if made.people and not sure:
        if not sys.stdin.isatty():
            raise UsageError("Nobody is there to be asked. Add --yes to send without asking.")
        zone = project.settings.office.zone
        when = f", from {start.astimezone(zone):%-d %B %Y at %H:%M} on" if start else ""
        question = (
            f"Send issue {issue.head.number}, “{issue.head.title}”, in "
            f"{plural(len(emails), 'variant')} to {plural(made.people, 'person')} "
            f"through the transport {project.settings.transport}{when}?"
        )
        if not typer.confirm(question):
            say("Nothing was sent.")
            return None
    order = Order(chosen, by, start, canary, waivers)
    with writing(engine) as connection:
        return freeze(
            connection, issue, emails, project.registry, project.settings, order, now=wall_clock()
        )


def show_plan(
    project: Project, engine: Engine, name: str, wanted: Segment, *, as_json: bool
) -> None:
    """Check and compile an issue, and print what sending it would do."""
    issue, findings = project.issue(name)
    emails = project.compiled(issue)
    project.looked_over(issue, findings, emails)
    chosen = recipients(issue.name, wanted, emails, project.registry)
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
