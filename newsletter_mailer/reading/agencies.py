"""The registry of agencies: who readers work for, by sector, and how texts name them."""

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from newsletter_mailer.errors import RegistryError
from newsletter_mailer.findings import Finding, Place, brief, errors_in
from newsletter_mailer.reading.checked import checked
from newsletter_mailer.reading.headers import Slug, Words, wrong
from newsletter_mailer.reading.source import Source, read_source
from newsletter_mailer.reading.yaml_lines import Marked, read_yaml

EVERYONE = "everyone"
"""The word that addresses all agencies."""


def _domain(domain: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+", domain):
        raise wrong("a domain such as example.org", "Write what stands after the @.")
    return domain.lower()


Domain = Annotated[str, AfterValidator(_domain)]


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class AgencyEntry(_Entry):
    """An agency in `agencies.yaml`."""

    id: Slug
    name: Words
    domains: tuple[Domain, ...] = ()


class SectorEntry(_Entry):
    """A sector and its agencies."""

    id: Slug
    name: Words
    agencies: Annotated[tuple[AgencyEntry, ...], Field(min_length=1)]


class GroupEntry(_Entry):
    """Agencies that texts address by one word, across or inside sectors."""

    id: Slug
    name: Words
    agencies: Annotated[tuple[Slug, ...], Field(min_length=1)]


class RegistryFile(_Entry):
    """`agencies.yaml` as a whole."""

    default: Slug
    sectors: Annotated[tuple[SectorEntry, ...], Field(min_length=1)]
    groups: tuple[GroupEntry, ...] = ()


@dataclass(frozen=True, slots=True)
class Agency:
    """One agency: its id, the name readers see, its sector, and domains that suggest it."""

    id: str
    name: str
    sector: str
    sector_name: str
    domains: tuple[str, ...]


@dataclass(frozen=True)
class Registry:
    """All agencies, in the order of the file, and what each addressing word means."""

    agencies: tuple[Agency, ...]
    default: Agency
    members: Mapping[str, frozenset[str]]

    @cached_property
    def by_id(self) -> Mapping[str, Agency]:
        """The agencies by id."""
        return {agency.id: agency for agency in self.agencies}

    def agency(self, id_: str) -> Agency:
        """The agency with this id, or the default for one that is not (any more) in the file."""
        return self.by_id.get(id_, self.default)

    def expand(self, words: Iterable[str], place: Place, findings: list[Finding]) -> frozenset[str]:
        """The ids of all agencies that these words address; a finding for an unknown word."""
        ids: set[str] = set()
        for word in words:
            if word in self.members:
                ids |= self.members[word]
                continue
            findings.append(
                Finding(
                    place,
                    "unknown-agency",
                    f"the agency {brief(word)!r}",
                    "an id of an agency, sector or group in subscribers/agencies.yaml",
                    _meant(word, self.members) or "Check its spelling, or add it there.",
                )
            )
        return frozenset(ids)


def _meant(word: str, ids: Iterable[str]) -> str:
    """`Did you mean gp?`, or nothing."""
    slug = re.sub(r"[\s_-]+", "-", word.casefold())
    near = difflib.get_close_matches(slug, list(ids), n=1)
    return f"Did you mean {near[0]}?" if near else ""


def read_registry(path: Path, shown: str) -> Registry:
    """Read `agencies.yaml`.

    Raises:
        RegistryError: with every mistake in it.
    """
    findings: list[Finding] = []
    source = read_source(path, shown, findings)
    marked = read_yaml(source.text, source, findings) if source else None
    file = checked(RegistryFile, marked, source, findings) if source and marked else None
    if source is None or marked is None or file is None:
        raise RegistryError(findings)
    registry = _registry(file, marked, source, findings)
    if errors_in(findings):
        raise RegistryError(findings)
    return registry


def _registry(
    file: RegistryFile, marked: Marked, source: Source, findings: list[Finding]
) -> Registry:
    members: dict[str, frozenset[str]] = {EVERYONE: frozenset()}

    def add(id_: str, ids: Iterable[str], *path: str | int) -> None:
        if id_ in members:
            kept = id_ == EVERYONE
            findings.append(
                Finding(
                    source.at(marked.line((*path, "id"))),
                    "repeated-id",
                    f"the id {id_}, which is kept for all"
                    if kept
                    else f"the id {id_} a second time",
                    "ids that differ over agencies, sectors and groups",
                    "Choose another." if kept else "Rename one of the two.",
                )
            )
        members[id_] = frozenset(ids)

    agencies: list[Agency] = []
    for at, sector in enumerate(file.sectors):
        add(sector.id, (entry.id for entry in sector.agencies), "sectors", at)
        for inner, entry in enumerate(sector.agencies):
            add(entry.id, [entry.id], "sectors", at, "agencies", inner)
            agencies.append(Agency(entry.id, entry.name, sector.id, sector.name, entry.domains))
    by_id = {agency.id: agency for agency in agencies}
    members[EVERYONE] = frozenset(by_id)
    named: list[tuple[str, tuple[str | int, ...]]] = [(file.default, ("default",))]
    for at, group in enumerate(file.groups):
        add(group.id, group.agencies, "groups", at)
        named += [(id_, ("groups", at, "agencies", i)) for i, id_ in enumerate(group.agencies)]
    findings.extend(
        Finding(
            source.at(marked.line(path)),
            "unknown-agency",
            f"the agency {id_!r}",
            "the id of an agency in this file",
            _meant(id_, by_id) or "Check its spelling.",
        )
        for id_, path in named
        if id_ not in by_id
    )
    default = by_id.get(file.default, agencies[0])
    return Registry(tuple(agencies), default, members)
