"""`send --dry-run --provider`: the provider looks at every mail, and sends none."""

from collections.abc import Iterator
from itertools import chain

import typer
from sqlalchemy import Engine

from newsletter_mailer.audience.segment import Segment
from newsletter_mailer.cli.console import plural, print_json, say
from newsletter_mailer.cli.project import Project
from newsletter_mailer.errors import UsageError
from newsletter_mailer.sending.personal_links import PersonalLinks
from newsletter_mailer.sending.recipients import recipients
from newsletter_mailer.sending.rehearsing import rehearsal
from newsletter_mailer.sending.rules import wall_clock
from newsletter_mailer.sending.transports.contract import Letter, Outcome
from newsletter_mailer.sending.transports.sendgrid.client import account_of
from newsletter_mailer.sending.transports.sendgrid.mailing import mailing_of_emails
from newsletter_mailer.sending.transports.sendgrid.transport import SendgridTransport
from newsletter_mailer.signing_key import signing_key
from newsletter_mailer.store.engine import reading

_SHOWN = 20


def rehearse(
    project: Project, engine: Engine, name: str, wanted: Segment, *, as_json: bool
) -> None:
    """Post an issue to the provider's sandbox, for everybody who would get it.

    Raises:
        UsageError: the transport has no provider.
        TransportError: the provider cannot be reached, or refuses us.
    """
    settings, registry = project.settings, project.registry
    if settings.transport != "sendgrid":
        raise UsageError(
            f"--provider has the provider look at the mails, and the transport is "
            f"{settings.transport}. Set transport to sendgrid, or leave --provider out."
        )
    issue, findings = project.issue(name)
    emails = project.compiled(issue)
    project.looked_over(issue, findings, emails)
    mailing = mailing_of_emails(issue, emails, settings)
    transport = SendgridTransport(account_of(settings), settings.sendgrid, mailing, sandbox=True)
    taken, refused = 0, []
    with reading(engine) as connection:
        chosen = recipients(issue.name, wanted, emails, registry, now=wall_clock())
        letters = rehearsal(
            connection,
            issue,
            emails,
            chosen,
            registry=registry,
            settings=settings,
            links=PersonalLinks(settings.base_url, signing_key(settings)),
            now=wall_clock(),
        )
        addresses: dict[int, str] = {}

        def noted() -> Iterator[Letter]:
            for letter in letters:
                addresses[letter.subscriber_id] = letter.recipient
                yield letter

        for receipt in chain.from_iterable(transport.send(noted(), lambda *_: None)):
            address = addresses.pop(receipt.subscriber_id)
            if receipt.outcome is Outcome.ACCEPTED:
                taken += 1
            else:
                refused.append((address, receipt.detail or str(receipt.outcome)))
    if as_json:
        print_json({"taken": taken, "refused": [list(each) for each in refused]})
    else:
        say(
            f"The provider would take {plural(taken, 'mail')}, and has sent none.",
            *(f"Not to {address}: {why}" for address, why in refused[:_SHOWN]),
        )
        if len(refused) > _SHOWN:
            say(f"And {len(refused) - _SHOWN:,} more; --json names all.")
    if refused:
        raise typer.Exit(1)
