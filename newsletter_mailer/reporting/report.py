"""A report: all that its pages, tables and files show, already free of small groups.

Whoever shows it prints what stands here and works out no other count of people from
anywhere else. Each count is `Shown`: a number, or words in its place.
"""

import datetime as dt
from dataclasses import dataclass

from newsletter_mailer.reporting.shown import Reach, Shown


@dataclass(frozen=True, slots=True)
class CampaignFacts:
    """Which campaign this is. `sent_on` is None until it began; days are the office's.

    `audience` names whom it was for; it is empty where it was for everyone.
    """

    name: str
    number: int
    title: str
    state: str
    sent_on: dt.date | None
    audience: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Row:
    """People of one agency, of one sector, or of several that are counted together.

    `id` is that of the agency or sector, or begins with `_other`. `members` are the names of the
    agencies in it. `not_arrived` counts mail that was not sent, was refused or came back.
    """

    id: str
    name: str
    sector: str
    sector_name: str
    members: tuple[str, ...]
    recipients: Shown
    not_arrived: Shown
    reach: Reach


@dataclass(frozen=True, slots=True)
class ClassTotal:
    """People by the class of their most telling open.

    `class_` is `human`, `proxied`, `unknown` or `machine`, or `none` for those of whom nothing
    was loaded; `name` says it to people.
    """

    class_: str
    name: str
    people: Shown


@dataclass(frozen=True, slots=True)
class Period:
    """People who last opened it between two days, both counted in.

    `last` is None for the newest period, which is not over.
    """

    first: dt.date
    last: dt.date | None
    people: Shown


@dataclass(frozen=True, slots=True)
class OverTime:
    """The opens of one class over time. Periods follow each other without a gap."""

    class_: str
    name: str
    periods: tuple[Period, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of deliveries: `key` for programs, `name` for people.

    `arrived` is False where it is sure, or to be feared, that nobody got the mail.
    """

    key: str
    name: str
    arrived: bool
    people: Shown


@dataclass(frozen=True, slots=True)
class Earlier:
    """An earlier issue, to compare with; the newest first."""

    campaign: CampaignFacts
    recipients: Shown
    not_arrived: Shown
    reach: Reach


@dataclass(frozen=True, slots=True)
class Thin:
    """An agency that the issue reached few people of, or nobody."""

    agency: str
    sector_name: str
    nobody: bool
    words: str


@dataclass(frozen=True, slots=True)
class Followed:
    """A link, and how many followed it: a range like that of opens.

    `url` is where it leads; `text` is what readers saw; `articles` are the titles of the
    articles it stands in; `event` is whether it belongs to an event.
    """

    url: str
    text: str
    articles: tuple[str, ...]
    event: bool
    reach: Reach


@dataclass(frozen=True, slots=True)
class ReadRow:
    """Those of an agency, or of several counted together, who say that they have read it."""

    id: str
    name: str
    people: Shown


@dataclass(frozen=True, slots=True)
class HaveRead:
    """An article with a button "I have read this", and how many people pressed it.

    `article` is its id in the issue's files. `by_agency` has the rows of the report's agencies.
    """

    article: str
    title: str
    people: Shown
    by_agency: tuple[ReadRow, ...]


@dataclass(frozen=True, slots=True)
class Mend:
    """Mail that did not arrive, of one kind: how many, what to do, and where they are listed."""

    key: str
    name: str
    people: Shown
    advice: str
    command: str


@dataclass(frozen=True, slots=True)
class Report:
    """What a campaign reached.

    `overall` is about everybody in the report: the whole campaign, or where `only` names
    agencies or sectors, these. In the latter case `classes`, `over_time`, `outcomes`,
    `earlier`, `thin`, `followed`, `to_mend` and `have_read` are empty: they are drawn up for
    whole campaigns only; so is `thin` for a campaign that was for a part of the list.
    `opens_counted` and `clicks_counted` say whether anything of this kind was recorded.
    `notes` are sentences on what is hidden or counted together.
    """

    campaign: CampaignFacts
    drawn_up_at: dt.datetime
    only: tuple[str, ...]
    overall: Row
    sectors: tuple[Row, ...]
    agencies: tuple[Row, ...]
    classes: tuple[ClassTotal, ...]
    over_time: tuple[OverTime, ...]
    outcomes: tuple[Outcome, ...]
    earlier: tuple[Earlier, ...]
    thin: tuple[Thin, ...]
    opens_counted: bool
    clicks_counted: bool
    followed: tuple[Followed, ...]
    to_mend: tuple[Mend, ...]
    notes: tuple[str, ...]
    have_read: tuple[HaveRead, ...] = ()

    @property
    def consent_share(self) -> float | None:
        """The share of recipients who agreed to be counted, from 0 to 1; None where hidden."""
        agreed, all_ = self.overall.reach.agreed.number, self.overall.recipients.number
        return agreed / all_ if agreed is not None and all_ else None
