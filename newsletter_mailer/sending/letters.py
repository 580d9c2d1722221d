"""Letters: claimed deliveries with what fills the frozen content for their readers."""

import datetime as dt
from collections.abc import Callable, Mapping

from sqlalchemy import Connection

from newsletter_mailer.audience.subscriber import first_name
from newsletter_mailer.sending.asking import asking
from newsletter_mailer.sending.campaign import Campaign, images_of, variants_of
from newsletter_mailer.sending.counted import Counted, countable_html
from newsletter_mailer.sending.counted_links import counted_links
from newsletter_mailer.sending.ledger import Delivery
from newsletter_mailer.sending.message import Letterhead, MessageMaker
from newsletter_mailer.sending.personal_links import PersonalLinks
from newsletter_mailer.sending.transports.contract import Letter, Message
from newsletter_mailer.settings import Greeting, Settings


class Letters:
    """Makes the letters of one campaign, from what was frozen and from nothing else."""

    def __init__(
        self,
        connection: Connection,
        campaign: Campaign,
        settings: Settings,
        links: PersonalLinks,
    ) -> None:
        self._campaign = campaign
        self._links = links
        letterhead = Letterhead(
            campaign.token,
            campaign.sender_name,
            campaign.sender_address,
            campaign.reply_to,
            campaign.title,
            list_id(settings),
            settings.sender.unsubscribe_address,
        )
        variants = variants_of(connection, campaign.id)
        images = images_of(connection, campaign.id)
        urls = counted_links(connection, campaign.id)
        numbers = {url: number for number, url in enumerate(urls)}
        self._counted = Counted(links, campaign.id, urls)
        articles = asking(connection, campaign.id)
        self._asking = {
            variant.name: fields
            for variant in variants
            if (fields := [(name, articles[name]) for name in variant.html.read_fields])
        }
        self._agencies = {id_: name for each in variants for id_, name in each.agencies.items()}
        self._makers: dict[str, MessageMaker] = {}
        self._makes: dict[str, Callable[[Letter], Message]] = {}
        self._dated: dt.datetime | None = None
        for variant in variants:
            used = {name.partition(":")[2] for name in variant.html.fields}
            pictures = [image for image in images if image.name in used]
            body = countable_html(variant.html, numbers, pixel=settings.tracking.opens)
            self._makers[variant.name] = MessageMaker(
                letterhead, variant.subject, variant.text, body, pictures
            )

    def of(self, delivery: Delivery, now: dt.datetime) -> Letter:
        """The letter of a delivery, dated `now`. It is made when a transport asks for it."""
        number, variant, email, name, agency, _, _, agreed, _ = delivery
        if now is not self._dated:
            # All that were claimed together share it.
            self._dated = now
            self._makes = {each: maker.at(now) for each, maker in self._makers.items()}
        preferences, unsubscribe = self._links.both(self._campaign.id, number)
        urls = {"preferences_url": preferences, "unsubscribe_url": unsubscribe}
        values = merge_values(delivery, self._agencies[agency], self._campaign.greeting, urls)
        self._counted.fill(values, number, agreed=agreed)
        if variant in self._asking:
            for field, article in self._asking[variant]:
                values[field] = self._links.read(self._campaign.id, number, article)
        return Letter(number, email, name, variant, values, self._makes[variant])


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


def list_id(settings: Settings) -> str:
    """What names the newsletter in `List-Id` (RFC 2919), from the host of `base_url`."""
    host = settings.base_url.partition("://")[2].partition(":")[0].partition("/")[0]
    return f"news.{host}"
