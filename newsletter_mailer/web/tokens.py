"""Tokens: what a link or a form carries, signed for one purpose and read under every key."""

import datetime as dt
from typing import Any

from itsdangerous import BadSignature

from newsletter_mailer.sending.personal_links import signer
from newsletter_mailer.web.site import Site

_OLDEST_FORM = dt.timedelta(hours=12)
_LONGEST = 512
"""Characters; those that are given out are much shorter."""


_NUMBERS = 2**63
"""As far as a database counts."""


class DeadLink(Exception):  # noqa: N818 - what it is, which becomes a page and no message
    """A link that leads nowhere: altered, made for something else, or its person is gone.

    The page for it says nothing about which.
    """


def read(site: Site, purpose: str, token: str) -> Any:  # noqa: ANN401 - what was signed
    """What a token of this purpose holds; None for any other text."""
    if len(token) > _LONGEST or not token.isascii():
        return None
    for key in site.keys:
        try:
            return signer(key, purpose).loads(token)
        except BadSignature:
            continue
    return None


def personal(site: Site, purpose: str, token: str) -> tuple[int, int]:
    """The numbers of the campaign and the subscriber in a mail's link.

    Raises:
        DeadLink: it is no such link.
    """
    match read(site, purpose, token):
        case [int(campaign_id), int(subscriber_id)] if 0 <= subscriber_id < _NUMBERS:
            return campaign_id, subscriber_id
    raise DeadLink


def to_read(site: Site, token: str) -> tuple[int, int, int]:
    """The numbers of the campaign, the subscriber and the article in a link of its button.

    Raises:
        DeadLink: it is no such link.
    """
    match read(site, "read", token):
        case [int(campaign_id), int(subscriber_id), int(article)] if (
            0 <= campaign_id < _NUMBERS and 0 <= subscriber_id < _NUMBERS
        ):
            return campaign_id, subscriber_id, article
    raise DeadLink


def to_confirm(site: Site, token: str) -> tuple[int, str]:
    """The number and the nonce of a sign-up in the link that confirms it.

    Raises:
        DeadLink: it is no such link.
    """
    match read(site, "confirm", token):
        case [int(signup_id), str(nonce)]:
            return signup_id, nonce
    raise DeadLink


def new_form(site: Site) -> str:
    """What shows that a form is ours, and when it was given out."""
    return signed(site, "form", [int(site.clock().timestamp()), site.random()])


def form_age(site: Site, token: str) -> dt.timedelta | None:
    """How long ago a form was given out; None where it is not ours or is too old."""
    match read(site, "form", token):
        case [int(given), str()]:
            age = site.clock() - dt.datetime.fromtimestamp(given, dt.UTC)
            return age if age < _OLDEST_FORM else None
    return None


def signed(site: Site, purpose: str, content: list[int | str]) -> str:
    """A token, under the key in use."""
    token = signer(site.keys[0], purpose).dumps(content)
    return token if isinstance(token, str) else token.decode("ascii")
