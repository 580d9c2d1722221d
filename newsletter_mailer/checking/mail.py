"""The checks of finished mails, together: `check` shows what they find, `send` stops for it."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from newsletter_mailer.checking import accessibility, clients, encoding, size
from newsletter_mailer.checking.content import guard
from newsletter_mailer.checking.links import findings as link_findings
from newsletter_mailer.checking.links import written
from newsletter_mailer.checking.waivers import waived
from newsletter_mailer.compiling.email import CompiledEmail
from newsletter_mailer.findings import Finding
from newsletter_mailer.reading.agencies import Registry
from newsletter_mailer.reading.document import Issue
from newsletter_mailer.reading.headers import Waiver
from newsletter_mailer.settings import Settings

WAIVABLE = (
    size.RULES
    | clients.RULES
    | accessibility.RULES
    | link_findings.RULES
    | written.RULES
    | guard.RULES
)
"""Rules that an issue may waive. Mistakes in its files, and damaged mails, are mended."""


@dataclass(frozen=True, slots=True)
class Looked:
    """What was found in the mails of an issue, and the waivers without which it had to stop."""

    findings: tuple[Finding, ...]
    waivers: tuple[Waiver, ...]


def look_over(
    issue: Issue,
    emails: Sequence[CompiledEmail],
    registry: Registry,
    settings: Settings,
    *,
    links: Sequence[Finding] = (),
    answering: Collection[str] = (),
) -> Looked:
    """Run every check of finished mails, and apply the issue's waivers.

    `links` is what was found where its links lead, and `answering` are those that lead to
    a page. Both are looked at before: this function uses no network.

    Raises:
        SettingsError: `[clients]` names a mail program for which there is no data.
    """
    findings = [
        *size.size(issue, emails, registry, settings),
        *clients.clients(emails, settings),
        *accessibility.accessibility(issue, emails, settings),
        *encoding.encoding(issue, emails),
        *guard.content(issue, settings),
        *written.written(issue, settings, answering),
        *links,
    ]
    left, used = waived(findings, issue.head.waive, WAIVABLE)
    return Looked(tuple(sorted(left)), used)


def check_mail(
    issue: Issue, emails: Sequence[CompiledEmail], registry: Registry, settings: Settings
) -> list[Finding]:
    """What is wrong or doubtful in the finished mails of an issue, its waivers applied."""
    return list(look_over(issue, emails, registry, settings).findings)
