"""PostgreSQL: how it is connected to, how its writers take turns, and a campaign's partition.

Commands that write take turns under one advisory lock, as SQLite's writers do. Workers do
not: they lock the rows that they touch (`batches.keep`, `control.state_held`), so that any
number of them write at once.
"""

from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, text
from sqlalchemy.pool import ConnectionPoolEntry

NAME = "postgresql"

IN_TURN = "newsletter_in_turn"
"""The engine's option that says whether its writers take turns."""

_TURN = 6_153_801_001
"""Names the advisory lock of those who write in turn."""

_IDLE = 60_000
"""Milliseconds after which the server ends a transaction whose client says nothing more: a
host that was cut off must not keep rows locked for the hours that TCP would grant it."""

_REACHABLE = {
    "connect_timeout": 10,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,
}
"""libpq's options by which a lost network is noticed within half a minute."""

_SET_UP = (
    # A letter that was marked as sent must still be marked after a power cut.
    """SELECT set_config('synchronous_commit', 'on', false)
    WHERE current_setting('synchronous_commit') = 'off'""",
    f"SELECT set_config('idle_in_transaction_session_timeout', '{_IDLE}', false)",
    # And the server's own side of `_REACHABLE`; not at all on a Unix socket.
    """SELECT set_config('tcp_keepalives_idle', '10', false),
    set_config('tcp_keepalives_interval', '5', false),
    set_config('tcp_keepalives_count', '3', false) WHERE inet_client_addr() IS NOT NULL""",
)


def is_postgres(url: URL) -> bool:
    """Whether the URL names a database of this kind."""
    return url.get_backend_name() == NAME


def on_postgres(connection: Connection | Engine) -> bool:
    """Whether this is a database of this kind."""
    return connection.dialect.name == NAME


def engine_for(url: URL, wait: float, *, in_turn: bool, **options: object) -> Engine:
    """An engine for PostgreSQL through psycopg.

    Args:
        url: of the kind postgresql.
        wait: seconds for which a lock is waited for.
        in_turn: whether its writers take turns with all others that do.
        options: execution options of the engine.
    """
    made = create_engine(
        url.set(drivername=f"{NAME}+psycopg"),
        connect_args={name: n for name, n in _REACHABLE.items() if name not in url.query},
        execution_options={IN_TURN: in_turn, **options},
        pool_pre_ping=True,
    )
    lock_timeout = f"SELECT set_config('lock_timeout', '{max(1, int(wait * 1000))}', false)"

    def set_up(connection: Any, _entry: ConnectionPoolEntry) -> None:  # noqa: ANN401 - the driver's
        connection.autocommit = True
        for statement in (*_SET_UP, lock_timeout):
            connection.execute(statement)
        connection.autocommit = False

    event.listen(made, "connect", set_up)
    return made


def read_only(connection: Connection) -> None:
    """Have the coming transaction see the database as it is at its first query."""
    connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)


def take_turn(connection: Connection) -> None:
    """Wait until no other writer of those who take turns is at work; until the transaction ends."""
    if connection.get_execution_options().get(IN_TURN):
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _TURN})


def make_partition(connection: Connection, campaign_id: int) -> None:
    """Give a campaign the partition of its deliveries; nothing to do on SQLite.

    It is made beside the table and then attached, which does not stop workers of other
    campaigns. A row is updated two or three times: with room left in each page and no index
    on the status, that touches no index. Dropping the partition is how a campaign's ledger
    is thrown away.
    """
    if not on_postgres(connection):
        return
    name = f"delivery_{int(campaign_id)}"
    for statement in (
        f"""CREATE TABLE {name} (LIKE delivery INCLUDING DEFAULTS INCLUDING CONSTRAINTS)
        WITH (fillfactor = 70)""",
        f"ALTER TABLE delivery ATTACH PARTITION {name} FOR VALUES IN ({int(campaign_id)})",
    ):
        connection.execute(text(statement))
