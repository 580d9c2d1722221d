"""Watching a campaign that workers send: what `send` does on PostgreSQL."""

from sqlalchemy import Engine

from newsletter_mailer.cli.console import err, progress
from newsletter_mailer.cli.project import Project
from newsletter_mailer.cli.stopping import stopped_by_signals
from newsletter_mailer.errors import SendingError
from newsletter_mailer.sending.campaign import Campaign
from newsletter_mailer.sending.control import state_of
from newsletter_mailer.sending.counting import count
from newsletter_mailer.sending.rules import wall_clock
from newsletter_mailer.store.engine import reading, writing

_EVERY = 1.0
"""Seconds between two looks."""


def watch_workers(project: Project, engine: Engine, campaign: Campaign, *, quiet: bool) -> None:
    """Show how far workers are with a campaign, until it ends or pauses.

    Raises:
        SendingError: whoever watched stopped; the workers go on.
    """
    from newsletter_mailer.sending.distributed.handing_over import remind  # noqa: PLC0415

    lease = project.settings.send.lease
    with writing(engine) as connection:
        workers = remind(connection, campaign, wall_clock(), lease)
        total = count(connection, campaign.id).all
    if not workers:
        err.print("No worker is at work. Start one, on any host: newsletter worker")
    with (
        stopped_by_signals() as stop,
        progress(f"Sending issue {campaign.number}", total, quiet=quiet) as done,
    ):
        while not stop.is_set():
            with reading(engine) as connection:
                state = state_of(connection, campaign.id)
                counts = count(connection, campaign.id)
            done(counts.settled)
            if state == "paused" or (state in {"done", "cancelled"} and not counts.open):
                return
            stop.wait(_EVERY)
    raise SendingError(
        f"You watch no longer; the workers go on. To stop them: newsletter pause {campaign.name}"
    )
