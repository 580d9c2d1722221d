"""Whether the sender's domain takes mail, and whether the web pages' host is to be found."""

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import urlsplit

from newsletter_mailer.doctor.diagnosis import Diagnosis, failing, fine, unknown, warning
from newsletter_mailer.doctor.names import Names, Reply
from newsletter_mailer.doctor.tag_list import read_tags

_INNER = [
    ip_network(each)
    for each in (
        *("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10"),
        *("127.0.0.0/8", "169.254.0.0/16", "::1/128", "fc00::/7", "fe80::/10"),
    )
]


def is_inner(address: IPv4Address | IPv6Address) -> bool:
    """Whether an address is reached from its own network or machine only."""
    return any(address in network for network in _INNER)


def mail_in(domain: str, names: Names, *, what: str) -> Diagnosis:
    """Whether mail to `domain` can arrive (RFC 5321, 5.1; RFC 7505).

    `what` says what comes to it, such as `Replies`. Microsoft refuses bulk mail whose
    From or Reply-To takes none.
    """
    name = f"MX of {domain}"
    found = names.exchangers(domain)
    if not found.settled:
        return unknown(name, f"The MX records of {domain} are not known: {found.reason}.")
    if found.reply is Reply.NO_SUCH_NAME:
        return failing(
            name,
            f"The domain {domain} does not exist. {what} cannot arrive, and receivers refuse "
            "mail from it.",
            "Check its spelling in the settings, or register it.",
        )
    if any(not each.host for each in found.records):
        return failing(
            name,
            f"{domain} publishes that it takes no mail (a null MX, RFC 7505). {what} cannot "
            "arrive, and many receivers refuse mail from it.",
            "Use an address of a domain that takes mail, or publish MX records for this one.",
        )
    if found.reply is Reply.NOTHING:
        return _without_exchanger(domain, names, name, what)
    hosts = [each.host for each in found.records]
    answers = {host: names.addresses(host) for host in hosts}
    missing = [host for host, answer in answers.items() if answer.settled and not answer.records]
    if len(missing) == len(hosts):
        return failing(
            name,
            f"No MX host of {domain} has an address: {', '.join(missing)}. {what} cannot arrive.",
            "Mend the MX records, or give these hosts addresses.",
        )
    if missing:
        return warning(
            name,
            f"Of the MX hosts of {domain}, these have no address: {', '.join(missing)}.",
            "Take them out of the MX records, or give them addresses.",
        )
    if not any(answer.records for answer in answers.values()):
        return unknown(name, f"The addresses of {', '.join(hosts)} are not known.")
    return fine(name, ", ".join(hosts))


def _without_exchanger(domain: str, names: Names, name: str, what: str) -> Diagnosis:
    found = names.addresses(domain)
    if not found.settled:
        return unknown(name, f"The addresses of {domain} are not known: {found.reason}.")
    if found.records:
        return warning(
            name,
            f"{domain} has no MX record, so mail goes to the address of {domain} itself.",
            "Publish an MX record that names the host that takes mail.",
        )
    return failing(
        name,
        f"{domain} has neither an MX record nor an address. {what} cannot arrive, and receivers "
        "refuse mail from it.",
        "Publish an MX record that names the host that takes mail.",
    )


def mta_sts(domain: str, names: Names) -> Diagnosis:
    """The record by which the domain asks for TLS on mail to it (RFC 8461, 3.1).

    It is optional, and guards replies, not the newsletter. The policy's file is not fetched.
    """
    name = "MTA-STS"
    found = names.texts(f"_mta-sts.{domain}")
    if not found.settled:
        return unknown(name, f"The record at _mta-sts.{domain} is not known: {found.reason}.")
    records = [text for text in found.records if text.replace(" ", "").startswith("v=STSv1")]
    if not records:
        return fine(
            name, f"none published for {domain}; it is optional, and guards mail to the domain"
        )
    identity = (read_tags(records[0]) or {}).get("id", "")
    if len(records) > 1 or not (identity.isascii() and identity.isalnum()):
        return warning(
            name,
            f"The record at _mta-sts.{domain} is not one record with an id, so senders skip it.",
            'Publish one such as "v=STSv1; id=20190121"; letters and figures only.',
        )
    host = names.addresses(f"mta-sts.{domain}")
    if host.settled and not host.records:
        return warning(
            name,
            f"_mta-sts.{domain} announces a policy, and its host mta-sts.{domain} has no address.",
            f"Serve https://mta-sts.{domain}/.well-known/mta-sts.txt, or take the record out.",
        )
    return fine(name, f"id {identity}; the policy's file was not fetched")


def web_host(base_url: str, names: Names) -> Diagnosis:
    """Whether the host of the web pages has an address that readers can reach."""
    name = "host of base_url"
    host = urlsplit(base_url).hostname or ""
    try:
        addresses: tuple[str, ...] = (str(ip_address(host)),)
    except ValueError:
        found = names.addresses(host)
        if not found.settled:
            return unknown(name, f"The addresses of {host} are not known: {found.reason}.")
        addresses = found.records
    mend = (
        "Set base_url to the address at which readers reach the web pages; every mail links to it."
    )
    if not addresses:
        return failing(name, f"{host} has no address, so no link to the web pages works.", mend)
    inside = [address for address in addresses if is_inner(ip_address(address))]
    if inside:
        return warning(
            name, f"{host} has an address that only this network reaches: {inside[0]}.", mend
        )
    return fine(name, f"{host}: {', '.join(addresses)}")
