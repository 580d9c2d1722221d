"""Provider events: proved, counted once, and the same in the end in whatever order they come."""

import datetime as dt
import json
import os
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import insert

from newsletter_mailer.errors import SettingsError
from newsletter_mailer.sending.campaign import find_campaign
from newsletter_mailer.sending.certificate import certify
from newsletter_mailer.settings import Settings
from newsletter_mailer.store.engine import reading, writing
from newsletter_mailer.store.staging_tables import staged_batch
from newsletter_mailer.store.tables import delivery, subscriber
from newsletter_mailer.store.tracking_tables import feedback, provider_event
from newsletter_mailer.tracking.bounces import bounce_of
from newsletter_mailer.tracking.consequences import CONSEQUENCES, FeedbackStep
from newsletter_mailer.tracking.events import Kind
from newsletter_mailer.tracking.providers.choosing import providers_of
from tests.event_model import SOFT_DAYS, SOFT_LIMIT, generate
from tests.ledgers import NOW
from tests.tracked import Desk, Sendgrid, event, open_desk, post, report

EVENTS = int(os.environ.get("TRACKING_EVENTS", "20000"))
"""200000 for the whole claim; it takes ten times as long."""

SAMPLE = Path(__file__).parent / "fixtures" / "sendgrid-sample.json"

# Published with SendGrid's own library for Python, to try a verifier with.
PUBLISHED_KEY = (
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE83T4O/n84iotIvIW4mdBgQ/7dAfSmpqIM8kF9mN1flpVKS3GRqe62gw+"
    "2fNNRaINXvVpiglSI8eNEc6wEA3F+g=="
)
PUBLISHED_HEADERS = {
    "X-Twilio-Email-Event-Webhook-Signature": (
        "MEUCIGHQVtGj+Y3LkG9fLcxf3qfI10QysgDWmMOVmxG0u6ZUAiEAyBiXDWzM+uOe5W0JuG+luQAbPIqHh89M15Tl"
        "uLtEZtM="
    ),
    "X-Twilio-Email-Event-Webhook-Timestamp": "1600112502",
}
PUBLISHED_BODY = (
    b'[{"email":"hello@world.com","event":"dropped","reason":"Bounced Address",'
    b'"sg_event_id":"ZHJvcC0xMDk5NDkxOS1MUnpYbF9OSFN0T0doUTRrb2ZTbV9BLTA",'
    b'"sg_message_id":"LRzXl_NHStOGhQ4kofSm_A.filterdrecv-p3mdw1-756b745b58-kmzbl-18-5F5FC76C-9.0"'
    b',"smtp-id":"<LRzXl_NHStOGhQ4kofSm_A@ismtpd0039p1iad1.sendgrid.net>",'
    b'"timestamp":1600112492}]\r\n'
)


@pytest.fixture
def provider() -> Sendgrid:
    """The provider with a key of its own."""
    return Sendgrid()


@pytest.fixture
def desk(tmp_path: Path, database: str, provider: Sendgrid) -> Iterator[Desk]:  # noqa: ARG001 - it sets the URL
    """Twelve people in three campaigns, and the provider's key."""
    made = open_desk(tmp_path, 12, campaigns=3, sendgrid_keys=(provider.public,))
    yield made
    made.engine.dispose()


def test_the_published_signature_is_good(tmp_path: Path) -> None:
    """SendGrid's own example verifies to the byte, and not with its line end cut off."""
    desk = open_desk(tmp_path, 1, sendgrid_keys=(PUBLISHED_KEY,))
    desk.at = dt.datetime.fromtimestamp(1600112502, dt.UTC)
    requests = [
        (PUBLISHED_BODY, PUBLISHED_HEADERS),
        (PUBLISHED_BODY.rstrip(), PUBLISHED_HEADERS),
        (PUBLISHED_BODY.replace(b"dropped", b"bounced"), PUBLISHED_HEADERS),
    ]
    assert post(desk, requests) == [204, 403, 403]
    (kept,) = desk.rows(provider_event)
    assert kept.campaign_id is None
    assert kept.raw is None
    desk.engine.dispose()


def test_the_published_events_are_understood(desk: Desk, provider: Sendgrid) -> None:
    """Each event of SendGrid's reference moves the delivery that it names as it should."""
    sample = json.loads(SAMPLE.read_text(encoding="utf-8"))
    assert report(desk, provider, *sample) == 204
    assert len(desk.rows(provider_event)) == 1, "they share one id and one second as published"
    named = [
        {**each, "sg_event_id": str(n), "campaign": "token1", "delivery": str(n)}
        for n, each in enumerate(sample, start=1)
    ]
    assert report(desk, provider, *named) == 204
    assert desk.states() == {
        1: "processed",
        2: "deferred",
        3: "delivered",
        4: "delivered",
        5: "delivered",
        6: "soft_bounced",  # the published one has no type, and 5.0.0 says nothing of the address
        7: "dropped",
        8: "complained",
        9: "delivered",
        10: "delivered",
    }
    assert desk.suppressed() == {
        "reader7@example.org": "bounce",
        "reader8@example.org": "complaint",
    }
    gone = {row.id for row in desk.rows(subscriber) if row.status == "unsubscribed"}
    assert gone == {9, 10}
    for row in desk.rows(provider_event):
        assert not {"email", "ip", "useragent"} & set(row.raw or {})


def test_any_order_gives_what_the_model_says(
    tmp_path: Path, database: str, provider: Sendgrid
) -> None:
    """Events in random order, a fifth of them twice, forged and altered ones between: the model's.

    States, suppressions, who left, what the ledger says, and which events were kept.
    """
    number = EVENTS if database == "sqlite" else EVENTS // 4
    people = max(200, number // 10)
    desk = open_desk(
        tmp_path, people, campaigns=4, sendgrid_keys=(provider.public,),
        soft_bounces=SOFT_LIMIT, soft_days=SOFT_DAYS,
    )  # fmt: skip
    for at, status in enumerate(
        ("in_doubt", "sending", "deferred", "pending", "failed", "skipped")
    ):
        desk.set_status(status, at + 1, at + 11, at + 21, at + 31)
    before = {(r.campaign_id, r.subscriber_id): r.status for r in desk.rows(delivery)}
    requests, model = generate(number, people, 4, provider, seed=8)
    answers = post(desk, ((each.body, each.headers) for each in requests))
    assert answers == [204 if each.good else 403 for each in requests]
    assert {(r.campaign_id, r.subscriber_id): r.state for r in desk.rows(feedback)} == model.states
    assert desk.suppressed() == model.suppressed()
    gone = {row.id for row in desk.rows(subscriber) if row.status == "unsubscribed"}
    assert gone == model.left
    assert {row.event_id for row in desk.rows(provider_event)} == model.ids
    assert len(desk.rows(provider_event)) == len(model.ids)
    moved = {"in_doubt", "sending", "deferred", "pending"}
    assert {(r.campaign_id, r.subscriber_id): r.status for r in desk.rows(delivery)} == {
        key: "sent" if key in model.touched and status in moved else status
        for key, status in before.items()
    }
    assert len(model.suppressed()) > len(model.reasons), "some for soft bounces alone"
    assert len(model.left) > 5
    desk.engine.dispose()


def test_an_event_settles_what_is_in_doubt(desk: Desk, provider: Sendgrid) -> None:
    """A report on a letter in doubt, or before our own commit, says it was sent; sums hold."""
    desk.set_status("in_doubt", 1, 2)
    desk.set_status("sending", 3)
    desk.set_status("failed", 4)
    events = [event("processed", 1), event("bounce", 3, status="5.1.1"), event("delivered", 4)]
    assert report(desk, provider, *events) == 204
    statuses = desk.statuses()
    assert [statuses[n] for n in (1, 2, 3, 4)] == ["sent", "in_doubt", "sent", "failed"]
    with reading(desk.engine) as connection:
        found = certify(connection, find_campaign(connection, "issue-1"))
    assert found.adds_up
    assert found.outcomes == {
        "accepted": 10, "failed": 1, "suppressed": 0, "skipped": 0, "in doubt": 1,
    }  # fmt: skip


def test_a_late_event_does_not_send_what_was_recalled(desk: Desk, provider: Sendgrid) -> None:
    """What was taken back before it left stays pending until something proves that it did leave.

    That the provider has it, waits or threw it away is said of recalled letters too; that it
    arrived, came back or was opened is not. Elsewhere the first of these is proof enough.
    """
    with writing(desk.engine) as connection:
        connection.execute(
            insert(staged_batch).values(
                campaign_id=1, number=1, batch_id="b", state="recalled", send_at=NOW, begun_at=NOW
            )
        )
    desk.set_status("pending", *range(1, 11))
    held = [event(word, n) for n, word in enumerate(("processed", "deferred", "dropped"), start=1)]
    left = [
        event(word, n)
        for n, word in enumerate(("delivered", "open", "click", "bounce", "spamreport"), start=4)
    ]
    both = [event("delivered", 9), event("processed", 9)]
    assert report(desk, provider, *held, *left, *both) == 204
    statuses = desk.statuses()
    assert [statuses[n] for n in range(1, 11)] == ["pending"] * 3 + ["sent"] * 6 + ["pending"]
    assert desk.states()[1] == "processed", "it is noted all the same"
    assert report(desk, provider, event("processed", 1, "e2", campaign="token2")) == 204
    of_second = {
        row.subscriber_id: row.status for row in desk.rows(delivery) if row.campaign_id == 2
    }
    assert (of_second[1], of_second[2]) == ("sent", "pending")
    assert report(desk, provider, event("delivered", 1)) == 204
    assert desk.statuses()[1] == "sent"


def test_a_key_can_be_changed(desk: Desk, provider: Sendgrid) -> None:
    """With the old and the new key set, requests signed with either are good."""
    new = Sendgrid()
    keys = {"sendgrid_keys": (provider.public, new.public)}
    tracking = desk.settings.tracking.model_copy(update=keys)
    both = Desk(desk.engine, desk.settings.model_copy(update={"tracking": tracking}))
    assert report(both, provider, event("delivered", 1)) == 204
    assert report(both, new, event("delivered", 2)) == 204
    assert report(desk, new, event("delivered", 2)) == 403


def test_a_replay_changes_nothing(desk: Desk, provider: Sendgrid) -> None:
    """A recorded request is good for 25 hours and does nothing twice; later it is refused."""
    body = json.dumps([event("delivered", 1)]).encode()
    headers = provider.headers(body, NOW)
    assert post(desk, [(body, headers), (body, headers)]) == [204, 204]
    assert len(desk.rows(provider_event)) == 1
    desk.at = NOW + dt.timedelta(hours=25, minutes=1)
    assert post(desk, [(body, headers)]) == [403]
    desk.at = NOW - dt.timedelta(minutes=11)
    assert post(desk, [(body, headers)]) == [403]


def test_what_is_malformed_is_refused_or_kept(desk: Desk, provider: Sendgrid) -> None:
    """Signed nonsense is refused; among good events it does not keep them from counting."""
    for body in (b"", b"{}", b"[", b"\xff\xfe", b'"x"'):
        assert post(desk, [(body, provider.headers(body, NOW))]) == [400]
    strange: list[object] = [
        1, None, [], {}, {"event": 1}, {"sg_event_id": "x"}, event("delivered", 1),
        event("delivered", 2, campaign="1; DROP TABLE delivery"), event("open", 3, ip=[1]),
        event("delivered", 4, campaign="token1", delivery=4), event("bounce", 5, status=None),
        event("delivered", 6, timestamp="soon"), event("delivered", 7, timestamp=10**14),
        event("processed", 8, reason="\x00"), event("x" * 5_000, 9),
        event("deferred", 10, response="half a sign: \ud83d"), event("delivered", 11, "\x00\udc00"),
    ]  # fmt: skip
    body = json.dumps(strange).encode()
    assert post(desk, [(body, provider.headers(body, NOW))]) == [204]
    assert desk.states() == {
        1: "delivered", 3: "delivered", 4: "delivered", 5: "soft_bounced", 7: "delivered",
        8: "processed", 10: "deferred", 11: "delivered",
    }  # fmt: skip
    assert post(desk, [(b"[]", {})], hook="nobody") == [404]
    huge = b"[" + b" " * (9 * 1024 * 1024) + b"]"
    assert post(desk, [(huge, provider.headers(huge, NOW))]) == [413]


def test_soft_bounces_count_towards_a_limit(desk: Desk, provider: Sendgrid) -> None:
    """One soft bounce suppresses nobody, however often it is reported; three letters' do."""
    again = [event("bounce", 1, f"a{n}", status="5.2.2", type="blocked") for n in range(9)]
    assert report(desk, provider, *again) == 204
    assert desk.suppressed() == {}
    for campaign in ("2", "3"):
        assert desk.suppressed() == {}
        more = event(
            "bounce", 1, f"c{campaign}", status="5.2.2", type="blocked", campaign=f"token{campaign}"
        )
        assert report(desk, provider, more) == 204
    assert desk.suppressed() == {"reader1@example.org": "bounce"}


def test_our_own_faults_suppress_nobody(desk: Desk, provider: Sendgrid) -> None:
    """Policy, reputation, content, authentication, size: no address is to blame, ever."""
    codes = ["5.7.1", "5.7.26", "5.7.515", "5.7.0", "5.3.4", "5.5.1", "5.1.8", "5.7.23"]
    for campaign in ("1", "2", "3"):
        events = [
            event("bounce", n + 1, f"{campaign}-{n}", status=code, campaign=f"token{campaign}",
                  type="bounce" if n % 2 else "blocked")
            for n, code in enumerate(codes)
        ]  # fmt: skip
        assert report(desk, provider, *events) == 204
    assert desk.suppressed() == {}
    assert set(desk.states().values()) == {"blocked"}


def test_a_key_that_is_none_is_refused(settings: Settings) -> None:
    """A mistyped key is named when the pages start, not met in silence by each event."""
    for key in ("no key", "TUZrd0V3", Sendgrid().public[:-8]):
        changed = settings.tracking.model_copy(update={"sendgrid_keys": (key,)})
        with pytest.raises(SettingsError, match="sendgrid_keys"):
            providers_of(settings.model_copy(update={"tracking": changed}))


def test_every_kind_has_its_consequence() -> None:
    """No kind of event is forgotten, and each step leads on from all states before it."""
    assert set(CONSEQUENCES) == set(Kind)
    steps = [step.value for step in FeedbackStep]
    for at, step in enumerate(steps):
        assert step.sources == tuple(earlier.target for earlier in steps[:at])


@given(st.lists(st.sampled_from(list(FeedbackStep)), max_size=12), st.randoms())
def test_the_order_of_steps_does_not_matter(steps: list[FeedbackStep], chance: Random) -> None:
    """Any order of the same steps ends in the same state."""

    def end(taken: list[FeedbackStep]) -> str:
        state = ""
        for step in taken:
            if not state or state in step.value.sources:
                state = step.value.target
        return state

    mixed = list(steps)
    chance.shuffle(mixed)
    assert end(steps) == end(mixed)


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("5.1.1", Kind.BOUNCED), ("5.1.10", Kind.BOUNCED), ("5.2.1", Kind.BOUNCED),
        ("5.1.2", Kind.BOUNCED), ("5.2.2", Kind.SOFT_BOUNCED), ("4.2.2", Kind.SOFT_BOUNCED),
        ("4.7.1", Kind.SOFT_BOUNCED), ("5.7.1", Kind.BLOCKED), ("5.3.4", Kind.BLOCKED),
        ("5.0.0", Kind.SOFT_BOUNCED), ("", Kind.SOFT_BOUNCED), ("550", Kind.SOFT_BOUNCED),
    ],
)  # fmt: skip
def test_codes_are_judged(code: str, kind: Kind) -> None:
    """Only a code that names the address is a bounce of it; what lies with us is blocked."""
    assert bounce_of(code) is kind
