"""Where the database is at home: see `sending/generation.py`."""

from sqlalchemy import Column, Table, Text

from newsletter_mailer.store.tables import UtcTime, metadata

# One row: what the database was known by outside of it when somebody last answered for it.
home = Table(
    "home",
    metadata,
    Column("place", Text, primary_key=True),
    Column("adopted_at", UtcTime, nullable=False),
    Column("adopted_by", Text, nullable=False),
)
