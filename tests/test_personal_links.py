"""Personal links: put together by hand, read by the library whose form they have."""

import pytest
from hypothesis import given
from hypothesis import strategies as some
from itsdangerous import BadSignature

from newsletter_mailer.sending.personal_links import PURPOSES, PersonalLinks, signer

KEY = "k" * 40
LINKS = PersonalLinks("https://news.example.org", KEY)


@given(some.integers(0, 2**60), some.integers(0, 2**60), some.sampled_from(PURPOSES))
def test_itsdangerous_reads_every_token(campaign: int, subscriber: int, purpose: str) -> None:
    """Every token reads back, whatever the numbers."""
    url: str = getattr(LINKS, purpose)(campaign, subscriber)
    base, _, token = url.rpartition("/")
    assert base == f"https://news.example.org/{purpose}"
    assert signer(KEY, purpose).loads(token) == [campaign, subscriber]


def test_a_token_is_good_for_its_purpose_and_key_only() -> None:
    """An unsubscribe token opens no preferences, and another office's key reads none."""
    token = LINKS.unsubscribe(1, 2).rpartition("/")[2]
    for key, purpose in ((KEY, "preferences"), ("x" * 40, "unsubscribe")):
        with pytest.raises(BadSignature):
            signer(key, purpose).loads(token)
    with pytest.raises(BadSignature):
        signer(KEY, "unsubscribe").loads(token.replace(".", "A.", 1))
