"""`send --test`: letters marked [TEST] to whoever asks, written down nowhere else."""

from collections.abc import Sequence

import typer

from newsletter_mailer.cli.console import print_json, say, shown_path
from newsletter_mailer.cli.project import Project
from newsletter_mailer.errors import UsageError
from newsletter_mailer.mailbox import checked_address
from newsletter_mailer.sending.asking import NOBODY
from newsletter_mailer.sending.personal_links import PersonalLinks
from newsletter_mailer.sending.rules import wall_clock
from newsletter_mailer.sending.transports.choosing import transport_of
from newsletter_mailer.sending.transports.contract import Outcome
from newsletter_mailer.sending.transports.sendgrid.mailing import mailing_of_emails
from newsletter_mailer.sending.trying import MARK, trial_letters
from newsletter_mailer.signing_key import signing_key

_FOLDER = "test"


def send_trial(
    project: Project,
    name: str,
    addresses: Sequence[str],
    agencies: Sequence[str],
    *,
    as_json: bool,
) -> None:
    """Send an issue as these agencies get it (without any, as the default does) to addresses.

    Raises:
        UsageError: an address is malformed, or an agency unknown.
    """
    settings, registry = project.settings, project.registry
    try:
        people = [checked_address(address) for address in addresses]
    except ValueError as error:
        raise UsageError(f"--test: {error}") from error
    ids = [word.strip() for each in agencies for word in each.split(",") if word.strip()]
    unknown = [id_ for id_ in ids if id_ not in registry.by_id]
    if unknown:
        raise UsageError(
            f"--as names {unknown[0]!r}, which is no agency of subscribers/agencies.yaml. "
            f"Expected one of {', '.join(registry.by_id)}."
        )
    issue, findings = project.issue(name)
    emails = project.compiled(issue)
    project.looked_over(issue, findings, emails)
    key = signing_key(settings)
    letters = trial_letters(
        issue,
        emails,
        registry,
        settings,
        addresses=people,
        agencies=ids or [registry.default.id],
        links=PersonalLinks(settings.base_url, key),
        now=wall_clock(),
    )
    folder = settings.outbox / _FOLDER
    transport = transport_of(
        settings,
        NOBODY,
        folder,
        key,
        mailing=lambda: mailing_of_emails(issue, emails, settings, mark=MARK),
    )
    told = transport.send(iter(letters), lambda _number: None)
    receipts = {receipt.subscriber_id: receipt for receipt in told if receipt is not None}
    results = [(letter, receipts[letter.subscriber_id]) for letter in letters]
    if as_json:
        print_json(
            [
                {
                    "to": letter.recipient,
                    "variant": letter.variant,
                    "outcome": str(receipt.outcome),
                    "detail": receipt.detail,
                }
                for letter, receipt in results
            ]
        )
    else:
        for letter, receipt in results:
            why = f": {receipt.code} {receipt.detail}".rstrip() if receipt.detail else ""
            say(f"[TEST] {letter.variant} to {letter.recipient}: {receipt.outcome}{why}")
        if settings.transport == "outbox":
            say(f"Look at them in {shown_path(folder)}/")
    if any(receipt.outcome is not Outcome.ACCEPTED for _, receipt in results):
        raise typer.Exit(1)
