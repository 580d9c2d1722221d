"""What was found out lately, kept in the store: a good link is not asked about twice a day."""

import datetime as dt
from collections.abc import Collection, Iterable, Mapping

from sqlalchemy import Connection, delete, select

from newsletter_mailer.checking.links.verdict import LinkResult, Verdict
from newsletter_mailer.store.tables import link_check
from newsletter_mailer.store.upsert import upsert

KEPT = dt.timedelta(days=1)
"""How long a good result is believed."""

GOOD = frozenset({Verdict.OK, Verdict.MOVED, Verdict.TEMPORARY, Verdict.LOGIN})
"""Verdicts of links that lead somewhere. Only these are kept: what failed is asked again."""

_MANY = 500
"""Values in one statement; SQLite takes some thousands."""


def remembered(
    connection: Connection, urls: Iterable[str], now: dt.datetime
) -> dict[str, LinkResult]:
    """The good results of these URLs that are at most a day old."""
    wanted = list(dict.fromkeys(urls))
    found: dict[str, LinkResult] = {}
    for at in range(0, len(wanted), _MANY):
        rows = connection.execute(
            select(link_check.c.url, link_check.c.result).where(
                link_check.c.url.in_(wanted[at : at + _MANY]),
                # One from the future was written by a clock that was wrong.
                link_check.c.checked_at.between(now - KEPT, now),
            )
        )
        found |= {row.url: LinkResult.from_dict(row.result) for row in rows}
    return found


def remember(connection: Connection, results: Mapping[str, LinkResult], now: dt.datetime) -> None:
    """Keep good results, forget those that have gone bad, and prune what is too old.

    A link that was not looked at, for want of a network, changes nothing.
    """
    connection.execute(delete(link_check).where(link_check.c.checked_at < now - KEPT))
    for url, result in results.items():
        if result.verdict in GOOD:
            connection.execute(
                upsert(
                    link_check,
                    values={
                        "url": url,
                        "verdict": str(result.verdict),
                        "result": result.as_dict(),
                        "checked_at": result.checked_at,
                    },
                    key="url",
                    changing=("verdict", "result", "checked_at"),
                    only_if=link_check.c.url == url,
                )
            )
    _forget(connection, [url for url, result in results.items() if _is_bad(result)])


def _is_bad(result: LinkResult) -> bool:
    return result.verdict not in GOOD and result.verdict is not Verdict.UNCHECKED


def _forget(connection: Connection, urls: Collection[str]) -> None:
    for url in urls:
        connection.execute(delete(link_check).where(link_check.c.url == url))
