"""The transport that the settings name."""

import datetime as dt
from collections.abc import Callable
from pathlib import Path

from newsletter_mailer.errors import SettingsError
from newsletter_mailer.sending.return_path import verp
from newsletter_mailer.sending.staging import Stage
from newsletter_mailer.sending.transports.contract import Letter, Transport
from newsletter_mailer.sending.transports.outbox import Outbox
from newsletter_mailer.sending.transports.sendgrid.client import account_of
from newsletter_mailer.sending.transports.sendgrid.holding import Holding
from newsletter_mailer.sending.transports.sendgrid.mailing import Mailing
from newsletter_mailer.sending.transports.sendgrid.transport import SendgridTransport
from newsletter_mailer.sending.transports.smtp.connecting import relay_of
from newsletter_mailer.sending.transports.smtp.transport import SmtpTransport
from newsletter_mailer.settings import Settings


def transport_of(
    settings: Settings,
    campaign_id: int,
    folder: Path,
    key: str,
    *,
    mailing: Callable[[], Mailing],
    slow: Callable[[float], None] = lambda _seconds: None,
) -> Transport:
    """The transport of the settings, for the letters of one campaign.

    `folder` is where the outbox writes; `key` signs return paths. `mailing` gives what all
    letters have in common, for a provider that merges by itself; `slow` holds everybody
    back for so many seconds who shares the provider.

    Raises:
        SettingsError: the settings of that transport are missing or malformed.
    """
    if settings.transport == "outbox":
        return Outbox(folder)
    if settings.transport == "sendgrid":
        return SendgridTransport(account_of(settings), settings.sendgrid, mailing(), slow=slow)
    base = settings.smtp.return_path or settings.sender.address

    def envelope(letter: Letter) -> str:
        return verp(base, campaign_id, letter.subscriber_id, key) if settings.smtp.verp else base

    signer = None
    if settings.dkim is not None:
        # With it comes cryptography, which is large.
        from newsletter_mailer.sending.dkim import signer_of  # noqa: PLC0415

        signer = signer_of(settings)
    return SmtpTransport(
        relay_of(settings), settings.smtp, envelope, sign=signer.signed if signer else None
    )


def stage_of(settings: Settings, transport: Transport) -> Stage:
    """How the provider of the settings holds a campaign back.

    Raises:
        SettingsError: the transport has no such provider.
    """
    if not isinstance(transport, SendgridTransport):
        raise SettingsError(
            f"send.staged is for a provider that holds mails back, and the transport is "
            f"{settings.transport}. Set transport to sendgrid, or take send.staged out."
        )
    return Stage(
        Holding(transport.account),
        transport.into,
        dt.timedelta(minutes=settings.send.staged_minutes),
    )
