"""Rates: never more letters than the settings allow, in no second and in no hour."""

import bisect
import datetime as dt
import random
import threading
import time
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

import pytest
from sqlalchemy import Engine, select

from newsletter_mailer.sending.rate import Limit, hold, limits, reserve
from newsletter_mailer.store.engine import open_store, writing
from newsletter_mailer.store.tables import rate_bucket
from tests.ledgers import NOW, settings_for, store_of

_GRAIN = 1e-3
"""Seconds by which a window is drawn in, so that sums of fractions need not be exact."""


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    """A database."""
    made = store_of(settings_for(tmp_path))
    yield made
    made.dispose()


def most_in(moments: Sequence[float], window: float) -> int:
    """The most letters that left in any window of so many seconds."""
    ordered = sorted(moments)
    return max(
        bisect.bisect_left(ordered, moment + window - _GRAIN) - at
        for at, moment in enumerate(ordered)
    )


def simulate(
    engine: Engine,
    wanted: tuple[Limit, ...],
    group: int,
    hours: float,
    *,
    workers: int = 1,
    idle: Sequence[float] = (),
    seed: int = 0,
) -> list[float]:
    """When letters leave if each worker reserves its next group as soon as one has begun.

    That is what the feed does: one group is on its way, and the next reserved. Each worker
    stands still for a random one of the `idle` seconds between its groups. They do all this in
    one transaction, which spares thousands; the row is read from the database each time.
    """
    chance = random.Random(seed)  # noqa: S311 - a simulation
    moments: list[float] = []
    ready = [0.0] * workers
    now = 0.0
    with writing(engine) as connection:
        while now < hours * 3600:
            worker = min(range(workers), key=lambda each: ready[each])
            now = max(now, ready[worker])
            number = chance.randint(1, group)
            slot = reserve(connection, wanted, number, NOW + dt.timedelta(seconds=now))
            begin = now + slot.wait
            moments += [begin + at * slot.apart for at in range(number)]
            ready[worker] = begin + (chance.choice(idle) if idle else 0.0)
    return [moment for moment in moments if moment < hours * 3600]


@pytest.mark.parametrize("workers", [1, 2, 5])
@pytest.mark.parametrize(
    ("per_second", "per_hour", "group"),
    [(5.0, None, 25), (0.5, None, 2), (None, 100, 1), (None, 2000, 5), (2.0, 3000, 4)],
)
def test_no_window_holds_more_than_is_allowed(
    engine: Engine, per_second: float | None, per_hour: int | None, group: int, workers: int
) -> None:
    """With several processes on one row every second keeps, and every hour of an hour and a half.

    The first is the hardest: in it goes what may go at once.
    """
    hours = 1.5 if per_hour else 0.2
    moments = simulate(engine, limits(per_second, per_hour), group, hours, workers=workers)
    if per_second:
        assert most_in(moments, 1.0) <= max(per_second, 1)
    if per_hour:
        assert most_in(moments, 3600.0) <= per_hour
        # The rate is not only kept, but used.
        assert len(moments) >= 0.85 * per_hour * hours
    else:
        assert per_second is not None
        assert len(moments) >= 0.95 * per_second * hours * 3600


def test_after_idle_times_no_hour_has_more(engine: Engine) -> None:
    """What was not used may come later, but only a tenth of an hour's letters at once."""
    idle = (0.0, 0.0, 20.0, 300.0)
    moments = simulate(engine, limits(None, 1000), 5, 4, workers=2, idle=idle, seed=6)
    assert most_in(moments, 3600.0) <= 1000
    assert most_in(moments, 1.0) <= 100 + 2


def test_a_tenth_of_an_hours_letters_go_at_once(engine: Engine) -> None:
    """A small list need not be spread over the hour."""
    with writing(engine) as connection:
        first = reserve(connection, limits(None, 1000), 90, NOW)
        later = reserve(connection, limits(None, 1000), 100, NOW)
    assert (first.wait, first.apart) == (0.0, 0.0)
    assert later.apart == pytest.approx(4.0)


@pytest.mark.parametrize("jump", [-3600.0, 3600.0, -60.0])
def test_a_clock_that_jumps_stops_nothing(engine: Engine, jump: float) -> None:
    """After an hour's jump back or on, the wait is what was reserved before, and no hour."""
    wanted = limits(2.0, 1000)
    with writing(engine) as connection:
        for _ in range(40):
            before = reserve(connection, wanted, 4, NOW)
        after = reserve(connection, wanted, 4, NOW + dt.timedelta(seconds=jump))
        again = reserve(connection, wanted, 4, NOW + dt.timedelta(seconds=jump))
    assert 0 <= after.wait <= before.wait + 20
    if jump < 0:
        assert after.wait > before.wait
        assert again.wait > after.wait


@pytest.mark.usefixtures("database")
def test_processes_that_share_a_row_share_its_rate(tmp_path: Path) -> None:
    """Four connections reserving at once get stretches that do not overlap."""
    settings = settings_for(tmp_path).model_copy(update={"database_wait": 60.0})
    open_store(settings).dispose()
    wanted = limits(1000.0, None)
    begins: list[float] = []

    def work() -> None:
        engine = open_store(settings)
        for _ in range(25):
            with writing(engine) as connection:
                now = dt.datetime.now(dt.UTC)
                wait = reserve(connection, wanted, 50, now).wait
                # By the clock that was gone by, which on PostgreSQL is the database's.
                begins.append(connection.execute(select(rate_bucket.c.written)).scalar_one() + wait)
            time.sleep(0.001)
        engine.dispose()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    ordered = sorted(begins)
    assert len(ordered) == 100
    assert all(b - a >= 0.05 - _GRAIN for a, b in pairwise(ordered))
    assert ordered[-1] - ordered[0] >= 99 * 0.05 - _GRAIN


def test_without_a_limit_nothing_is_reserved(engine: Engine) -> None:
    """No setting, no row, no wait."""
    with writing(engine) as connection:
        assert reserve(connection, limits(None, None), 200, NOW).wait == 0
        assert connection.exec_driver_sql("SELECT count(*) FROM rate_bucket").scalar() == 0


def test_a_hold_is_for_everybody(engine: Engine) -> None:
    """What the provider asks for delays whoever reserves next, with a limit or without."""
    with writing(engine) as connection:
        hold(connection, 30.0, NOW)
        hold(connection, 10.0, NOW)  # a shorter one takes nothing away
        assert reserve(connection, (), 10, NOW).wait == pytest.approx(30, abs=0.5)
    later = NOW + dt.timedelta(seconds=31)
    with writing(engine) as connection:
        assert reserve(connection, limits(10, None), 10, later).wait == 0
