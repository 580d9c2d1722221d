"""Run by Alembic for each command: hands it the connection that `migrate` opened."""

from alembic import context

from newsletter_mailer.store import (  # noqa: F401 - their tables
    archive_tables,
    home_table,
    office_tables,
    read_tables,
    staging_tables,
    tracking_tables,
    web_tables,
)
from newsletter_mailer.store.tables import metadata

# The transaction is the caller's, so that a step takes place whole or not at all.
context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
)
context.run_migrations()
