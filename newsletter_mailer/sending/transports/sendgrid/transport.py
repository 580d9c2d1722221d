"""The `sendgrid` transport: up to a thousand people a request, merged by the provider."""

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from newsletter_mailer.sending.transports.contract import Begin, Capabilities, Letter, Receipt
from newsletter_mailer.sending.transports.sendgrid.client import Account
from newsletter_mailer.sending.transports.sendgrid.mailing import Mailing
from newsletter_mailer.sending.transports.sendgrid.merging import Variant
from newsletter_mailer.sending.transports.sendgrid.posting import Posters
from newsletter_mailer.sending.transports.sendgrid.requests import LARGEST
from newsletter_mailer.sending.transports.sendgrid.work import Work
from newsletter_mailer.settings import Sendgrid


@dataclass(frozen=True, slots=True)
class Staging:
    """The provider's batch to which requests belong, and when it is to leave."""

    batch_id: str
    send_at: dt.datetime


class SendgridTransport:
    """Posts letters to the provider's Mail Send.

    `slow` is called with the seconds for which the provider wants no requests, and holds
    back everybody who shares the account. With `sandbox` the provider checks all that it
    is given, and sends nothing. `staging` puts requests into a batch that leaves later.
    """

    name = "sendgrid"

    def __init__(
        self,
        account: Account,
        limits: Sendgrid,
        mailing: Mailing,
        *,
        slow: Callable[[float], None] = lambda _seconds: None,
        sandbox: bool = False,
        staging: Staging | None = None,
    ) -> None:
        self.account = account
        self.limits = limits
        self._sandbox = sandbox
        self.capabilities = Capabilities(
            largest_batch=limits.batch,
            largest_message=LARGEST,
            scheduling=True,
            cancel=True,
            signed_events=True,
        )
        self._mailing = mailing
        self._slow = slow
        self._reference = f"{staging.batch_id}:" if staging else ""
        self._extra: dict[str, object] = {"mail_settings": {"sandbox_mode": {"enable": sandbox}}}
        if limits.categories:
            self._extra["categories"] = list(limits.categories)
        if staging:
            self._extra["batch_id"] = staging.batch_id
            self._extra["send_at"] = int(staging.send_at.timestamp())
        self._variants: dict[str, Variant] = {}

    def send(self, letters: Iterator[Letter | None], begin: Begin) -> Iterator[Sequence[Receipt]]:
        """Post letters, a request at a time for each of the connections; see the contract.

        What is answered by a time-out, a broken connection or a 5xx after it left whole is
        in doubt. 429 gives letters back as unsent, and holds everybody back.

        Raises:
            TransportError: the provider cannot be reached, or refuses us. By then every
                letter has its receipt.
        """
        posters = Posters(self.account, self.limits.connections)
        try:
            yield from Work(
                letters,
                begin,
                account=self.account,
                variant=self._variant,
                posters=posters,
                most=self.limits.batch,
                slow=self._slow,
                reference=self._reference,
            ).receipts()
        finally:
            posters.close()

    def into(self, batch_id: str, send_at: dt.datetime) -> "SendgridTransport":
        """The same, into a batch of the provider's that leaves at `send_at`."""
        return SendgridTransport(
            self.account,
            self.limits,
            self._mailing,
            slow=self._slow,
            sandbox=self._sandbox,
            staging=Staging(batch_id, send_at),
        )

    def taken(self, subscriber_ids: Iterable[int]) -> Mapping[int, bool]:  # noqa: ARG002
        """Nothing: the provider cannot be asked at once what it took; its events tell later."""
        return {}

    def _variant(self, name: str) -> Variant:
        if name not in self._variants:
            self._variants[name] = Variant(self._mailing, name, self._extra)
        return self._variants[name]
