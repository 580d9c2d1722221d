"""What became of a campaign's mail, and what there is to mend, without small groups.

How much arrived nowhere is a fact that the office must prove, and the certificate does, exactly.
A report goes to a board: it says "fewer than five" of these as well.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from newsletter_mailer.reporting.disclosure import NOT_ARRIVED, Published
from newsletter_mailer.reporting.report import Mend, Outcome
from newsletter_mailer.reporting.shown import FEW, HIDDEN, SMALLEST, Shown
from newsletter_mailer.reporting.tally import Tally, arrived

_MOST_OF_FEW = SMALLEST - 1

NAMES: Mapping[str, str] = {
    "delivered": "delivered, as its mail server confirmed",
    "unheard": "handed over, nothing more was heard",
    "complained": "delivered, and reported as spam",
    "bounced": "came back: the address is dead",
    "soft_bounced": "came back for now",
    "blocked": "turned away for a reason that lies with us",
    "dropped": "not delivered by the provider",
    "failed": "refused while it was being sent",
    "suppressed": "not sent: left or found dead meanwhile",
    "skipped": "not sent: cancelled or decided so",
    "in_doubt": "in doubt",
    "waiting": "still to be sent",
}
"""Each outcome in words, in the order in which reports list them."""


@dataclass(frozen=True, slots=True)
class _Advice:
    key: str
    name: str
    advice: str


_ADVICE = (
    _Advice("bounced", "dead addresses", "They get nothing more. Ask the agency for new ones."),
    _Advice(
        "soft_bounced",
        "came back for now",
        "A full mailbox or a server that was down: the next issue tries again.",
    ),
    _Advice(
        "blocked",
        "turned away",
        "It lies with us, not with the readers: run newsletter doctor.",
    ),
    _Advice(
        "dropped",
        "not delivered by the provider",
        "The provider has these addresses on a list of its own: look there.",
    ),
    _Advice(
        "failed",
        "refused while it was being sent",
        "Look at the reasons: a wrong address is mended in the list of subscribers.",
    ),
    _Advice("in_doubt", "in doubt", "Look in the mail server's log, and settle them."),
)


def outcomes(counts: Mapping[str, int], whole: Tally, published: Published) -> tuple[Outcome, ...]:
    """What became of everybody in a campaign, for whom these cuts are published."""
    shown = _shown(counts, whole, published)
    return tuple(Outcome(key, name, arrived(key), shown[key]) for key, name in NAMES.items())


def to_mend(made: tuple[Outcome, ...], campaign: str) -> tuple[Mend, ...]:
    """What the office can do something about, and the command that lists it by address."""
    people = {each.key: each.people for each in made}
    lists = {"in_doubt": f"newsletter in-doubt {campaign}"}
    return tuple(
        Mend(
            each.key,
            each.name,
            people[each.key],
            each.advice,
            lists.get(each.key, f"newsletter bounces {campaign}"),
        )
        for each in _ADVICE
        if people[each.key].number != 0
    )


def _shown(counts: Mapping[str, int], whole: Tally, published: Published) -> dict[str, Shown]:
    lost = {key: counts.get(key, 0) for key in NAMES if not arrived(key)}
    got = {key: counts.get(key, 0) for key in NAMES if arrived(key)}
    if whole.recipients and NOT_ARRIVED in published:
        return _divided(lost) | _divided(got)
    if 0 < whole.not_arrived < SMALLEST <= whole.recipients:
        return _few(lost) | _divided(got, hiding=whole.not_arrived)
    return dict.fromkeys(NAMES, HIDDEN)


def _few(parts: Mapping[str, int]) -> dict[str, Shown]:
    """Parts of a whole of 1 to 4 that is not shown. Four of them would be one each."""
    if sum(1 for people in parts.values() if people) == _MOST_OF_FEW:
        return dict.fromkeys(parts, HIDDEN)
    return {key: FEW if people else Shown.exactly(0) for key, people in parts.items()}


def _divided(parts: Mapping[str, int], hiding: int = 0) -> dict[str, Shown]:
    """All parts of a whole whose size is known, or known but for a few that it is `hiding`.

    Small parts must not follow from their sum: so there are several of them, not all with
    the fewest or the most people they can have, or the next larger part is hidden too.
    """
    small = [key for key, people in parts.items() if 0 < people < SMALLEST]
    shown = {key: Shown.exactly(people) for key, people in parts.items()}
    shown |= dict.fromkeys(small, FEW)
    if not small and not hiding:
        return shown
    people, highest = sum(parts[key] for key in small), len(small) * _MOST_OF_FEW
    if not hiding and people >= SMALLEST and len(small) < people < highest:
        return shown
    large = [key for key, people in parts.items() if people >= SMALLEST]
    if not large:
        return dict.fromkeys(parts, HIDDEN)
    beside = min(large, key=lambda key: parts[key])
    together = people + hiding + parts[beside]
    least = together - highest - (_MOST_OF_FEW if hiding else 0)
    shown[beside] = HIDDEN
    if least >= SMALLEST:
        shown[beside] = Shown(None, f"{least:,} or more", least, together)
    return shown
