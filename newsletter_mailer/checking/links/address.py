"""Which addresses a link may lead to: those that readers outside can reach, and no others."""

import re
import socket
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)

Address = IPv4Address | IPv6Address

_NOT_PUBLIC = tuple(
    ip_network(net)
    for net in (
        "0.0.0.0/8",  # this network
        "10.0.0.0/8",  # private
        "100.64.0.0/10",  # carriers' NAT (CGNAT)
        "127.0.0.0/8",  # loopback
        "169.254.0.0/16",  # link-local, where clouds keep their secrets
        "172.16.0.0/12",  # private
        "192.0.0.0/24",  # IETF protocols
        "192.0.2.0/24",  # documentation
        "192.88.99.0/24",  # 6to4 relays
        "192.168.0.0/16",  # private
        "198.18.0.0/15",  # benchmarks
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, and broadcast
        "2001::/23",  # IETF protocols, with Teredo, which embeds an IPv4 address
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4, which embeds an IPv4 address
        "3fff::/20",  # documentation
    )
)
"""From IANA's registries of special-purpose addresses, for IPv4 and IPv6 (RFC 6890).

They are written out since what `ipaddress` calls global differs between patch releases.
"""

_GLOBAL_UNICAST = ip_network("2000::/3")
"""All that IANA has given out of IPv6. Outside it are loopback, link-local, unique local
and multicast addresses, mapped and compatible IPv4 (`::ffff:0:0/96`, `::/96`) and NAT64
(`64:ff9b::/96`, `64:ff9b:1::/48`)."""

_NUMBER = re.compile(r"(?:0[xX][0-9a-fA-F]*|[0-9]+)\Z")


def is_public(address: Address) -> bool:
    """Whether readers everywhere can reach the address."""
    if isinstance(address, IPv6Address) and address not in _GLOBAL_UNICAST:
        return False
    return not any(_holds(net, address) for net in _NOT_PUBLIC)


def _holds(net: IPv4Network | IPv6Network, address: Address) -> bool:
    return net.version == address.version and address in net


def literal(host: str) -> Address | None:
    """The address that a host in a URL is, None where it is a name.

    IPv4 is read as browsers and C libraries read it: `2130706433`, `0x7f.1` and
    `017700000001` are all 127.0.0.1 (WHATWG URL, "IPv4 parser").

    Raises:
        ValueError: the host ends in a number but is no address; browsers refuse it.
    """
    host = host.removesuffix(".")
    if ":" in host:
        return ip_address(host)
    if not _NUMBER.match(host.rpartition(".")[2]):
        return None
    try:
        return IPv4Address(socket.inet_aton(host))
    except OSError as error:
        raise ValueError(f"{host!r} is no IPv4 address") from error
