"""The one published table of a campaign, from which every figure by agency comes."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from newsletter_mailer.reading.agencies import Registry
from newsletter_mailer.reporting.agency_groups import THIN, Block, Group, Sized, blocks
from newsletter_mailer.reporting.choosing import Table
from newsletter_mailer.reporting.disclosure import (
    Published,
    cuts,
    not_arrived,
    publish,
    reach,
    recipients,
)
from newsletter_mailer.reporting.report import Row, Thin
from newsletter_mailer.reporting.tally import Tally, total

OTHER = "_other"
"""How the ids of rows begin in which several agencies, or sectors, are counted together.

No agency's own id begins so.
"""


def published(whole: Tally) -> Published:
    """The cuts that are published for a campaign as a whole."""
    return frozenset(each.name for each in cuts(whole))


def overall(whole: Tally) -> Row:
    """What is published of everybody in a campaign."""
    return _row(_Named("all", "Everybody", "", "", ()), whole, published(whole), of_all=True)


def table(tallies: Mapping[str, Tally], registry: Registry) -> Table:
    """Draw up the table from exact tallies by agency, of all agencies in the registry."""
    whole = total(tallies.values())
    wanted = cuts(whole)
    made = blocks(_sized(tallies, registry))
    ids = [_block_id(block) for block in made]
    members = {
        id_: [agency for group in block.groups for agency in group.agencies]
        for id_, block in zip(ids, made, strict=True)
    }
    sums = {id_: _sum(tallies, members[id_]) for id_ in ids}
    by_block = publish(sums, published(whole), wanted)
    rows: list[Row] = []
    groups: dict[str, tuple[Row, ...]] = {}
    group_of: dict[str, str] = {}
    block_of: dict[str, str] = {}
    for id_, block in zip(ids, made, strict=True):
        single = len(block.sectors) == 1
        name = block.groups[0].agencies[0].agency.sector_name if single else "Other sectors"
        named = _Named(id_, name, id_, name, _names(members[id_]))
        rows.append(_row(named, sums[id_], by_block[id_]))
        inner = {_group_id(group, id_): group for group in block.groups}
        tally = {key: _sum(tallies, group.agencies) for key, group in inner.items()}
        by_group = publish(tally, by_block[id_], wanted)
        groups[id_] = tuple(
            _row(
                _Named(
                    key, _group_name(group, name, single=single), id_, name, _names(group.agencies)
                ),
                tally[key],
                by_group[key],
            )
            for key, group in inner.items()
        )
        group_of |= {each.agency.id: key for key, group in inner.items() for each in group.agencies}
        block_of |= dict.fromkeys(block.sectors, id_)
    return Table(overall(whole), tuple(rows), groups, group_of, block_of)


def thin(tallies: Mapping[str, Tally], made: Table, registry: Registry) -> tuple[Thin, ...]:
    """The agencies that hardly anybody got it at; none where even the table says nothing."""
    if not made.blocks:
        return ()
    shown = {row.id: row.recipients.words for row in made.rows}
    return tuple(
        Thin(
            each.name,
            each.sector_name,
            not people,
            shown.get(each.id, "fewer than ten") if people else "nobody",
        )
        for each in registry.agencies
        if (people := tallies[each.id].recipients) < THIN
    )


def _sized(tallies: Mapping[str, Tally], registry: Registry) -> list[Sized]:
    return [
        Sized(each, tallies[each.id].recipients)
        for each in registry.agencies
        if tallies[each.id].recipients
    ]


def _sum(tallies: Mapping[str, Tally], agencies: Iterable[Sized]) -> Tally:
    return total(tallies[each.agency.id] for each in agencies)


def _names(agencies: Iterable[Sized]) -> tuple[str, ...]:
    return tuple(each.agency.name for each in agencies)


def _block_id(block: Block) -> str:
    return block.sectors[0] if len(block.sectors) == 1 else OTHER


def _group_id(group: Group, block: str) -> str:
    if len(group.agencies) == 1:
        return group.agencies[0].agency.id
    return OTHER if block == OTHER else f"{OTHER}-{block}"


def _group_name(group: Group, sector: str, *, single: bool) -> str:
    if len(group.agencies) == 1:
        return group.agencies[0].agency.name
    return f"Others in {sector}" if single else "Others"


@dataclass(frozen=True, slots=True)
class _Named:
    """What a row is called, and where it belongs."""

    id: str
    name: str
    sector: str
    sector_name: str
    members: tuple[str, ...]


def _row(named: _Named, tally: Tally, cut: Published, *, of_all: bool = False) -> Row:
    return Row(
        named.id,
        named.name,
        named.sector,
        named.sector_name,
        named.members,
        recipients(tally.recipients),
        not_arrived(tally, cut, of_all=of_all),
        reach(tally, cut, of_all=of_all),
    )
