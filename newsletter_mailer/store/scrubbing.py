"""Making sure that what was deleted is gone from the database's file too."""

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from newsletter_mailer.errors import StoreError
from newsletter_mailer.store.engine import shown
from newsletter_mailer.store.failures import explained


def overwrite_what_is_deleted(connection: Connection) -> None:
    """Let SQLite write noughts over what this connection deletes from now on.

    Where a page is put in order, a copy may stay behind in its unused part: `scrub` is the
    word for certainty.
    """
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("PRAGMA secure_delete = ON")


def scrub(engine: Engine) -> None:
    """Write the database's file anew, and empty its log: only what still stands is in it.

    It takes some seconds for a gigabyte, in which others wait for their turn to write.
    PostgreSQL does so by itself (autovacuum), and is left alone.

    Raises:
        StoreError: somebody else was at work in the database for too long.
    """
    if engine.dialect.name != "sqlite":
        return
    try:
        with engine.connect() as connection:
            connection.exec_driver_sql("VACUUM")
            busy, _, _ = connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").one()
    except SQLAlchemyError as error:
        raise explained(error, shown(engine), 0) from error
    if busy:
        raise StoreError(
            f"The log of {shown(engine)} could not be emptied: somebody is reading the database. "
            "What was erased may still stand in it. Run `newsletter tidy` again later."
        )
