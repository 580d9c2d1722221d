"""SPF records as they are written (RFC 7208, 4.5 to 6)."""

import re
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network

Network = IPv4Network | IPv6Network

_DIRECTIVE = re.compile(r"([-+?~]?)([A-Za-z][A-Za-z0-9_.-]*)((?::[^ ]*|/[^ ]*)?)")
_MODIFIER = re.compile(r"([A-Za-z][A-Za-z0-9_.-]*)=([^ ]*)")
_LENGTHS = re.compile(r"(?:/(\d{1,2}))?(?://(\d{1,3}))?$")


@dataclass(frozen=True, slots=True)
class Mechanism:
    """One term: whom it means, and what its qualifier says of them (`+`, `-`, `~` or `?`).

    `domain` is empty where the record's own is meant. `four` and `six` are how many bits
    of an address count.
    """

    qualifier: str
    kind: str
    domain: str = ""
    network: Network | None = None
    four: int = 32
    six: int = 128

    @property
    def has_macro(self) -> bool:
        """Whether its domain depends on the message (RFC 7208, 7), and so cannot be followed."""
        return "%" in self.domain


@dataclass(frozen=True, slots=True)
class SpfRecord:
    """A record's mechanisms in their order, and where it hands over to (empty: nowhere)."""

    mechanisms: tuple[Mechanism, ...]
    redirect: str
    mistakes: tuple[str, ...]

    @property
    def rest(self) -> Mechanism | None:
        """The mechanism `all`, which says what of everybody else."""
        return next((each for each in self.mechanisms if each.kind == "all"), None)


def is_spf(text: str) -> bool:
    """Whether a TXT record is an SPF record (RFC 7208, 4.5)."""
    return text.lower() == "v=spf1" or text.lower().startswith("v=spf1 ")


def read_spf(text: str) -> SpfRecord:
    """The record that `is_spf` has found; each term that is no term is among its mistakes."""
    mechanisms: list[Mechanism] = []
    modifiers: dict[str, str] = {}
    mistakes: list[str] = []
    for term in text.split(" ")[1:]:
        if not term:
            continue
        if modifier := _MODIFIER.fullmatch(term):
            name = modifier[1].lower()
            if name in modifiers and name in {"redirect", "exp"}:
                mistakes.append(f"{name}= stands twice")
            modifiers.setdefault(name, modifier[2])
            continue
        found = _mechanism(term)
        if isinstance(found, str):
            mistakes.append(found)
        else:
            mechanisms.append(found)
    if modifiers.get("redirect") == "":
        mistakes.append("redirect= names no domain")
    return SpfRecord(tuple(mechanisms), modifiers.get("redirect", ""), tuple(mistakes))


def _mechanism(term: str) -> Mechanism | str:
    """The mechanism that a term is, or what is wrong with it."""
    directive = _DIRECTIVE.fullmatch(term)
    if not directive:
        return f"{term!r} is not a term"
    qualifier, kind, value = directive[1] or "+", directive[2].lower(), directive[3]
    bad = f"{term!r} is malformed"
    if kind == "all":
        return bad if value else Mechanism(qualifier, kind)
    if kind in {"ip4", "ip6"}:
        try:
            make = IPv4Network if kind == "ip4" else IPv6Network
            return Mechanism(qualifier, kind, network=make(value[1:], strict=False))
        except ValueError:
            return bad
    if kind in {"include", "exists", "ptr"}:
        if len(value) > 1 or (not value and kind == "ptr"):
            return Mechanism(qualifier, kind, value[1:])
        return bad
    if kind in {"a", "mx"}:
        lengths = _LENGTHS.search(value)
        four, six = (lengths[1], lengths[2]) if lengths else (None, None)
        domain = value[: lengths.start()] if lengths else value
        bits = _bits(four, 32), _bits(six, 128)
        if domain == ":" or "/" in domain or bits[0] > 32 or bits[1] > 128:  # noqa: PLR2004 - bits of addresses
            return bad
        return Mechanism(qualifier, kind, domain[1:], four=bits[0], six=bits[1])
    return f"{term!r} is a mechanism that SPF does not have"


def _bits(text: str | None, whole: int) -> int:
    return whole if text is None else int(text)
