"""`send --test`: letters marked [TEST] to whoever asks, written down nowhere else."""

from collections.abc import Sequence

import typer

from newsletter_mailer.cli.console import print_json, say, shown_path
from newsletter_mailer.cli.project import Project
from newsletter_mailer.errors import UsageError
from newsletter_mailer.mailbox import checked_address
from newsletter_mailer.sending.rules import wall_clock
from newsletter_mailer.sending.transports.contract import Outcome
from newsletter_mailer.sending.trying import FOLDER, send_trial


def try_out(
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
    results = send_trial(
        issue,
        emails,
        registry,
        settings,
        addresses=people,
        agencies=ids or [registry.default.id],
        now=wall_clock(),
    )
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
            say(f"Look at them in {shown_path(settings.outbox / FOLDER)}/")
    if any(receipt.outcome is not Outcome.ACCEPTED for _, receipt in results):
        raise typer.Exit(1)
