"""Following an SPF record to all that it names, as receivers do (RFC 7208, 4.6 and 5)."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address, ip_network
from typing import Any

from newsletter_mailer.doctor.names import Answer, Names, Reply
from newsletter_mailer.doctor.spf_record import Mechanism, Network, SpfRecord, is_spf, read_spf

MOST_LOOKUPS = 10
"""Terms that ask the DNS, nested ones counted (RFC 7208, 4.6.4)."""

MOST_VOIDS = 2
"""Such terms that may find nothing (RFC 7208, 4.6.4)."""

_MOST_EXCHANGERS = 10
"""MX records that one `mx` may find (RFC 7208, 4.6.4)."""

_FOLLOWED = 30
"""Terms after which a hopeless record is followed no further."""

_RESULTS = {"+": "pass", "-": "fail", "~": "softfail", "?": "neutral"}


@dataclass(frozen=True, slots=True)
class Rule:
    """A mechanism, and the addresses it means as far as they could be found out."""

    mechanism: Mechanism
    networks: tuple[Network, ...] = ()
    inner: "SpfTree | None" = None
    known: bool = True


@dataclass(frozen=True, slots=True)
class SpfTree:
    """A domain's record with all that hangs on it."""

    domain: str
    record: SpfRecord
    rules: tuple[Rule, ...]
    redirect: "SpfTree | None"

    def result(self, address: IPv4Address | IPv6Address) -> str:
        """What the record says of a sender: pass, fail, softfail, neutral, or unknown."""
        for rule in self.rules:
            if rule.mechanism.kind == "all":
                return _RESULTS[rule.mechanism.qualifier]
            if rule.inner:
                inner = rule.inner.result(address)
                if inner == "unknown":
                    return inner
                matches = inner == "pass"
            else:
                matches = any(
                    address in network
                    for network in rule.networks
                    if network.version == address.version
                )
            if matches:
                return _RESULTS[rule.mechanism.qualifier]
            if not rule.known:
                return "unknown"
        return self.redirect.result(address) if self.redirect else "neutral"


@dataclass(slots=True)
class SpfWalk:
    """What following a record found; it gathers as it goes."""

    names: Names
    lookups: int = 0
    voids: int = 0
    mistakes: list[str] = field(default_factory=list)
    unanswered: list[str] = field(default_factory=list)
    uses_ptr: bool = False

    def follow(self, domain: str, record: SpfRecord, above: tuple[str, ...] = ()) -> SpfTree:
        """The tree of a record that `domain` publishes; `above` are those that led to it."""
        self.mistakes += [f"{mistake} (in the record of {domain})" for mistake in record.mistakes]
        path = (*above, domain)
        rules: list[Rule] = []
        for mechanism in record.mechanisms:
            rules.append(self._rule(mechanism, path))
            if mechanism.kind == "all":  # what stands after it is not looked at (RFC 7208, 5.1)
                return SpfTree(domain, record, tuple(rules), None)
        redirect = None
        if record.redirect:
            self.lookups += 1
            redirect = self._led_to(record.redirect, path, "redirect=")
        return SpfTree(domain, record, tuple(rules), redirect)

    def _rule(self, mechanism: Mechanism, path: tuple[str, ...]) -> Rule:
        if mechanism.kind == "all":
            return Rule(mechanism)
        if mechanism.network:
            return Rule(mechanism, (mechanism.network,))
        self.lookups += 1
        domain = mechanism.domain or path[-1]
        if mechanism.kind == "ptr":
            self.uses_ptr = True
            return Rule(mechanism, known=False)
        if mechanism.kind == "exists" or mechanism.has_macro or self.lookups > _FOLLOWED:
            return Rule(mechanism, known=False)
        if mechanism.kind == "include":
            inner = self._led_to(domain, path, "include:")
            return Rule(mechanism, inner=inner, known=inner is not None)
        hosts: Iterable[str] = (domain,)
        if mechanism.kind == "mx":
            found = self.names.exchangers(domain)
            if not self._answered(found, f"MX of {domain}"):
                return Rule(mechanism, known=found.settled)
            hosts = [each.host for each in found.records if each.host]
            if len(found.records) > _MOST_EXCHANGERS:
                self.mistakes.append(
                    f"mx finds {len(found.records)} hosts at {domain}; {_MOST_EXCHANGERS} may be"
                )
        return self._hosts(mechanism, hosts)

    def _hosts(self, mechanism: Mechanism, hosts: Iterable[str]) -> Rule:
        networks: list[Network] = []
        known = True
        for host in hosts:
            found = self.names.addresses(host)
            if self._answered(found, f"addresses of {host}"):
                lengths = {4: mechanism.four, 6: mechanism.six}
                networks += (
                    ip_network((address, lengths[6 if ":" in address else 4]), strict=False)
                    for address in found.records
                )
            known = known and found.settled
        return Rule(mechanism, tuple(networks), known=known)

    def _led_to(self, domain: str, path: tuple[str, ...], how: str) -> SpfTree | None:
        """The tree of the record that an include or a redirect names, if there is one."""
        if "%" in domain or self.lookups > _FOLLOWED:
            return None
        if domain.lower().rstrip(".") in {each.lower().rstrip(".") for each in path}:
            self.mistakes.append(f"{how}{domain} leads back to where it came from")
            return None
        found = self.names.texts(domain)
        if not self._answered(found, f"TXT of {domain}") and not found.settled:
            return None
        records = [text for text in found.records if is_spf(text)]
        if len(records) != 1:
            several = f"{len(records)} SPF records" if records else "no SPF record"
            self.mistakes.append(f"{how}{domain} names a domain with {several}")
            return None
        return self.follow(domain, read_spf(records[0]), path)

    def _answered(self, answer: Answer[Any], what: str) -> bool:
        if answer.reply is Reply.UNANSWERED:
            self.unanswered.append(f"{what}: {answer.reason}")
        elif answer.reply is not Reply.FOUND:
            self.voids += 1
        return answer.reply is Reply.FOUND
