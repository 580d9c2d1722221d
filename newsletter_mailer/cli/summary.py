"""What is shown of a campaign: its variants, its recipients for each agency, its counts."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict

from sqlalchemy import Engine

from newsletter_mailer.checking.links.checked import count_by_verdict
from newsletter_mailer.cli.console import plural, print_json, say, shown_path, table
from newsletter_mailer.cli.links import links_counted
from newsletter_mailer.cli.project import Project
from newsletter_mailer.sending.campaign import Campaign, find_campaign, variants_of
from newsletter_mailer.sending.campaign_links import CampaignLink, links_of
from newsletter_mailer.sending.counting import Counts, failures
from newsletter_mailer.sending.progress import ErrorKind, Progress, measure
from newsletter_mailer.sending.rules import wall_clock
from newsletter_mailer.store.engine import reading

_SHOWN_FAILURES = 20


def facts(campaign: Campaign, counts: Counts) -> dict[str, object]:
    """A campaign and its counts, for programs."""
    moments = {
        name: moment.isoformat() if moment else None
        for name in ("frozen_at", "scheduled_at", "started_at", "finished_at")
        for moment in [getattr(campaign, name)]
    }
    return {
        "name": campaign.name,
        "issue": campaign.issue,
        "number": campaign.number,
        "state": campaign.state,
        "reason": campaign.reason,
        "transport": campaign.transport,
        "content_hash": campaign.content_hash,
        "audience_hash": campaign.audience_hash,
        "audience_names": list(campaign.audience),
        "excluded": dict(campaign.excluded),
        "canary": campaign.canary,
        "frozen_by": campaign.frozen_by,
        **moments,
        "audience": counts.all,
        **asdict(counts),
    }


def summary(project: Project, engine: Engine, name: str, *, as_json: bool) -> None:
    """Print a campaign's variants, recipients for each agency, counts, and where to look."""
    with reading(engine) as connection:
        campaign = find_campaign(connection, name)
        variants = variants_of(connection, campaign.id)
        progress = measure(connection, campaign, wall_clock())
        most = None if as_json else _SHOWN_FAILURES
        failed = failures(connection, campaign.id, most) if progress.counts.failed else []
        links = links_of(connection, campaign.id)
    outbox = project.settings.outbox / campaign.name
    people = progress.recipients
    if as_json:
        print_json(
            facts(campaign, progress.counts)
            | {
                "rate": progress.rate,
                "seconds_left": progress.seconds_left,
                "errors": [asdict(each) for each in progress.errors],
                "variants": {each.name: list(each.agencies) for each in variants},
                "recipients": dict(people),
                "failures": [{"email": email, "reason": reason} for email, reason in failed],
                "waivers": [waiver.model_dump() for waiver in campaign.waivers],
                "links": _links(links),
                "outbox": str(outbox),
            }
        )
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
    if progress.counts.failed > len(failed):
        say(f"… and {progress.counts.failed - len(failed):,} more that failed.")
    say("", counted(progress.counts), *kinds(progress.errors), *pace(progress))
    if links:
        say(links_counted([link.result for link in links]))
    for link in links:
        if link.accepted:
            say(f"{link.accepted.by} let {link.url} pass ({link.result.verdict}).")
    for reason, number in campaign.excluded.items():
        say(f"Left out when it was frozen: {number:,} {reason}.")
    if campaign.transport == "outbox":
        say(f"Look at the messages in {shown_path(outbox)}/")


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


def kinds(errors: Iterable[ErrorKind]) -> Iterator[str]:
    """What went wrong, a line for each kind."""
    said = {"deferred": "refused for now", "in_doubt": "in doubt"}
    for each in errors:
        what = " ".join(part for part in (each.code, each.words) if part) or "no reason given"
        yield f"  {each.times:,} {said.get(each.status, each.status)}: {what}"


def pace(progress: Progress) -> Iterator[str]:
    """How fast it goes, and how long it still takes, where that can be said."""
    if progress.rate and progress.seconds_left is not None:
        yield f"{progress.rate:,.1f} letters a second; {duration(progress.seconds_left)} left."


def duration(seconds: float) -> str:
    """`45 s`, `12 min`, `3 h 5 min`."""
    minutes = round(seconds / 60)
    if seconds < 90:  # noqa: PLR2004 - a minute and a half, in seconds, says more than 1 min
        return f"{seconds:.0f} s"
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"  # noqa: PLR2004


def counted(counts: Counts) -> str:
    """The counts in a sentence, without those that are nought and not expected."""
    rare = {
        "skipped": counts.skipped,
        "refused for now": counts.deferred,
        "in doubt": counts.in_doubt,
    }
    parts = [
        f"{counts.sent:,} sent",
        f"{counts.failed:,} failed",
        f"{counts.suppressed:,} suppressed",
        *(f"{number:,} {what}" for what, number in rare.items() if number),
        f"{counts.pending + counts.sending:,} still to send",
    ]
    return f"{plural(counts.all, 'recipient')}: {', '.join(parts)}."
