"""SPF: which machines may send in the name of the return path's domain (RFC 7208)."""

from collections.abc import Sequence
from ipaddress import ip_address

from newsletter_mailer.doctor.diagnosis import Diagnosis, failing, fine, unknown, warning
from newsletter_mailer.doctor.names import Names, Reply
from newsletter_mailer.doctor.reachable import is_inner
from newsletter_mailer.doctor.spf_record import is_spf, read_spf
from newsletter_mailer.doctor.spf_walk import MOST_LOOKUPS, MOST_VOIDS, SpfTree, SpfWalk

NAME = "SPF"


def spf(domain: str, names: Names, relay: str = "") -> list[Diagnosis]:
    """How the SPF record of `domain` is, and whether it names the relay.

    Args:
        domain: that of the return path, which receivers look up.
        names: answers from the DNS.
        relay: the host that messages are handed to; empty where there is none.
    """
    found = names.texts(domain)
    if found.reply is Reply.UNANSWERED:
        return [unknown(NAME, f"The TXT records of {domain} are not known: {found.reason}.")]
    records = [text for text in found.records if is_spf(text)]
    if not records:
        why = "the name does not exist" if found.reply is Reply.NO_SUCH_NAME else "none is there"
        return [
            failing(
                NAME,
                f"{domain} has no SPF record: {why}.",
                f"Publish one TXT record at {domain} that names the machines which send for it, "
                'such as "v=spf1 include:YOUR-RELAY -all"; the relay\'s provider says what to '
                "include. Google, Yahoo and Microsoft refuse bulk mail without it.",
            )
        ]
    if len(records) > 1:
        return [
            failing(
                NAME,
                f"{domain} has {len(records)} SPF records, so receivers heed none (RFC 7208, 4.5).",
                "Put what they say into one record and take the others out.",
            )
        ]
    record = read_spf(records[0])
    walk = SpfWalk(names)
    tree = walk.follow(domain, record)
    diagnoses = [_record(domain, records[0], walk), _rest(domain, tree)]
    if relay:
        diagnoses += _relay(domain, tree, relay, names)
    return diagnoses


def _record(domain: str, text: str, walk: SpfWalk) -> Diagnosis:
    wrong: list[str] = list(walk.mistakes)
    if walk.lookups > MOST_LOOKUPS:
        wrong.append(
            f"it takes {walk.lookups} DNS lookups, nested ones counted; {MOST_LOOKUPS} are allowed"
        )
    if walk.voids > MOST_VOIDS:
        wrong.append(f"{walk.voids} of its lookups find nothing; {MOST_VOIDS} are allowed")
    if wrong:
        return failing(
            NAME,
            f"The SPF record of {domain} is invalid, and receivers heed none of it: "
            f"{'; '.join(wrong)}.",
            f"Mend the record, which is {text!r}: correct or take out what is named here. Where "
            "there are too many lookups, take out what no longer sends, or write ip4: and ip6: "
            "in the place of include:, a and mx.",
        )
    if walk.unanswered:
        return unknown(
            NAME,
            f"The SPF record of {domain} could not be followed to its end: "
            f"{'; '.join(walk.unanswered)}.",
        )
    if walk.uses_ptr:
        return warning(
            NAME,
            f"The SPF record of {domain} uses ptr, which is slow and which some receivers skip.",
            "Name the machines by ip4:, ip6:, a: or include: instead (RFC 7208, 5.5).",
        )
    return fine(NAME, f"{text} ({walk.lookups} of {MOST_LOOKUPS} lookups)")


def _rest(domain: str, tree: SpfTree) -> Diagnosis:
    """What the record says of machines that it does not name; a redirect speaks for it."""
    name = "SPF, everybody else"
    seen = tree
    while seen.redirect and not seen.record.rest:
        seen = seen.redirect
    rest = seen.record.rest
    if rest is None and seen.record.redirect:
        return unknown(name, f"The redirect to {seen.record.redirect} could not be followed.")
    if rest is None:
        return warning(
            name,
            f"The SPF record of {domain} does not say what of machines that it does not name.",
            "End it with -all, or with ~all while you are not sure of your list.",
        )
    if rest.qualifier == "+":
        return failing(
            name,
            f"The SPF record of {domain} ends with +all: anybody may send in its name.",
            "End it with -all, or with ~all while you are not sure of your list.",
        )
    if rest.qualifier == "?":
        return warning(
            name,
            f"The SPF record of {domain} ends with ?all, which says nothing of forgers.",
            "End it with -all, or with ~all while you are not sure of your list.",
        )
    return fine(name, f"{rest.qualifier}all")


def _relay(domain: str, tree: SpfTree, relay: str, names: Names) -> Sequence[Diagnosis]:
    name = "SPF and the relay"
    try:
        addresses: tuple[str, ...] = (str(ip_address(relay)),)
    except ValueError:
        found = names.addresses(relay)
        if not found.settled:
            return [unknown(name, f"The addresses of {relay} are not known: {found.reason}.")]
        addresses = found.records
    # A relay in one's own network passes mail on from an address that is not seen here.
    public = [address for address in map(ip_address, addresses) if not is_inner(address)]
    if not public:
        return [
            unknown(
                name,
                f"{relay} has no public address, so it sends from one that is not known here.",
                "Ask who runs it whether its outgoing address is in the SPF record.",
            )
        ]
    results = {str(address): tree.result(address) for address in public}
    if "unknown" in results.values():
        return [unknown(name, f"Whether {relay} may send for {domain} could not be found out.")]
    left_out = [f"{address} ({result})" for address, result in results.items() if result != "pass"]
    if not left_out:
        return [fine(name, f"{relay} may send for {domain}")]
    return [
        warning(
            name,
            f"The SPF record of {domain} does not let {relay} send: {', '.join(left_out)}.",
            f"Add ip4:, ip6: or include: for it to the record. If {relay} sends from other "
            "addresses than it listens on, its provider says which record to include.",
        )
    ]
