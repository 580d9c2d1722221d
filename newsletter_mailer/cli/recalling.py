"""What `cancel` does about a campaign that the provider still holds back."""

import datetime as dt

from sqlalchemy import Engine

from newsletter_mailer.cli.project import Project
from newsletter_mailer.sending.running import sole_sender
from newsletter_mailer.sending.staged_batches import StagedBatch
from newsletter_mailer.sending.staging import take_back
from newsletter_mailer.sending.transports.sendgrid.client import account_of
from newsletter_mailer.sending.transports.sendgrid.holding import Holding


def may_be_recalled(staged: StagedBatch | None, now: dt.datetime) -> bool:
    """Whether the provider may still have all of a batch."""
    if staged is None or staged.state == "recalled":
        return False
    return staged.state != "released" or staged.send_at > now


def recall(project: Project, engine: Engine, staged: StagedBatch, now: dt.datetime) -> bool:
    """Take a batch back; its people are pending again. False where it was too late.

    Raises:
        SendingError: somebody is sending at this moment.
        TransportError: the provider cannot be asked.
    """
    with sole_sender(project.settings.state):
        return take_back(engine, Holding(account_of(project.settings)), staged, now)
