"""What a worker does for a campaign: everything that can go, a batch after the other.

A job is for one batch, and wakes a worker up. It then goes on with whatever batches of the
campaign are free, so that its connections stay open and its letters are made ready once; jobs
of batches that were done by then end at once.
"""

import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from sqlalchemy import Engine

from newsletter_mailer.errors import SendingError
from newsletter_mailer.sending import control
from newsletter_mailer.sending.campaign import Campaign, all_campaigns
from newsletter_mailer.sending.dispatching import dispatch_of
from newsletter_mailer.sending.distributed.clock import DatabaseClock
from newsletter_mailer.sending.distributed.metrics import Metrics
from newsletter_mailer.sending.distributed.queue import wake_for
from newsletter_mailer.sending.distributed.sweeping import free_batches, open_batches, sweep
from newsletter_mailer.sending.generation import refuse_a_copy
from newsletter_mailer.sending.recovering import recover
from newsletter_mailer.sending.running import Dispatch, send_pass
from newsletter_mailer.sending.schedule import opens
from newsletter_mailer.sending.staged_batches import is_open
from newsletter_mailer.sending.transports.contract import (
    Begin,
    Capabilities,
    Letter,
    Receipt,
    Transport,
)
from newsletter_mailer.settings import Settings
from newsletter_mailer.store.engine import reading, writing


class Worker:
    """One worker: its database, its clock, and the campaigns that it has made ready."""

    def __init__(
        self, engine: Engine, settings: Settings, metrics: Metrics, stop: threading.Event
    ) -> None:
        self._engine = engine
        self._settings = settings
        self._metrics = metrics
        self._stop = stop
        self._clock = DatabaseClock(engine)
        self._ready: tuple[int, Dispatch] | None = None

    def send(self, campaign_id: int) -> None:
        """Send all of a campaign that can go now, and close it where nothing is left.

        Raises:
            TransportError: the transport can take nothing; what it had not taken stays open.
            StoreError: the database refused; the journal keeps what it does not hold yet.
            SendingError: the database seems to be a copy, or the campaign is in a staged batch.
        """
        with writing(self._engine) as connection:
            refuse_a_copy(connection, self._settings.state, self._clock())
            if is_open(connection, campaign_id):
                raise SendingError(
                    f"Campaign number {campaign_id} is in a batch that the provider holds back, "
                    "which workers cannot release. Nothing was sent: newsletter cancel recalls it."
                )
            state = control.state_of(connection, campaign_id)
            free = free_batches(connection, campaign_id, self._clock(), 1)
        if state == "sending" and free and not self._stop.is_set():
            dispatch = self._dispatch(campaign_id)
            self._settle(dispatch)
            with self._metrics.sending(campaign_id):
                send_pass(dispatch, self._stop, lambda _settled: None)
        with writing(self._engine) as connection:
            control.finish(connection, campaign_id, self._clock())
            control.skip_rest(connection, campaign_id, self._clock())

    def start(self, campaign_id: int) -> None:
        """Start a campaign whose time has come, and wake workers for all its batches."""
        with writing(self._engine) as connection:
            if control.start(connection, campaign_id, self._clock()):
                wake_for(connection, campaign_id, open_batches(connection, campaign_id))

    def sweep(self) -> None:
        """Bring the queue into line with the ledger."""
        send = self._settings.send
        zone = self._settings.office.zone
        added = sweep(
            self._engine, lambda now: opens(send, zone, now), self._clock(), send.lease / 2
        )
        self._metrics.swept(added)

    def settle_all(self) -> None:
        """Settle what workers of this host left on its way who are gone.

        Their journals are here, and nobody else can read them.
        """
        with reading(self._engine) as connection:
            known = all_campaigns(connection)
        for each in known:
            if each.transport == self._settings.transport and self._has_journals(each):
                self._settle(self._dispatch(each.id))

    def _has_journals(self, campaign: Campaign) -> bool:
        return any((self._settings.state / "journals").glob(f"{campaign.id}-*.journal"))

    def _settle(self, dispatch: Dispatch) -> None:
        number = dispatch.campaign_id
        settled = recover(
            self._engine, number, dispatch.transport, dispatch.journals, self._clock(), alone=False
        )
        self._metrics.recovered(settled)

    def _dispatch(self, campaign_id: int) -> Dispatch:
        """A campaign made ready: its content is read once, however many jobs there are."""
        if self._ready is None or self._ready[0] != campaign_id:
            with reading(self._engine) as connection:
                (campaign,) = (c for c in all_campaigns(connection) if c.id == campaign_id)
            made = dispatch_of(self._engine, campaign, self._settings, self._clock)
            counted = Counted(made.transport, self._metrics, campaign.name)
            self._ready = campaign_id, replace(made, transport=counted)
        return self._ready[1]


class Counted:
    """A transport whose receipts are counted on their way."""

    def __init__(self, transport: Transport, metrics: Metrics, campaign: str) -> None:
        self.name = transport.name
        self.capabilities: Capabilities = transport.capabilities
        self._transport = transport
        self._metrics = metrics
        self._campaign = campaign

    def send(self, letters: Iterator[Letter | None], begin: Begin) -> Iterator[Sequence[Receipt]]:
        """Pass on what the transport does."""
        answered = self._metrics.answered(self._campaign)
        for receipts in self._transport.send(letters, begin):
            for receipt in receipts:
                answered(receipt.outcome)
            yield receipts

    def taken(self, subscriber_ids: Iterable[int]) -> Mapping[int, bool]:
        """Pass on what the transport knows."""
        return self._transport.taken(subscriber_ids)
