"""Searching the archive: FTS5 in SQLite, text search in PostgreSQL. Only here do they differ."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, inspect, text

_MOST_WORDS = 8
_MOST_HITS = 200
"""Rows looked at; forms of one article count once in what is shown."""

BEGIN, END = "\x02", "\x03"
"""Around what was found in an excerpt. No text of an issue holds these characters."""

_WORD = re.compile(r"[^\W_]+")


@dataclass(frozen=True, slots=True)
class Hit:
    """An article that was found. `excerpt` has `BEGIN` and `END` around what fits."""

    campaign_id: int
    anchor: str
    agency: str
    title: str
    excerpt: str


def add(connection: Connection, campaign_id: int) -> None:
    """Bring a campaign's articles into the index, which is made where there is none yet."""
    whose = {"campaign": campaign_id}
    if connection.dialect.name == "sqlite":
        connection.execute(text(_FTS_TABLE))
        connection.execute(text(_FTS_ADD), whose)
    else:
        connection.execute(text(_GIN_INDEX))


def search(connection: Connection, asked: str, among: Sequence[int]) -> list[Hit]:
    """The articles of these campaigns that have all the words asked for, the best first.

    Words are found in their other forms too (English), the last one also by how it begins.
    Whatever else is asked, signs of a query language among it, counts as nothing.
    """
    words = _WORD.findall(asked)[:_MOST_WORDS]
    if not words or not among:
        return []
    if connection.dialect.name == "sqlite":
        if not inspect(connection).has_table("archive_search"):
            return []
        query = " ".join(f'"{word}"' for word in words) + "*"
        statement = _FTS_SEARCH
    else:
        query = " & ".join(words) + ":*"
        statement = _GIN_SEARCH
    rows = connection.execute(
        text(statement).bindparams(bindparam("ids", expanding=True)),
        {"query": query, "ids": among, "begin": BEGIN, "end": END, "most": _MOST_HITS},
    )
    best: dict[tuple[int, str], Hit] = {}
    for row in rows:
        best.setdefault((row.campaign_id, row.anchor), Hit(*row))
    return list(best.values())


_FTS_TABLE = """
CREATE VIRTUAL TABLE IF NOT EXISTS archive_search USING fts5(
    title, body, content='archive_article', content_rowid='id',
    tokenize='porter unicode61 remove_diacritics 2'
)"""
_FTS_ADD = """
INSERT INTO archive_search (rowid, title, body)
SELECT id, title, body FROM archive_article WHERE campaign_id = :campaign"""
_FTS_SEARCH = """
SELECT a.campaign_id, a.anchor, a.agency, a.title,
       snippet(archive_search, 1, :begin, :end, '…', 24) AS excerpt
FROM archive_search JOIN archive_article AS a ON a.id = archive_search.rowid
WHERE archive_search MATCH :query AND a.campaign_id IN :ids
ORDER BY bm25(archive_search, 5.0, 1.0), a.campaign_id DESC, a.id
LIMIT :most"""

_GIN_INDEX = """
CREATE INDEX IF NOT EXISTS archive_search ON archive_article USING gin (
    (setweight(to_tsvector('english', title), 'A') || to_tsvector('english', body))
)"""
_GIN_SEARCH = """
WITH found AS (
    SELECT id, campaign_id, anchor, agency, title, body,
           setweight(to_tsvector('english', title), 'A') || to_tsvector('english', body) AS words
    FROM archive_article
    WHERE (setweight(to_tsvector('english', title), 'A') || to_tsvector('english', body))
          @@ to_tsquery('english', :query)
      AND campaign_id IN :ids
)
SELECT campaign_id, anchor, agency, title,
       ts_headline('english', body, to_tsquery('english', :query),
           'MaxWords=24, MinWords=12, StartSel=' || :begin || ', StopSel=' || :end) AS excerpt
FROM found
ORDER BY ts_rank(words, to_tsquery('english', :query)) DESC, campaign_id DESC, id
LIMIT :most"""
