"""Links on the command line: how they are shown, and `links watch`."""

from collections.abc import Mapping, Sequence
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text
from sqlalchemy import Connection

from newsletter_mailer.checking.links.checked import CheckedLink, count_by_verdict
from newsletter_mailer.checking.links.newest import Newest, newest
from newsletter_mailer.checking.links.personal import is_personal
from newsletter_mailer.checking.links.verdict import LinkResult
from newsletter_mailer.cli.console import out, plural, print_findings, print_json, say
from newsletter_mailer.cli.looking import bar
from newsletter_mailer.cli.options import AsJson
from newsletter_mailer.cli.project import Project
from newsletter_mailer.errors import UsageError
from newsletter_mailer.findings import Finding
from newsletter_mailer.reading.document import Issue
from newsletter_mailer.reading.inline import plain_text
from newsletter_mailer.sending.campaign import Campaign, all_campaigns, find_campaign
from newsletter_mailer.sending.campaign_links import CampaignLink, keep_later_results, links_of
from newsletter_mailer.store.engine import reading, writing

app = typer.Typer(help="Watch over the links of campaigns.", no_args_is_help=True)


def print_link_findings(
    findings: Sequence[Finding],
    issue: Issue,
    links: Sequence[CheckedLink],
    *,
    console: Console = out,
) -> None:
    """Print what was found about links, article by article."""
    where = {mention.place: mention.article for link in links for mention in link.mentions}
    for article in issue.every_article:
        here = [finding for finding in findings if where.get(finding.place) == article.id]
        if here:
            console.print(Text(f"Links in “{plain_text(article.title)}”", style="bold underline"))
            print_findings(here, console=console)


def say_links(results: Sequence[LinkResult], unlooked: str = "") -> None:
    """Say how many links there are, and what became of them."""
    say(f"{links_counted(results)}{f' {unlooked}.' if unlooked and results else ''}")


def links_counted(results: Sequence[LinkResult]) -> str:
    """How many links there are, by verdict: `48 links: 45 ok, 2 moved, 1 broken`."""
    if not results:
        return "No links to look at."
    counts = ", ".join(f"{count} {v}" for v, count in count_by_verdict(results).items())
    return f"{plural(len(results), 'link')}: {counts}."


@app.command()
def watch(
    context: typer.Context,
    campaign: Annotated[
        str | None,
        typer.Argument(
            metavar="[CAMPAIGN]", help="An issue's number or folder. Left out: the newest campaign."
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Look again at the links of a sent campaign, and report those that have died since.

    Ends with 1 where a link has died, and where there was no network to look.
    """
    project = context.ensure_object(Project)
    settings = project.settings
    with project.store() as engine:
        with reading(engine) as connection:
            found = _campaign(connection, campaign)
            urls = [
                link.url for link in links_of(connection, found.id) if not is_personal(link.url)
            ]
        looked = Newest({}, no_network=bool(urls))
        if settings.links.check:
            looked = newest(urls, settings, engine=None, watching=bar(quiet=as_json))
        new, unlooked = looked.results, looked.no_network
        if not unlooked:
            with writing(engine) as connection:
                keep_later_results(connection, found.id, new.values())
        with reading(engine) as connection:
            links = links_of(connection, found.id)
    died = [link for link in links if link.has_died]
    if as_json:
        print_json(
            {
                "issue": found.issue,
                "network": not unlooked,
                "links": len(links),
                "counts": {str(v): n for v, n in count_by_verdict(new.values()).items()},
                "died": [_facts(link) for link in died],
            }
        )
    else:
        _say_watched(found, died, new, unlooked=unlooked)
    if died or unlooked:
        raise typer.Exit(1)


def _campaign(connection: Connection, name: str | None) -> Campaign:
    """The campaign that is named, or the newest."""
    if name is not None:
        return find_campaign(connection, name)
    known = all_campaigns(connection)
    if not known:
        raise UsageError("No campaign was started yet. `newsletter send ISSUE` starts one.")
    return known[-1]


def _facts(link: CampaignLink) -> dict[str, object]:
    return {
        "url": link.url,
        "mentions": [dict(mention) for mention in link.mentions],
        "last_good_at": link.last_good_at.isoformat() if link.last_good_at else None,
        "archived": link.archived,
        "result": link.last_result.as_dict() if link.last_result else None,
    }


def _say_watched(
    campaign: Campaign,
    died: Sequence[CampaignLink],
    new: Mapping[str, LinkResult],
    *,
    unlooked: bool,
) -> None:
    for link in died:
        if link.last_result is None or link.last_good_at is None:
            continue
        say(f"{link.url}: {link.last_result.reason.rstrip('.')}.")
        for mention in link.mentions:
            say(f"    {mention['file']}:{mention['line']}: {mention['words']}")
        say(
            f"    It was good on {link.last_good_at:%d %B %Y}. A copy of then may be at",
            f"    {link.archived}",
        )
    if unlooked:
        say("There is no network here, so no link was looked at now.")
        return
    count = plural(len(died), "link") + (" has" if len(died) == 1 else " have")
    say(
        f"Issue {campaign.number}, {campaign.title}: "
        + (f"{count} died since it was sent." if died else "no link has died since it was sent."),
    )
    if new:
        say(links_counted(list(new.values())))
