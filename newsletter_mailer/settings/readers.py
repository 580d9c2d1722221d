"""Settings that readers meet: sign-ups on the web, what is counted, what is kept."""

from typing import Annotated

from pydantic import Field

from newsletter_mailer.settings.values import Days, Line, Part


class Web(Part):
    """How the web application keeps robots and floods away. The limits are sign-ups an hour.

    `per_network` are those from one network (an IPv4 address, or a /64 of IPv6),
    `per_domain` those for addresses of one domain, and `per_address` the mails that one
    address gets in a day. `quickest` is how many seconds a person needs for a form at
    least. `proxies` are the addresses of servers in front of this one, whose word is taken
    for where a request came from.
    """

    per_network: Annotated[int, Field(ge=1)] = 60
    per_domain: Annotated[int, Field(ge=1)] = 300
    per_address: Annotated[int, Field(ge=1)] = 4
    quickest: Annotated[float, Field(ge=0, le=60)] = 1.5
    proxies: tuple[Line, ...] = ()


class Retention(Part):
    """How many days things are kept, before `newsletter tidy` takes them away.

    `unconfirmed`: sign-ups that nobody confirmed. `left`: people who left, who are erased
    then. `ledger`: names and addresses in the ledgers of campaigns that have ended; its
    counts stay. `trail`: the audit trail. `outbox`: messages in the outbox. `silent`: after
    so long without a sign of life people are asked once whether they want to go on;
    `unanswered`: who does not answer that is unsubscribed, or stays where it is left out.
    """

    unconfirmed: Days = 30
    left: Days = 365
    ledger: Days = 730
    trail: Days = 2_190
    outbox: Days = 90
    silent: Days = 730
    unanswered: Days | None = None


class Tracking(Part):
    """What is counted of readers who agreed to it, and how what comes back is judged.

    `opens` is whether mail to those who agreed carries a pixel, `clicks` whether their
    links lead over a redirect that counts. Who opened is kept for `keep_days`, after that
    only how many did. An address is suppressed when so many letters to it as
    `soft_bounces` came back for now, all within `soft_days`. `sendgrid_keys` are the
    public keys that sign SendGrid's events, as its page shows them; while a key is being
    changed, the old and the new one. Events that were signed more than `replay_hours` ago
    are refused: SendGrid repeats what was not taken for 24 hours.
    """

    opens: bool = True
    clicks: bool = False
    keep_days: Annotated[int, Field(ge=1, le=3_660)] = 400
    soft_bounces: Annotated[int, Field(ge=2, le=100)] = 3
    soft_days: Annotated[int, Field(ge=1, le=3_660)] = 400
    sendgrid_keys: tuple[Line, ...] = ()
    replay_hours: Annotated[float, Field(gt=0, le=240)] = 25.0
