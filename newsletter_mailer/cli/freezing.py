"""Freezing a campaign: every check, and somebody's word for doubtful links."""

import getpass
import sys
from collections.abc import Mapping
from dataclasses import dataclass

import typer
from sqlalchemy import Engine

from newsletter_mailer.audience.listing import count_by_agency
from newsletter_mailer.checking.links.checked import CheckedLink
from newsletter_mailer.cli.console import err, plural, say
from newsletter_mailer.cli.looking import LinkLook, look_at_links, now
from newsletter_mailer.cli.project import Project
from newsletter_mailer.errors import UsageError
from newsletter_mailer.sending.campaign import Campaign
from newsletter_mailer.sending.campaign_links import keep_links
from newsletter_mailer.sending.freezing import freeze
from newsletter_mailer.sending.gate import (
    Acceptance,
    acceptances,
    doubtful,
    let_pass,
    refusal,
)
from newsletter_mailer.store.engine import reading, writing


@dataclass(frozen=True, slots=True)
class Word:
    """What somebody says about doubtful links: which may pass, and who says it."""

    passing: frozenset[str]
    by: str | None

    def name(self) -> str:
        """Whose word it is.

        Raises:
            UsageError: nobody is named, and the account has no name.
        """
        try:
            return self.by or getpass.getuser()
        except (KeyError, OSError, ImportError) as error:
            raise UsageError("This account has no name. Say whose word it is: --by NAME") from error


def freeze_campaign(
    project: Project, engine: Engine, name: str, word: Word, *, sure: bool, quiet: bool
) -> Campaign | None:
    """Freeze a new campaign, if all checks let it and whoever is asked agrees.

    What was compiled and checked in memory is what is frozen, whatever becomes of the
    files meanwhile; and the network is done with before the database is written.
    """
    issue, findings = project.issue(name)
    emails = project.compiled(issue)
    look = look_at_links(issue, emails, project.settings, engine=engine, quiet=quiet)
    waivers = project.looked_over(
        issue, findings, emails, links=look.findings, answering=look.answering
    ).waivers
    if look.unlooked and not quiet:
        err.print(f"{look.unlooked}, so the links were not looked at.", markup=False)
    accepted = _passing(project, name, look, word, sure=sure)
    with reading(engine) as connection:
        people = sum(count_by_agency(connection).values())
    if people and not sure:
        if not sys.stdin.isatty():
            raise UsageError("Nobody is there to be asked. Add --yes to send without asking.")
        plan = (
            f"Send issue {issue.head.number}, “{issue.head.title}”, in "
            f"{plural(len(emails), 'variant')} to {plural(people, 'person')} "
            f"through the transport {project.settings.transport}?"
        )
        if not typer.confirm(plan):
            say("Nothing was sent.")
            return None
    with writing(engine) as connection:
        campaign = freeze(
            connection,
            issue,
            emails,
            project.registry,
            project.settings,
            now=now(),
            waivers=waivers,
        )
        keep_links(connection, campaign.id, look.links, accepted)
    return campaign


def _passing(
    project: Project, name: str, look: LinkLook, word: Word, *, sure: bool
) -> Mapping[str, Acceptance]:
    """Whose word lets which doubtful links pass; asks on a terminal.

    Raises:
        SendingError: nobody gave it for some of them.
    """
    doubts = doubtful(look.links, project.settings.transport)
    urls = let_pass(look.links, doubts, word.passing)
    if not sure and sys.stdin.isatty():
        for link in doubts:
            if link.url not in urls and _is_fine(link):
                urls.add(link.url)
    if len(urls) < len(doubts):
        raise refusal(name, doubts, urls)
    return acceptances(urls, word.name(), now()) if urls else {}


def _is_fine(link: CheckedLink) -> bool:
    say(f"{link.mentions[0].place}: {link.result.verdict}: {link.result.reason.rstrip('.')}.")
    return typer.confirm(f"Did you open {link.url}, and is it right?")
