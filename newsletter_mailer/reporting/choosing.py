"""Choosing agencies and sectors in a report: rows of its one table, never a new count."""

import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from newsletter_mailer.errors import UsageError
from newsletter_mailer.reading.agencies import Registry
from newsletter_mailer.reporting.report import Row
from newsletter_mailer.reporting.shown import HIDDEN, Reach, added


@dataclass(frozen=True, slots=True)
class Only:
    """The agencies and sectors that a report is about, by their ids; none for all."""

    agencies: tuple[str, ...] = ()
    sectors: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.agencies or self.sectors)


def only(agencies: Sequence[str], sectors: Sequence[str], registry: Registry) -> Only:
    """The choice of these ids.

    Raises:
        UsageError: the registry has no such agency or sector.
    """
    known = {each.id for each in registry.agencies}
    fields = {each.sector for each in registry.agencies}
    for word, among, what in (
        *((word, known, "agency") for word in agencies),
        *((word, fields, "sector") for word in sectors),
    ):
        if word not in among:
            near = difflib.get_close_matches(word, sorted(among), n=1)
            meant = f" Did you mean {near[0]}?" if near else ""
            raise UsageError(
                f"--{what} names {word!r}. Expected the id of {'an' if what == 'agency' else 'a'} "
                f"{what} of subscribers/agencies.yaml.{meant}"
            )
    return Only(tuple(dict.fromkeys(agencies)), tuple(dict.fromkeys(sectors)))


@dataclass(frozen=True, slots=True)
class Table:
    """The published table of a campaign. `groups` has the rows of each block, by its id.

    `group_of` and `block_of` say in which row an agency and a sector is; who got nothing is
    in none.
    """

    whole: Row
    blocks: tuple[Row, ...]
    groups: dict[str, tuple[Row, ...]]
    group_of: dict[str, str]
    block_of: dict[str, str]

    @property
    def rows(self) -> tuple[Row, ...]:
        """All rows of agencies."""
        return tuple(row for block in self.blocks for row in self.groups[block.id])


@dataclass(frozen=True, slots=True)
class Chosen:
    """Rows that were chosen, what they are together, and sentences on what stands for what."""

    overall: Row
    blocks: tuple[Row, ...]
    rows: tuple[Row, ...]
    names: tuple[str, ...]
    notes: tuple[str, ...]


def choose(table: Table, wanted: Only, registry: Registry) -> Chosen:
    """The rows of these agencies and sectors.

    An agency that is counted with others brings these with it: there is no row of its own.
    """
    if not wanted:
        return Chosen(table.whole, table.blocks, table.rows, (), ())
    sector_names = {each.sector: each.sector_name for each in registry.agencies}
    agency_names = {each.id: each.name for each in registry.agencies}
    names = tuple(
        [sector_names[each] for each in wanted.sectors]
        + [agency_names[each] for each in wanted.agencies]
    )
    block_ids = {table.block_of.get(each) for each in wanted.sectors}
    row_ids = {table.group_of.get(each) for each in wanted.agencies}
    notes = (
        *_notes(table, table.blocks, table.block_of, wanted.sectors, sector_names),
        *_notes(table, table.rows, table.group_of, wanted.agencies, agency_names),
    )
    blocks = tuple(
        block
        for block in table.blocks
        if block.id in block_ids or row_ids >= {row.id for row in table.groups[block.id]}
    )
    whole_blocks = {block.id for block in blocks}
    singles = tuple(
        row
        for block in table.blocks
        for row in table.groups[block.id]
        if block.id not in whole_blocks and row.id in row_ids
    )
    rows = tuple(
        row
        for block in table.blocks
        for row in table.groups[block.id]
        if block.id in whole_blocks or row.id in row_ids
    )
    return Chosen(_together((*blocks, *singles), names), blocks, rows, names, notes)


def _together(rows: Sequence[Row], names: Sequence[str]) -> Row:
    """What is published of all of these together."""
    if not rows:
        return Row("chosen", ", ".join(names), "", "", (), HIDDEN, HIDDEN, Reach(*[HIDDEN] * 3))
    return Row(
        "chosen",
        ", ".join(names),
        "",
        "",
        tuple(member for row in rows for member in row.members),
        added([row.recipients for row in rows]),
        added([row.not_arrived for row in rows]),
        Reach(
            added([row.reach.agreed for row in rows]),
            added([row.reach.least for row in rows]),
            added([row.reach.most for row in rows]),
        ),
    )


def _notes(
    table: Table,
    rows: Sequence[Row],
    row_of: Mapping[str, str],
    wanted: Sequence[str],
    names: Mapping[str, str],
) -> Iterator[str]:
    """What is to be said of agencies or sectors that have no row of their own."""
    shown = {row.id for row in rows}
    for each in wanted:
        if row_of.get(each) not in shown:
            yield _nothing(table, names[each])
        elif row_of[each] != each:
            yield f"{names[each]} is counted together with others."


def _nothing(table: Table, name: str) -> str:
    """Why there is no row: where there are any, everybody who got it is in one."""
    if table.blocks:
        return f"It went to nobody at {name}."
    return f"Nothing can be told of {name}: the campaign is too small."
