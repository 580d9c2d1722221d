"""What a worker counts, for Prometheus to collect over HTTP.

How far a campaign is stands in the ledger, and `newsletter status --json` tells it; these are
for one worker's health and pace.
"""

import contextlib
from collections.abc import Callable, Iterator

from prometheus_client import CollectorRegistry, Counter, Gauge, start_http_server

from newsletter_mailer.sending.transports.contract import Outcome


class Metrics:
    """The counters of one worker."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._letters = Counter(
            "newsletter_letters",
            "Letters that a transport answered for, by what became of them.",
            ["campaign", "outcome"],
            registry=self._registry,
        )
        self._sending = Gauge(
            "newsletter_sending",
            "The campaign at work, by number; 0: none.",
            registry=self._registry,
        )
        self._recovered = Counter(
            "newsletter_recovered_letters",
            "Letters of dead workers that were settled from a journal.",
            registry=self._registry,
        )
        self._swept = Counter(
            "newsletter_swept_jobs",
            "Jobs added for batches that nobody was woken up for.",
            registry=self._registry,
        )
        self._reaped = Counter(
            "newsletter_reaped_jobs", "Jobs of dead workers put back.", registry=self._registry
        )
        self._losses = Counter(
            "newsletter_database_losses",
            "Times that the database was lost, or this worker was taken for dead.",
            registry=self._registry,
        )

    def serve(self, host: str, port: int) -> int:
        """Serve the figures at `/metrics`; the port, which is a free one for port 0.

        Raises:
            OSError: the port is taken, or may not be used.
        """
        server, _ = start_http_server(port, host, self._registry)
        return server.server_port

    @contextlib.contextmanager
    def sending(self, campaign_id: int) -> Iterator[None]:
        """Show that a campaign is at work."""
        self._sending.set(campaign_id)
        try:
            yield
        finally:
            self._sending.set(0)

    def answered(self, campaign: str) -> Callable[[Outcome], None]:
        """Count letters of a campaign."""
        each = {
            outcome: self._letters.labels(campaign, str(outcome).replace(" ", "_"))
            for outcome in Outcome
        }
        return lambda outcome: each[outcome].inc()

    def recovered(self, number: int) -> None:
        """Count letters that a journal settled."""
        self._recovered.inc(number)

    def swept(self, number: int) -> None:
        """Count jobs that were added by sweeping."""
        self._swept.inc(number)

    def reaped(self, number: int) -> None:
        """Count stalled jobs that were put back."""
        self._reaped.inc(number)

    def lost(self) -> None:
        """Count a loss of the database."""
        self._losses.inc()
