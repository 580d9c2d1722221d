"""The tables of tracking: what providers reported, what became of mail, opens and clicks.

No address of a network and no user agent is in any of them. Of opens and clicks only the
last day a person and campaign is kept, and after a while only how many there were.
"""

from sqlalchemy import (
    JSON,
    Column,
    Date,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
    text,
)

from newsletter_mailer.store.tables import Key, UtcTime, metadata, one_of

# Everything a provider or a mail server reported, once each. `raw` is as it came, without
# addresses and user agents; it is left out where the event is of no delivery of ours.
# The time stands first in the key that keeps events apart: they come roughly in its order,
# so that a large table takes no longer than a small one.
provider_event = Table(
    "provider_event",
    metadata,
    Column("id", Key, primary_key=True),
    Column("provider", Text, nullable=False),
    Column("event_id", Text, nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("received_at", UtcTime, nullable=False),
    Column("kind", Text, nullable=False),
    Column("campaign_id", Key),
    Column("subscriber_id", Key),
    Column("raw", JSON(none_as_null=True)),
    Index(None, "at", "provider", "event_id", unique=True),
)

# What became of a message after it was handed over: a state beside the ledger's own, which
# says what we did. There is no row where nothing was heard. `soft_at` is when it first came
# back for now, whatever was heard of it later.
feedback = Table(
    "feedback",
    metadata,
    Column("campaign_id", Key, nullable=False),
    Column("subscriber_id", Key, nullable=False),
    Column("state", Text, nullable=False),
    Column("code", Text, nullable=False, server_default=text("''")),
    Column("detail", Text, nullable=False, server_default=text("''")),
    Column("at", UtcTime, nullable=False),
    Column("soft_at", UtcTime),
    PrimaryKeyConstraint("campaign_id", "subscriber_id"),
    one_of(
        "state",
        *("processed", "deferred", "delivered", "dropped", "blocked", "soft_bounced"),
        *("bounced", "complained"),
    ),
)
Index(
    "ix_feedback_soft",
    feedback.c.subscriber_id,
    sqlite_where=feedback.c.soft_at.is_not(None),
    postgresql_where=feedback.c.soft_at.is_not(None),
)

_CLASSES = ("human", "proxied", "unknown", "machine")

# The most telling open of each person and campaign: its class, the rule that decided, and
# the last day on which there was one of that class.
opened = Table(
    "opened",
    metadata,
    Column("campaign_id", Key, nullable=False),
    Column("subscriber_id", Key, nullable=False),
    Column("class", Text, nullable=False),
    Column("rule", Text, nullable=False),
    Column("day", Date, nullable=False),
    PrimaryKeyConstraint("campaign_id", "subscriber_id"),
    one_of("class", *_CLASSES),
)

# The same for each link that was followed; `link` is its number in `tracked_link`.
clicked = Table(
    "clicked",
    metadata,
    Column("campaign_id", Key, nullable=False),
    Column("subscriber_id", Key, nullable=False),
    Column("link", Integer, nullable=False),
    Column("class", Text, nullable=False),
    Column("rule", Text, nullable=False),
    Column("day", Date, nullable=False),
    PrimaryKeyConstraint("campaign_id", "subscriber_id", "link"),
    one_of("class", *_CLASSES),
)

# The links of a campaign that its redirects may lead to, and no other.
tracked_link = Table(
    "tracked_link",
    metadata,
    Column("campaign_id", Key, nullable=False),
    Column("number", Integer, nullable=False),
    Column("url", Text, nullable=False),
    PrimaryKeyConstraint("campaign_id", "number"),
)

# How many people opened or followed a link, in the place of rows that were kept long enough.
# `link` is -1 for opens.
reach_total = Table(
    "reach_total",
    metadata,
    Column("campaign_id", Key, nullable=False),
    Column("agency", Text, nullable=False),
    Column("link", Integer, nullable=False),
    Column("class", Text, nullable=False),
    Column("day", Date, nullable=False),
    Column("people", Integer, nullable=False),
    PrimaryKeyConstraint("campaign_id", "agency", "link", "class", "day"),
    one_of("class", *_CLASSES),
)
