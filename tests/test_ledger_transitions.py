"""The steps of campaigns, batches and deliveries: each leads from its states and no other."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import CheckConstraint, Engine, Table, update

from newsletter_mailer.sending.transitions import (
    FINAL,
    AnyStep,
    BatchStep,
    CampaignStep,
    DeliveryStep,
    may,
    taking,
)
from newsletter_mailer.store.engine import reading, writing
from newsletter_mailer.store.tables import batch, campaign, delivery
from tests.databases import BOTH, chosen
from tests.ledgers import Ledger, open_ledger

STATES = {
    CampaignStep: ("scheduled", "sending", "paused", "done", "cancelled"),
    BatchStep: ("ready", "running", "done"),
    DeliveryStep: (
        "pending",
        "sending",
        "sent",
        "deferred",
        "failed",
        "in_doubt",
        "suppressed",
        "skipped",
    ),
}

TABLES: dict[type[AnyStep], tuple[Table, str]] = {
    CampaignStep: (campaign, "state"),
    BatchStep: (batch, "state"),
    DeliveryStep: (delivery, "status"),
}

EXPECTED: dict[AnyStep, tuple[str, str]] = {
    CampaignStep.START: ("scheduled", "sending"),
    CampaignStep.PAUSE: ("scheduled sending", "paused"),
    CampaignStep.RESUME: ("paused", "sending"),
    CampaignStep.AWAIT: ("paused", "scheduled"),
    CampaignStep.CANCEL: ("scheduled sending paused", "cancelled"),
    CampaignStep.FINISH: ("sending", "done"),
    CampaignStep.REOPEN: ("done", "sending"),
    BatchStep.TAKE: ("ready running", "running"),
    BatchStep.CLOSE: ("running", "done"),
    BatchStep.REOPEN: ("running done", "ready"),
    DeliveryStep.CLAIM: ("pending deferred", "sending"),
    DeliveryStep.ACCEPT: ("sending in_doubt", "sent"),
    DeliveryStep.REJECT: ("sending in_doubt", "failed"),
    DeliveryStep.DEFER: ("sending in_doubt", "deferred"),
    DeliveryStep.RELEASE: ("sending in_doubt", "pending"),
    DeliveryStep.DOUBT: ("sending", "in_doubt"),
    DeliveryStep.RECALL: ("sent sending in_doubt", "pending"),
    DeliveryStep.CONFIRM: ("pending sending deferred in_doubt", "sent"),
    DeliveryStep.SUPPRESS: ("pending deferred", "suppressed"),
    DeliveryStep.CANCEL: ("pending deferred", "skipped"),
    DeliveryStep.SETTLE_SENT: ("in_doubt", "sent"),
    DeliveryStep.SETTLE_FAILED: ("in_doubt", "failed"),
    DeliveryStep.SETTLE_RESEND: ("in_doubt", "pending"),
    DeliveryStep.SETTLE_SKIP: ("in_doubt", "skipped"),
}
"""What the design allows, written down a second time."""


@pytest.fixture(scope="module", params=BOTH)
def ledger(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Ledger]:
    """A campaign to one person, so that each table holds one row."""
    with chosen(request.param, request):
        made = open_ledger(tmp_path_factory.mktemp("ledger"), 1)
        yield made
        made.engine.dispose()


def moved(engine: Engine, step: AnyStep, state: str) -> str:
    """What a row in `state` is in after the step was tried."""
    table, column = TABLES[type(step)]
    with writing(engine) as connection:
        connection.execute(update(table).values({column: state}))
        connection.execute(update(table).where(may(step)).values(taking(step)))
    with reading(engine) as connection:
        found: str = connection.execute(table.select()).one()._mapping[column]  # noqa: SLF001 - SQLAlchemy's documented name
    return found


def test_every_step_is_expected() -> None:
    """No step exists that the list here does not name, nor the other way round."""
    assert set(EXPECTED) == {*CampaignStep, *BatchStep, *DeliveryStep}


@pytest.mark.parametrize("step", EXPECTED, ids=str)
def test_a_step_leads_from_exactly_its_states(ledger: Ledger, step: AnyStep) -> None:
    """From each of its states it leads to its target; a row in any other state stays."""
    sources, target = EXPECTED[step]
    for state in STATES[type(step)]:
        expected = target if state in sources.split() else state
        assert moved(ledger.engine, step, state) == expected


@pytest.mark.parametrize("kind", STATES, ids=lambda kind: kind.__name__)
def test_the_states_are_those_that_the_database_allows(kind: type[AnyStep]) -> None:
    """The table's check names exactly the states that the steps know."""
    table, column = TABLES[kind]
    (check,) = (
        str(each.sqltext)
        for each in table.constraints
        if isinstance(each, CheckConstraint) and str(each.sqltext).startswith(f"{column} ")
    )
    assert sorted(check.split("'")[1::2]) == sorted(STATES[kind])


def test_nothing_leads_out_of_an_end() -> None:
    """What is final moves only out of doubt, or when a provider gives back what it held back."""
    assert set(DeliveryStep.RECALL.value.sources) & set(FINAL) == {"sent", "in_doubt"}
    steps = set(DeliveryStep) - {DeliveryStep.RECALL}
    left = {source for step in steps for source in step.value.sources}
    assert left & set(FINAL) == {"in_doubt"}
    assert left | set(FINAL) == set(STATES[DeliveryStep])


@pytest.mark.usefixtures("database")
def test_a_frozen_campaign_is_ready(tmp_path: Path) -> None:
    """A frozen campaign begins with all its deliveries pending, in ready batches."""
    made = open_ledger(tmp_path, 5, batch_size=2)
    assert set(made.statuses().values()) == {"pending"}
    assert [row.state for row in made.batches()] == ["ready"] * 3
    made.engine.dispose()
