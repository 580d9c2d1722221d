"""A sample message, made and signed as those of a campaign are."""

import datetime as dt
import secrets
from urllib.parse import urlsplit

from newsletter_mailer.compiling.merge import Segments
from newsletter_mailer.sending.dkim import signer_of
from newsletter_mailer.sending.message import Letterhead, MessageMaker
from newsletter_mailer.sending.personal_links import PersonalLinks
from newsletter_mailer.sending.transports.contract import Letter
from newsletter_mailer.settings import Settings

_READER = 1


def sample(settings: Settings, now: dt.datetime) -> bytes:
    """A short message to nobody. Its links are signed with a key of its own, and lead nowhere.

    Raises:
        SettingsError: the DKIM key cannot be read.
    """
    links = PersonalLinks(settings.base_url, secrets.token_hex())
    head = Letterhead(
        token=secrets.token_hex(16),
        sender_name=settings.sender.name,
        sender_address=settings.sender.address,
        reply_to=settings.sender.reply_to,
        list_name=settings.sender.name,
        list_id=f"news.{urlsplit(settings.base_url).hostname}",
        unsubscribe_address=settings.sender.unsubscribe_address,
    )
    maker = MessageMaker(
        head, Segments.of("A sample"), Segments.of("Dear reader\n"), Segments.of("<p>Dear reader")
    )
    address = settings.sender.address
    values = {"unsubscribe_url": links.unsubscribe(1, _READER)}
    content = Letter(_READER, address, "", "", values, maker.at(now)).content()
    signer = signer_of(settings)
    return signer.signed(content) if signer else content
