"""The tables of the office's work on its list: erasures, decisions on agencies, reconfirming."""

from sqlalchemy import Column, ForeignKey, Integer, Table, Text

from newsletter_mailer.store.tables import Key, UtcTime, metadata

# All that is left of who was erased. `mark` is a keyed hash of the address.
erased_address = Table(
    "erased_address",
    metadata,
    Column("mark", Text, primary_key=True),
    Column("since", UtcTime, nullable=False),
)

# Names and addresses that were taken out of a campaign's ledger, and the hash of its audience
# before and after: the certificate can so tell an erasure from a change made outside.
audience_seal = Table(
    "audience_seal",
    metadata,
    Column("id", Key, primary_key=True),
    Column("campaign_id", Key, ForeignKey("campaign.id"), nullable=False, index=True),
    Column("people", Integer, nullable=False),
    Column("hash_before", Text, nullable=False),
    Column("hash_after", Text, nullable=False),
    Column("at", UtcTime, nullable=False),
    sqlite_autoincrement=True,
)

# Somebody looked at an address whose domain suggests another agency, and it is right so.
agency_confirmed = Table(
    "agency_confirmed",
    metadata,
    Column("subscriber_id", Key, ForeignKey("subscriber.id", ondelete="CASCADE"), primary_key=True),
    Column("agency", Text, nullable=False),
    Column("by", Text, nullable=False),
    Column("at", UtcTime, nullable=False),
)

# Who was silent for long and was asked whether they still want the newsletter. Asked once.
reconfirm_request = Table(
    "reconfirm_request",
    metadata,
    Column("subscriber_id", Key, ForeignKey("subscriber.id", ondelete="CASCADE"), primary_key=True),
    Column("asked_at", UtcTime, nullable=False),
)
