"""What a load is taken for, and the rule that decided. Nothing here remembers anything."""

from dataclasses import dataclass

from newsletter_mailer.tracking.agents import Agents, Class

TELLING = (Class.MACHINE, Class.UNKNOWN, Class.PROXIED, Class.HUMAN)
"""From the class that tells least of a person to the one that tells most."""


@dataclass(frozen=True, slots=True)
class Load:
    """What is known of one load of a pixel or link while it is being judged.

    `seconds` have passed since the message was handed over; None where that is not known.
    `links` is how many links of the same message were followed within the time of a burst,
    this one counted. `flagged` is a provider's own word that a machine opened it.
    """

    agent: str = ""
    address: str = ""
    seconds: float | None = None
    links: int = 1
    head: bool = False
    prefetch: bool = False
    flagged: bool = False


@dataclass(frozen=True, slots=True)
class Classed:
    """A class, and the rule that decided."""

    class_: Class
    rule: str


def classify(load: Load, agents: Agents) -> Classed:
    """Class a load by the first rule that fits; docs/tracking.md lists them in this order.

    A provider's flag means that Apple's proxy loaded it (SendGrid's `sg_machine_open`), whoever
    looks at it later: proxied, not machine. A proxy stays one however soon it comes.
    """
    if load.flagged:
        return Classed(Class.PROXIED, "provider flag")
    if load.head:
        return Classed(Class.MACHINE, "HEAD")
    if load.prefetch:
        return Classed(Class.MACHINE, "prefetch")
    if load.links >= agents.burst_links:
        return Classed(Class.MACHINE, "burst")
    by_agent = agents.by_agent(load.agent)
    by_network = agents.by_address(load.address)
    for wanted in (Class.MACHINE, Class.PROXIED):
        if by_agent is not None and by_agent.class_ is wanted:
            return Classed(wanted, f"agent: {by_agent.name}")
        if by_network is not None and by_network.class_ is wanted:
            return Classed(wanted, f"network: {by_network.name}")
    if load.seconds is not None and load.seconds < agents.too_soon:
        return Classed(Class.MACHINE, "too soon")
    if by_agent is not None:
        return Classed(by_agent.class_, f"agent: {by_agent.name}")
    return Classed(Class.UNKNOWN, "strange agent" if load.agent.strip() else "no agent")


def more_telling(one: Classed, other: Classed) -> bool:
    """Whether `one` tells more of a person than `other`."""
    return TELLING.index(one.class_) > TELLING.index(other.class_)
