"""The state of a living preview, which its page shows."""

import datetime as dt
from dataclasses import dataclass

from newsletter_mailer.findings import Finding
from newsletter_mailer.previewing.workshop import Edition, Trouble


@dataclass(frozen=True, slots=True)
class State:
    """What there is to see. `serial` rises with each change, `looked` with each check."""

    serial: int = 0
    edition: Edition | None = None
    made_at: dt.datetime | None = None
    trouble: Trouble | None = None
    findings: tuple[Finding, ...] = ()
    looked: int = 0
    checking: bool = False
    links_done: int = 0
    links_all: int = 0
    unlooked: str = ""
