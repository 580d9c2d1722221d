"""Segments: parts of the list of subscribers, named by agencies, sectors, groups or settings."""

import difflib
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, func, or_, true

from newsletter_mailer.errors import UsageError
from newsletter_mailer.reading.agencies import EVERYONE, Registry
from newsletter_mailer.settings import Settings
from newsletter_mailer.store.tables import subscriber

ALL = "all"
"""Names everyone on the command line and in saved segments, as `everyone` does in issues."""


@dataclass(frozen=True, slots=True)
class Part:
    """The people of these agencies, of them only those with one of these roles, if any."""

    agencies: frozenset[str]
    roles: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Segment:
    """Whom a campaign is for. `names` are the words that asked for it; empty means everyone."""

    names: tuple[str, ...]
    parts: tuple[Part, ...]

    def holds(self, agency: ColumnElement[str]) -> ColumnElement[bool]:
        """The condition that a subscriber, whose agency is `agency`, is in it."""
        if not self.names:
            return true()
        return or_(
            *(
                and_(
                    agency.in_(sorted(part.agencies)),
                    or_(*(_has_role(role) for role in part.roles)) if part.roles else true(),
                )
                for part in self.parts
            )
        )


def segment(names: Sequence[str], registry: Registry, settings: Settings) -> Segment:
    """The segment of these names: each an agency, a sector, a group, or one saved in settings.

    Names may also stand in one word with commas between.

    Raises:
        UsageError: a name that none of them has, or names that are all empty.
    """
    words = tuple(word.strip() for name in names for word in name.split(",") if word.strip())
    if names and not words:
        raise UsageError("--audience names nobody. For everyone, write --audience all.")
    return Segment(words, tuple(_part(word, registry, settings) for word in words))


def _part(word: str, registry: Registry, settings: Settings) -> Part:
    saved = settings.segments.get(word)
    if saved is not None:
        agencies = frozenset().union(
            *(_agencies(each, registry, f"segments.{word}") for each in saved.agencies)
        )
        return Part(agencies, saved.roles)
    return Part(_agencies(word, registry, "--audience", tuple(settings.segments)))


def _agencies(
    word: str, registry: Registry, where: str, saved: tuple[str, ...] = ()
) -> frozenset[str]:
    found = registry.members.get(EVERYONE if word == ALL else word)
    if found is None:
        near = difflib.get_close_matches(word, [*registry.members, *saved], n=1)
        meant = f" Did you mean {near[0]}?" if near else ""
        raise UsageError(
            f"{where} names {word!r}. Expected an agency, sector or group of "
            f"subscribers/agencies.yaml, or a segment of newsletter.toml.{meant}"
        )
    return found


def _has_role(role: str) -> ColumnElement[bool]:
    return func.lower(subscriber.c.role).contains(role.lower(), autoescape=True)
