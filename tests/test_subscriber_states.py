"""Subscribers over time: whatever comes in whatever order, nobody who left is mailed."""

import datetime as dt
import shutil
from pathlib import Path
from tempfile import mkdtemp

from hypothesis import settings as trying
from hypothesis import strategies as some
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from sqlalchemy import insert, select

from newsletter_mailer.audience import joining, leaving, preferences
from newsletter_mailer.audience.importing import import_subscribers
from newsletter_mailer.audience.joining import Joined, Wish
from newsletter_mailer.audience.segment import Segment
from newsletter_mailer.mailbox import address_key
from newsletter_mailer.sending.erasing import erase
from newsletter_mailer.sending.recipients import recipients
from newsletter_mailer.store.engine import reading, writing
from newsletter_mailer.store.tables import subscriber, suppression
from newsletter_mailer.store.web_tables import signup
from tests.ledgers import settings_for, small_email, store_of
from tests.projects import small_registry

KEY = "k" * 40
START = dt.datetime(2031, 3, 3, 9, 0, tzinfo=dt.UTC)
PEOPLE = ("a@example.org", "b@example.org")
people = some.sampled_from(PEOPLE)


class Subscribers(RuleBasedStateMachine):
    """The real store, driven at random, beside a plain model of who may be mailed.

    The model knows one thing: whether the last word of an address's owner, or of their
    provider, was that they do not want mail. Only the owner's own button takes that back.
    """

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(mkdtemp())
        self.engine = store_of(settings_for(self.folder))
        self.now = START
        self.left: set[str] = set()
        self.unreachable: set[str] = set()
        self.kept_off: set[str] = set()
        self.paused: dict[str, dt.datetime] = {}

    def teardown(self) -> None:
        """Leave nothing behind."""
        self.engine.dispose()
        shutil.rmtree(self.folder)

    def _id(self, who: str) -> int | None:
        with reading(self.engine) as connection:
            found = select(subscriber.c.id).where(subscriber.c.email_key == address_key(who))
            return connection.scalar(found)

    @rule(
        who=people, status=some.sampled_from(["", "active", "unsubscribed"]), upper=some.booleans()
    )
    def import_them(self, who: str, status: str, *, upper: bool) -> None:
        """The office imports a file with this address, in any spelling."""
        file = self.folder / "people.csv"
        local, _, domain = who.partition("@")
        address = f"{local.upper() if upper else local}@{domain}"
        file.write_text(f"email,name,agency,status\n{address},Name,gp,{status}\n", encoding="utf-8")
        import_subscribers(
            self.engine,
            file,
            small_registry(),
            now=self.now,
            keys=(KEY,),
            on_rejected=lambda _row: None,
            progress=lambda _number: None,
        )
        if status == "unsubscribed":
            self.left.add(who)

    @rule(who=people)
    def sign_up(self, who: str) -> None:
        """Anybody enters the address into the form. That alone brings nobody back."""
        self.now += dt.timedelta(minutes=11)
        wish = Wish(who, "", "gp", "", False, "2026-1", "network")
        with writing(self.engine) as connection:
            joining.ask(connection, wish, nonce=str(self.now), now=self.now, most_a_day=1_000)

    @rule(who=people)
    def confirm(self, who: str) -> None:
        """The owner presses the button of the newest confirmation, if one was mailed."""
        with writing(self.engine) as connection:
            row = connection.execute(select(signup).where(signup.c.email_key == who)).one_or_none()
            if row is None:
                return
            found, _ = joining.confirm(
                connection, row.id, row.nonce, office="Office", keys=(KEY,), now=self.now
            )
        if found is Joined.CONFIRMED:
            self.left.discard(who)
            self.unreachable.discard(who)
            self.paused.pop(who, None)

    @rule(who=people)
    def unsubscribe(self, who: str) -> None:
        """A link, a one-click POST or a mail to the office."""
        with writing(self.engine) as connection:
            if leaving.unsubscribe(connection, who, now=self.now):
                self.left.add(who)

    @rule(who=people)
    def undo(self, who: str) -> None:
        """The button on the page that said they had left."""
        id_ = self._id(who)
        if id_ is None:
            return
        with writing(self.engine) as connection:
            if leaving.undo(connection, id_, now=self.now, way="test"):
                self.left.discard(who)

    @rule(who=people, reason=some.sampled_from(["bounce", "complaint", "office"]))
    def suppress(self, who: str, reason: str) -> None:
        """A bounce, a complaint, or the office's own word."""
        with writing(self.engine) as connection:
            known = connection.scalar(
                select(suppression.c.reason).where(suppression.c.email_key == who)
            )
            if known is None:
                connection.execute(
                    insert(suppression).values(email_key=who, reason=reason, since=self.now)
                )
                (self.unreachable if reason == "bounce" else self.kept_off).add(who)

    @rule(who=people, days=some.integers(1, 30))
    def pause(self, who: str, days: int) -> None:
        """The owner pauses."""
        id_ = self._id(who)
        if id_ is None:
            return
        with writing(self.engine) as connection:
            found = preferences.find(connection, id_, self.now)
            assert found is not None
            self.paused[who] = self.now + dt.timedelta(days=days)
            preferences.pause(connection, found, self.paused[who], self.now)

    @rule(who=people)
    def erase_them(self, who: str) -> None:
        """The owner is erased; no import may bring them back."""
        id_ = self._id(who)
        if id_ is None:
            return
        with writing(self.engine) as connection:
            erase(connection, [id_], KEY, "test", "test", self.now)
        self.left.add(who)
        # What was held against the address goes with it.
        self.unreachable.discard(who)
        self.kept_off.discard(who)
        self.paused.pop(who, None)

    @precondition(lambda self: self.now < START + dt.timedelta(days=300))
    @rule(hours=some.sampled_from([0.2, 2, 200]))
    def time_passes(self, hours: float) -> None:
        """Links expire, and pauses end."""
        self.now += dt.timedelta(hours=hours)

    @invariant()
    def nobody_who_left_is_mailed(self) -> None:
        """The real selection of an audience has none of them."""
        email = small_email()
        chosen = recipients("07", Segment((), ()), (email,), small_registry(), now=self.now)
        with reading(self.engine) as connection:
            mailed = set(connection.scalars(select(subscriber.c.email).where(chosen.chosen)))
        mailed = {address_key(address) for address in mailed}
        paused = {who for who, until in self.paused.items() if until > self.now}
        assert not mailed & (self.left | self.unreachable | self.kept_off | paused)


TestSubscribers = Subscribers.TestCase
TestSubscribers.settings = trying(max_examples=25, stateful_step_count=20, deadline=None)
