"""Running a campaign on one machine: claim a group, send it, write down what became of it."""

import datetime as dt
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout
from sqlalchemy import Engine

from newsletter_mailer.audience.subscriber import first_name
from newsletter_mailer.errors import SendingError, TransportError
from newsletter_mailer.sending import ledger
from newsletter_mailer.sending.campaign import Campaign, images_of, variants_of
from newsletter_mailer.sending.ledger import Counts, Delivery
from newsletter_mailer.sending.message import Letterhead, MessageMaker, Recipient
from newsletter_mailer.sending.personal_links import PersonalLinks
from newsletter_mailer.sending.transports.contract import Outcome, Receipt, Transport
from newsletter_mailer.settings import Greeting, Settings
from newsletter_mailer.store.engine import reading, writing

Clock = Callable[[], dt.datetime]


@contextmanager
def sole_sender(folder: Path) -> Iterator[None]:
    """Hold the lock that lets one process at a time send.

    The lock goes with its process, however that ends.

    Raises:
        SendingError: another process holds it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / "sending.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise SendingError(
            "Another `newsletter send` is at work in this project. Wait for it, or stop it; "
            "`newsletter status` shows how far it is."
        ) from error
    try:
        yield
    finally:
        lock.release()


def run(
    engine: Engine,
    campaign: Campaign,
    transport: Transport,
    settings: Settings,
    links: PersonalLinks,
    *,
    clock: Clock,
    progress: Callable[[int], None],
) -> Counts:
    """Send what is left of a campaign, and return the counts at its end.

    `progress` hears how many deliveries are settled so far.

    Safe to be killed at any moment and run again: what was on its way is settled with
    the transport first, so nobody is skipped and nobody gets it twice.

    Raises:
        TransportError: the transport can take nothing; what it had not taken stays open.
    """
    makers = _makers(engine, campaign, settings)
    agencies = _agency_names(engine, campaign)
    recover(engine, campaign, transport, clock)
    with reading(engine) as connection:
        numbers = ledger.open_batches(connection, campaign.id)
        settled = ledger.count(connection, campaign.id).settled
    progress(settled)
    for number in numbers:
        while True:
            with writing(engine) as connection:
                claimed = ledger.claim(connection, campaign.id, number, clock())
            if claimed.group:
                messages = [
                    makers[one.variant].make(_recipient(one, agencies, campaign, links), clock())
                    for one in claimed.group
                ]
                try:
                    receipts = list(transport.send(messages))
                except TransportError:
                    recover(engine, campaign, transport, clock)
                    raise
                with writing(engine) as connection:
                    ledger.settle(connection, campaign.id, receipts, clock())
            settled += len(claimed.group) + claimed.suppressed
            progress(settled)
            if not claimed.group:
                break
    with writing(engine) as connection:
        ledger.finish(connection, campaign.id, clock())
        return ledger.count(connection, campaign.id)


def recover(engine: Engine, campaign: Campaign, transport: Transport, clock: Clock) -> None:
    """Settle what was on its way when a process died, by what the transport has taken."""
    with reading(engine) as connection:
        left = ledger.unsettled(connection, campaign.id)
    if not left:
        return
    taken = transport.accepted(left)
    with writing(engine) as connection:
        receipts = [Receipt(id_, Outcome.ACCEPTED) for id_ in left if id_ in taken]
        ledger.settle(connection, campaign.id, receipts, clock())
        ledger.release(connection, campaign.id, [id_ for id_ in left if id_ not in taken])


def merge_values(
    delivery: Delivery, agency_name: str, greeting: Greeting, urls: Mapping[str, str]
) -> dict[str, str]:
    """The value of each merge field for one reader, not yet escaped."""
    first = first_name(delivery.name)
    named = greeting.named.replace("{{first_name}}", first)
    return {
        "greeting": named if first else greeting.unnamed,
        "first_name": first or greeting.fallback_name,
        "name": delivery.name or greeting.fallback_name,
        "agency_name": agency_name,
        "email": delivery.email,
        **urls,
    }


def _recipient(
    delivery: Delivery, agencies: Mapping[str, str], campaign: Campaign, links: PersonalLinks
) -> Recipient:
    id_ = delivery.subscriber_id
    urls = {
        "preferences_url": links.preferences(campaign.id, id_),
        "unsubscribe_url": links.unsubscribe(campaign.id, id_),
    }
    values = merge_values(delivery, agencies[delivery.agency], campaign.greeting, urls)
    return Recipient(id_, delivery.email, delivery.name, values)


def _agency_names(engine: Engine, campaign: Campaign) -> dict[str, str]:
    with reading(engine) as connection:
        variants = variants_of(connection, campaign.id)
    return {id_: name for variant in variants for id_, name in variant.agencies.items()}


def _makers(engine: Engine, campaign: Campaign, settings: Settings) -> dict[str, MessageMaker]:
    with reading(engine) as connection:
        variants = variants_of(connection, campaign.id)
        images = images_of(connection, campaign.id)
    host = settings.base_url.partition("://")[2].partition(":")[0].partition("/")[0]
    letterhead = Letterhead(
        campaign.token,
        campaign.sender_name,
        campaign.sender_address,
        campaign.reply_to,
        campaign.title,
        f"news.{host}",
    )
    makers = {}
    for variant in variants:
        used = {name.partition(":")[2] for name in variant.html.fields}
        pictures = [image for image in images if image.name in used]
        makers[variant.name] = MessageMaker(
            letterhead, variant.subject, variant.text, variant.html, pictures
        )
    return makers
