"""The tables of the web application: sign-ups, consent, preferences, notices, the audit trail."""

from sqlalchemy import (
    JSON,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    text,
)

from newsletter_mailer.store.tables import Key, UtcTime, metadata

# Who asked for the newsletter and has yet to confirm it; one row an address. What they
# chose is taken over when they do. `nonce` is in the link that confirms, so that a newer
# mail replaces an older one.
signup = Table(
    "signup",
    metadata,
    Column("id", Key, primary_key=True),
    Column("email_key", Text, nullable=False, unique=True),
    Column("email", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("agency", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("tracking", Boolean, nullable=False),
    Column("wording", Text, nullable=False),
    Column("network", Text, nullable=False),
    Column("nonce", Text, nullable=False),
    Column("asked_at", UtcTime, nullable=False),
    Column("expires_at", UtcTime, nullable=False),
    Column("mailed_at", UtcTime, nullable=False),
    Column("mails", Integer, nullable=False),
    Column("confirmed_at", UtcTime),
    sqlite_autoincrement=True,
)

# What was agreed to or withdrawn, one row each time: nothing here is ever changed. `wording`
# names the version of the words that were shown, `shown` holds them, `network` is a keyed
# hash of where it came from.
consent = Table(
    "consent",
    metadata,
    Column("id", Key, primary_key=True),
    Column("subscriber_id", Key, ForeignKey("subscriber.id", ondelete="CASCADE"), nullable=False),
    Column("kind", Text, nullable=False),
    Column("given", Boolean, nullable=False),
    Column("wording", Text, nullable=False),
    Column("shown", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("network", Text, nullable=False, server_default=text("''")),
    Column("at", UtcTime, nullable=False),
    Column("confirmed_at", UtcTime),
    CheckConstraint("kind IN ('newsletter', 'tracking')", name="kind"),
    Index(None, "subscriber_id", "kind"),
    sqlite_autoincrement=True,
)

# What a subscriber chose. Without a row: no tracking, no pause.
preference = Table(
    "preference",
    metadata,
    Column("subscriber_id", Key, ForeignKey("subscriber.id", ondelete="CASCADE"), primary_key=True),
    Column("tracking", Boolean, nullable=False, server_default=text("false")),
    Column("paused_until", UtcTime),
    Column("seen_at", UtcTime),
)

# Mails to one person that wait to be sent: behind the answer to a form, and after a crash.
# `due_at` is when it may go, `taken_until` until when somebody is at it. It is deleted
# when it has gone.
notice = Table(
    "notice",
    metadata,
    Column("id", Key, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("email", Text, nullable=False),
    Column("name", Text, nullable=False, server_default=text("''")),
    Column("details", JSON, nullable=False),
    Column("due_at", UtcTime, nullable=False, index=True),
    Column("taken_until", UtcTime),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    Column("error", Text, nullable=False, server_default=text("''")),
    sqlite_autoincrement=True,
)

# How often something happened since a moment, for limits. `key` holds hashes, no addresses.
tally = Table(
    "tally",
    metadata,
    Column("key", Text, primary_key=True),
    Column("since", UtcTime, nullable=False),
    Column("number", Integer, nullable=False),
)

# Who changed what of a subscriber, when and through which way. It outlives the person, so
# it holds a number and no name: neither here nor in `change`.
audit = Table(
    "audit",
    metadata,
    Column("id", Key, primary_key=True),
    Column("subscriber_id", Key, nullable=False, index=True),
    Column("change", Text, nullable=False),
    Column("way", Text, nullable=False),
    Column("by", Text, nullable=False),
    Column("at", UtcTime, nullable=False),
    sqlite_autoincrement=True,
)

# Why people left, if they said so; not who.
leaving_reason = Table(
    "leaving_reason",
    metadata,
    Column("id", Key, primary_key=True),
    Column("reason", Text, nullable=False),
    Column("agency", Text, nullable=False),
    Column("campaign_id", Key),
    Column("at", UtcTime, nullable=False),
    sqlite_autoincrement=True,
)
