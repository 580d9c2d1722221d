"""The checks of finished mails, together: `check` shows what they find, `send` stops for it."""

from collections.abc import Sequence
from dataclasses import dataclass

from newsletter_mailer.checking import accessibility, clients, encoding, size
from newsletter_mailer.checking.waivers import waived
from newsletter_mailer.compiling.email import CompiledEmail
from newsletter_mailer.findings import Finding
from newsletter_mailer.reading.agencies import Registry
from newsletter_mailer.reading.document import Issue
from newsletter_mailer.reading.headers import Waiver
from newsletter_mailer.settings import Settings

WAIVABLE = size.RULES | clients.RULES | accessibility.RULES
"""Rules that an issue may waive. Mistakes in its files, and damaged mails, are mended."""


@dataclass(frozen=True, slots=True)
class Looked:
    """What was found in the mails of an issue, and the waivers without which it had to stop."""

    findings: tuple[Finding, ...]
    waivers: tuple[Waiver, ...]


def look_over(
    issue: Issue, emails: Sequence[CompiledEmail], registry: Registry, settings: Settings
) -> Looked:
    """Run every check of finished mails, and apply the issue's waivers.

    Raises:
        SettingsError: `[clients]` names a mail program for which there is no data.
    """
    findings = [
        *size.size(issue, emails, registry, settings),
        *clients.clients(emails, settings),
        *accessibility.accessibility(issue, emails, settings),
        *encoding.encoding(issue, emails),
    ]
    left, used = waived(findings, issue.head.waive, WAIVABLE)
    return Looked(tuple(sorted(left)), used)


def check_mail(
    issue: Issue, emails: Sequence[CompiledEmail], registry: Registry, settings: Settings
) -> list[Finding]:
    """What is wrong or doubtful in the finished mails of an issue, its waivers applied."""
    return list(look_over(issue, emails, registry, settings).findings)
