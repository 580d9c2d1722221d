"""Bringing a database to the shape that the tables have in this version of the program."""

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, inspect

from newsletter_mailer.errors import StoreError
from newsletter_mailer.store.engine import schema_version, shown, writing
from newsletter_mailer.store.migrations import HEAD

SCRIPTS = "newsletter_mailer.store:migrations"


def migrate(engine: Engine) -> None:
    """Take all steps that the database still lacks, in one transaction.

    Safe beside another process that does the same: the second waits for the first, and
    then finds nothing left to do.

    Raises:
        StoreError: the database is newer than the program or not this program's, or
            cannot be written.
    """
    with writing(engine) as connection:
        found = schema_version(connection)
        if found == HEAD:
            return
        if not found and set(inspect(connection).get_table_names()) - {"alembic_version"}:
            raise StoreError(
                f"The database {shown(engine)} holds tables, but not this program's. "
                "Name another file in NEWSLETTER_DATABASE_URL, or move this one away."
            )
        config = configuration(connection)
        steps = ScriptDirectory.from_config(config).walk_revisions()
        if found and found not in {step.revision for step in steps}:
            raise StoreError(
                f"The database {shown(engine)} is at step {found}, which this version of the "
                f"program does not know; its newest is {HEAD}. A newer version has used the "
                "database: update the program."
            )
        command.upgrade(config, "head")


def configuration(connection: Connection) -> Config:
    """Alembic's configuration, for commands inside the transaction of `connection`."""
    config = Config()
    config.set_main_option("script_location", SCRIPTS)
    config.attributes["connection"] = connection
    return config
