"""A worker's life: jobs, until it is told to stop, whatever becomes of the database meanwhile."""

import asyncio
import datetime as dt
import logging
import os
import socket
import threading
from collections.abc import Callable

from sqlalchemy import Engine

from newsletter_mailer.errors import NewsletterError, StoreError
from newsletter_mailer.sending.distributed.metrics import Metrics
from newsletter_mailer.sending.distributed.queue import LOST, Beat, Duties, work
from newsletter_mailer.sending.distributed.working import Worker
from newsletter_mailer.sending.generation import refuse_a_copy
from newsletter_mailer.sending.rules import wall_clock
from newsletter_mailer.settings import Settings
from newsletter_mailer.store.engine import writing

_GONE_FROM_THE_LIST = "23503"
"""What PostgreSQL answers (foreign_key_violation) when a worker asks for a job that was struck
off the list of workers."""

_PAUSES = (0.5, 1.0, 2.0, 5.0, 10.0)
"""Seconds to wait after each loss of the database in a row; the last for all that follow."""


def serve(
    engine: Engine,
    settings: Settings,
    metrics: Metrics,
    stop: threading.Event,
    tell: Callable[[str], None],
) -> None:
    """Work until `stop` is set. Where the database is lost, begin again as soon as it is back.

    `tell` hears what an operator would want to know. Letters on their way when `stop` is set
    are finished and written down, and what was claimed and has not left is given back.

    Raises:
        SendingError: the database seems to be a copy.
        StoreError: it could not be reached to begin with.
    """
    with writing(engine) as connection:
        refuse_a_copy(connection, settings.state, wall_clock())
    # It has words for every job, and for every loss of the database a traceback.
    logging.getLogger("procrastinate").setLevel(logging.CRITICAL)
    logging.getLogger("psycopg.pool").setLevel(logging.CRITICAL)
    # A job that two had in hand cannot be ended twice, and nobody asks how its task ended.
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)
    beat = Beat.of(dt.timedelta(seconds=settings.send.lease))
    name = f"{socket.gethostname()}-{os.getpid()}"
    losses = 0
    while not stop.is_set():
        try:
            worker = Worker(engine, settings, metrics, stop)
            worker.settle_all()
            duties = Duties(_told(worker.send, tell), _told(worker.start, tell), worker.sweep)
            asyncio.run(work(engine, duties, beat, name=name, stop=stop, reaped=metrics.reaped))
            losses = 0
        except (StoreError, *LOST) as error:
            if stop.is_set():
                return
            metrics.lost()
            tell(f"{_words(error)} Trying again.")
            stop.wait(_PAUSES[min(losses, len(_PAUSES) - 1)])
            losses += 1


def _told(job: Callable[[int], None], tell: Callable[[str], None]) -> Callable[[int], None]:
    """A job whose foreseen errors are told. The ledger knows what is left to do."""

    def do(campaign_id: int) -> None:
        try:
            job(campaign_id)
        except NewsletterError as error:
            tell(str(error))

    return do


def _words(error: BaseException) -> str:
    """What an error says, on one line; Procrastinate's own says little, and its cause more."""
    if isinstance(error, StoreError):
        return str(error)
    cause = error.__cause__ or error
    if getattr(cause, "sqlstate", None) == _GONE_FROM_THE_LIST:
        return "This worker was taken for dead, since it gave no sign of life for too long."
    words = " ".join(str(cause).split()) or type(cause).__name__
    return f"The queue's connection broke: {words.rstrip('.')}."
