"""Notices leave behind the answers: a thread of the server sends those that are due."""

import datetime as dt
import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sqlalchemy import Engine

from newsletter_mailer.errors import NewsletterError
from newsletter_mailer.sending.notices import NoticePost
from newsletter_mailer.settings import Settings

log = logging.getLogger(__name__)

_LOOK_AFTER = 5.0
"""Seconds between two looks, for what comes due by itself and what other processes queue."""

_GATHER = 0.2
"""Seconds in which notices gather, so that a crowd's leave together and take few transactions."""

_ENDING = 10.0
"""Seconds that a letter on its way gets to end."""


@contextmanager
def posting(
    settings: Settings, engine: Engine, key: str, clock: Callable[[], dt.datetime]
) -> Iterator[Callable[[], None]]:
    """Send notices for as long as the block runs; it gets what to call when one was queued.

    Raises:
        SettingsError: the transport's settings are missing or malformed.
        TemplateError: there are mistakes in the templates of mails.
    """
    post = NoticePost(settings, key)
    bell, ending = threading.Event(), threading.Event()

    def send() -> None:
        while not ending.is_set():
            bell.clear()
            try:
                while not ending.is_set() and post.send_due(engine, clock()):
                    pass
            except NewsletterError as error:
                log.error("Notices wait: %s", error)
            if bell.wait(_LOOK_AFTER):
                ending.wait(_GATHER)

    thread = threading.Thread(target=send, name="notices", daemon=True)
    thread.start()
    try:
        yield bell.set
    finally:
        ending.set()
        bell.set()
        thread.join(_ENDING)
