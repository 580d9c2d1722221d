"""Events: what a provider or a mail server reports of a message, in this program's words."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Kind(StrEnum):
    """What happened to a message. `consequences.py` says what follows from each."""

    PROCESSED = "processed"
    """The provider has taken it, and is going to deliver it."""

    DEFERRED = "deferred"
    """Refused for now; the provider goes on trying."""

    DELIVERED = "delivered"
    """The reader's server has taken it."""

    DROPPED = "dropped"
    """The provider did not even try, for a reason that does not lie with the address."""

    DROPPED_DEAD = "dropped: dead"
    """The same, since the address bounced before or is malformed."""

    DROPPED_COMPLAINED = "dropped: complained"
    """The same, since its owner complained before."""

    DROPPED_LEFT = "dropped: left"
    """The same, since its owner unsubscribed with the provider."""

    BLOCKED = "blocked"
    """It came back for something that lies with us: policy, reputation, content."""

    SOFT_BOUNCED = "soft bounced"
    """It came back for something that may pass: a full mailbox, a server in trouble."""

    BOUNCED = "bounced"
    """It came back since the address can take no mail."""

    OPENED = "opened"
    CLICKED = "clicked"
    COMPLAINED = "complained"
    """The reader reported it as spam."""

    UNSUBSCRIBED = "unsubscribed"
    """The reader left by the provider's own link or button."""

    OTHER = "other"
    """Something of which nothing follows here; it is only kept."""


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that was reported.

    `event_id` is the reporter's own, and the same whenever it is reported again. The
    campaign stands in `campaign_id`, or is named by its `token`; it and `subscriber_id` are
    left out where the report names no delivery of ours. `code` is an enhanced
    status code (RFC 3463) where there is one. `agent`, `address` and `flagged` are of the
    one who opened or clicked; they are used to class it and are kept nowhere. `raw` is
    what was reported, without addresses.
    """

    provider: str
    event_id: str
    kind: Kind
    at: dt.datetime
    campaign_id: int | None = None
    subscriber_id: int | None = None
    token: str = ""
    code: str = ""
    detail: str = ""
    agent: str = ""
    address: str = ""
    flagged: bool = False
    url: str = ""
    raw: Mapping[str, Any] = field(default_factory=dict)

    @property
    def delivery(self) -> tuple[int, int] | None:
        """The campaign and the subscriber, where the report names both."""
        if self.campaign_id is None or self.subscriber_id is None:
            return None
        return self.campaign_id, self.subscriber_id
