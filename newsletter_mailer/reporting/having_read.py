"""How many say that they have read an article, by agency, without small groups.

Somebody who pressed that button has got the mail. So those who pressed are told apart from the
others whom it reached, and both must be large enough; what is not published of all agencies
together must be so as well.
"""

from collections.abc import Iterable, Mapping

from newsletter_mailer.reading.agencies import Registry
from newsletter_mailer.reporting.choosing import Table
from newsletter_mailer.reporting.disclosure import Cut, publish
from newsletter_mailer.reporting.report import HaveRead, ReadRow
from newsletter_mailer.reporting.shown import FEW, HIDDEN, SMALLEST, Shown
from newsletter_mailer.reporting.tally import Tally, total
from newsletter_mailer.tracking.read import ReadArticle

_PRESSED = "agreed"
"""Those who pressed take the place of those who agreed in a tally: a part of the recipients."""


def have_read(
    articles: Iterable[ReadArticle],
    tallies: Mapping[str, Tally],
    made: Table,
    registry: Registry,
) -> tuple[HaveRead, ...]:
    """What is published of each article with a button, in the rows of the one table."""
    return tuple(_article(each, tallies, made, registry) for each in articles)


def _article(
    article: ReadArticle, tallies: Mapping[str, Tally], made: Table, registry: Registry
) -> HaveRead:
    pressed: dict[str, int] = {}
    for agency, people in article.people.items():
        id_ = registry.agency(agency).id
        pressed[id_] = pressed.get(id_, 0) + people
    of_agency = {
        id_: Tally(tally.recipients - tally.not_arrived, pressed.get(id_, 0))
        for id_, tally in tallies.items()
    }
    whole = total(of_agency.values())
    cut = Cut(_PRESSED, "recipients", None, nought_inside=not whole.agreed, nought_outside=False)
    parts: dict[str, Tally] = {}
    for id_, tally in of_agency.items():
        if id_ in made.group_of:
            row = made.group_of[id_]
            parts[row] = parts.get(row, Tally()) + tally
    told = cut.may_cut(whole)
    by_row = publish(parts, frozenset({_PRESSED} if told else ()), (cut,))
    return HaveRead(
        article.article,
        article.title,
        _of_all(whole, told=told),
        tuple(
            ReadRow(
                row.id,
                row.name,
                Shown.exactly(parts[row.id].agreed) if by_row[row.id] else HIDDEN,
            )
            for row in made.rows
        ),
    )


def _of_all(whole: Tally, *, told: bool) -> Shown:
    if told:
        return Shown.exactly(whole.agreed)
    return FEW if 0 < whole.agreed < SMALLEST <= whole.recipients - whole.agreed else HIDDEN
