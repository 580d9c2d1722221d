"""The plan of a campaign: what sending would do, worked out without doing any of it."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from newsletter_mailer.compiling.email import CompiledEmail
from newsletter_mailer.sending.rate import limits
from newsletter_mailer.sending.recipients import Recipients, count_excluded, count_recipients
from newsletter_mailer.settings import Settings


@dataclass(frozen=True, slots=True)
class Plan:
    """Who would get which variant, who would not and why, and how long it would take.

    `seconds` is the time at the rate that the settings allow, None where they set none.
    """

    variants: Mapping[str, tuple[str, ...]]
    recipients: Mapping[str, int]
    excluded: Mapping[str, int]
    batches: int
    seconds: float | None

    @property
    def people(self) -> int:
        """Everyone who would get it."""
        return sum(self.recipients.values())


def plan(
    connection: Connection,
    emails: Sequence[CompiledEmail],
    wanted: Recipients,
    settings: Settings,
) -> Plan:
    """Work out the plan of the campaign that freezing at this moment would make."""
    people = count_recipients(connection, wanted)
    number = sum(people.values())
    send = settings.send
    times = [
        max(number / limit.rate - limit.slack, 0.0)
        for limit in limits(send.per_second, send.per_hour)
    ]
    return Plan(
        {email.name: email.agencies for email in emails},
        people,
        count_excluded(connection, wanted),
        math.ceil(number / send.batch_size),
        max(times, default=None),
    )
