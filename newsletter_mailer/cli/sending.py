"""The commands that send: send, status."""

import datetime as dt
from collections.abc import Sequence
from typing import Annotated

import typer
from sqlalchemy import Engine

from newsletter_mailer.checking.links.checked import count_by_verdict
from newsletter_mailer.cli.console import err, plural, print_json, progress, say, shown_path, table
from newsletter_mailer.cli.freezing import Word, freeze_campaign
from newsletter_mailer.cli.links import links_counted
from newsletter_mailer.cli.options import AsJson, IssueName
from newsletter_mailer.cli.project import Project
from newsletter_mailer.errors import ContentError, SendingError
from newsletter_mailer.sending import ledger
from newsletter_mailer.sending.campaign import (
    Campaign,
    all_campaigns,
    campaign_of_issue,
    find_campaign,
    variants_of,
)
from newsletter_mailer.sending.campaign_links import CampaignLink, links_of
from newsletter_mailer.sending.freezing import content_hash
from newsletter_mailer.sending.ledger import Counts
from newsletter_mailer.sending.personal_links import PersonalLinks
from newsletter_mailer.sending.running import run, sole_sender
from newsletter_mailer.sending.transports.outbox import Outbox
from newsletter_mailer.signing_key import signing_key
from newsletter_mailer.store.engine import reading


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


def send(
    context: typer.Context,
    issue: IssueName,
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Send without asking.")] = False,
    accept_unknown: Annotated[
        list[str] | None,
        typer.Option(
            metavar="LINK", help="Let a doubtful link pass, on your word; `all` for each of them."
        ),
    ] = None,
    by: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="Whose word that is.", show_default="your account's name"
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Send an issue. Run again after a stop, it finishes what was left: nobody gets it twice."""
    project = context.ensure_object(Project)
    settings = project.settings
    name = project.folder(issue).name
    links = PersonalLinks(settings.base_url, signing_key(settings))
    with project.store() as engine, sole_sender(settings.state):
        with reading(engine) as connection:
            campaign = campaign_of_issue(connection, name)
        if campaign is None:
            word = Word(frozenset(accept_unknown or ()), by)
            campaign = freeze_campaign(
                project, engine, name, word, sure=yes or as_json, quiet=as_json
            )
        elif not as_json:
            _say_again(project, campaign)
        if campaign is None:
            raise typer.Exit(1)
        outbox = Outbox(settings.outbox / campaign.issue)
        with reading(engine) as connection:
            total = ledger.count(connection, campaign.id).all
        try:
            with progress(f"Sending issue {campaign.number}", total, quiet=as_json) as done:
                counts = run(engine, campaign, outbox, settings, links, clock=_now, progress=done)
        except KeyboardInterrupt:
            raise SendingError(
                "Stopped. Run the same command again to finish: nobody will get it twice."
            ) from None
        _summary(project, engine, campaign, counts, as_json=as_json)
    if counts.failed:
        raise typer.Exit(1)


def status(
    context: typer.Context,
    campaign: Annotated[
        str | None, typer.Argument(metavar="[CAMPAIGN]", help="An issue's number or folder.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show how far campaigns are, or one of them by agency."""
    project = context.ensure_object(Project)
    with project.store() as engine:
        if campaign is not None:
            with reading(engine) as connection:
                found = find_campaign(connection, campaign)
                counts = ledger.count(connection, found.id)
            _summary(project, engine, found, counts, as_json=as_json)
            return
        with reading(engine) as connection:
            known = [
                (each, ledger.count(connection, each.id)) for each in all_campaigns(connection)
            ]
    if as_json:
        print_json([_facts(each, counts) for each, counts in known])
    elif known:
        rows = [
            (str(c.number), c.issue, c.state, f"{counts.settled:,} of {counts.all:,}")
            for c, counts in known
        ]
        table("Campaigns", "number", "issue", "state", "settled", rows=rows)
    else:
        say("No campaign was started yet. `newsletter send ISSUE` starts one.")


def _say_again(project: Project, campaign: Campaign) -> None:
    """Say that a campaign goes on with what was frozen, and whether the files differ by now."""
    when = campaign.frozen_at.astimezone(project.settings.office.zone)
    say(f"Issue {campaign.number} was frozen for sending on {when:%d %B %Y at %H:%M}.")
    try:
        issue, _ = project.issue(campaign.issue)
        changed = content_hash(project.compiled(issue)) != campaign.content_hash
    except ContentError:
        changed = True
    if changed:
        err.print("Its files have changed since. What was frozen is what is sent.")


def _facts(campaign: Campaign, counts: Counts) -> dict[str, object]:
    return {
        "issue": campaign.issue,
        "number": campaign.number,
        "state": campaign.state,
        "transport": campaign.transport,
        "content_hash": campaign.content_hash,
        "frozen_at": campaign.frozen_at.isoformat(),
        "finished_at": campaign.finished_at.isoformat() if campaign.finished_at else None,
        "audience": counts.all,
        "pending": counts.pending,
        "sending": counts.sending,
        "sent": counts.sent,
        "failed": counts.failed,
        "suppressed": counts.suppressed,
    }


def _links(links: Sequence[CampaignLink]) -> dict[str, object]:
    """What was known of a campaign's links when it was frozen, and who let which pass."""
    return {
        "counts": {str(v): n for v, n in count_by_verdict(each.result for each in links).items()},
        "accepted": [
            {
                "url": link.url,
                "verdict": str(link.result.verdict),
                "by": link.accepted.by,
                "at": link.accepted.at.isoformat(),
            }
            for link in links
            if link.accepted
        ],
    }


def _summary(
    project: Project, engine: Engine, campaign: Campaign, counts: Counts, *, as_json: bool
) -> None:
    """Variants, recipients for each agency, counts, and where to look."""
    with reading(engine) as connection:
        campaign = find_campaign(connection, campaign.issue)
        variants = variants_of(connection, campaign.id)
        people = ledger.count_by_agency(connection, campaign.id)
        failed = ledger.failures(connection, campaign.id)
        links = links_of(connection, campaign.id)
    outbox = project.settings.outbox / campaign.issue
    if as_json:
        facts = _facts(campaign, counts)
        facts["variants"] = {each.name: list(each.agencies) for each in variants}
        facts["recipients"] = people
        facts["failures"] = [{"email": email, "reason": reason} for email, reason in failed]
        facts["waivers"] = [waiver.model_dump() for waiver in campaign.waivers]
        facts["links"] = _links(links)
        facts["outbox"] = str(outbox)
        print_json(facts)
        return
    table(
        f"Issue {campaign.number}, {campaign.title}: {plural(len(variants), 'variant')}",
        "variant",
        "agency",
        "recipients",
        rows=[
            (variant.name if index == 0 else "", name, f"{people.get(id_, 0):,}")
            for variant in variants
            for index, (id_, name) in enumerate(variant.agencies.items())
        ],
    )
    for email, reason in failed:
        say(f"Failed: {email}: {reason}")
    open_ = counts.pending + counts.sending
    say("", links_counted([link.result for link in links]))
    for link in links:
        if link.accepted:
            say(f"{link.accepted.by} let {link.url} pass ({link.result.verdict}).")
    say(
        f"{plural(counts.all, 'recipient')}: {counts.sent:,} sent, {counts.failed:,} failed, "
        f"{counts.suppressed:,} suppressed, {open_:,} still to send.",
        f"Look at the messages in {shown_path(outbox)}/",
    )
