"""Return paths that name their delivery."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from newsletter_mailer.errors import SettingsError
from newsletter_mailer.sending.return_path import read_verp, verp

KEY = "k" * 32


@settings(deadline=None)
@given(st.integers(0, 10**9), st.integers(0, 10**12))
def test_a_return_path_is_read_back(campaign_id: int, subscriber_id: int) -> None:
    """Campaign and subscriber come back, also from a server that changes letter cases."""
    address = verp("bounces@example.org", campaign_id, subscriber_id, KEY)
    assert len(address.rpartition("@")[0]) <= 64
    assert address.startswith("bounces+")
    for seen in (address, address.upper(), f" <{address}> "):
        assert read_verp(seen, KEY) == (campaign_id, subscriber_id)


def test_a_tag_of_the_office_is_kept() -> None:
    """A base that has a plus sign already works."""
    address = verp("news+bounces@example.org", 3, 4, KEY)
    assert read_verp(address, KEY) == (3, 4)


@settings(deadline=None)
@given(st.text())
def test_nothing_else_is_believed(text: str) -> None:
    """No text without the key's MAC names a delivery."""
    assert read_verp(text, KEY) is None
    assert read_verp(f"{text}@example.org", KEY) is None


def test_a_forged_return_path_is_not_believed() -> None:
    """Another subscriber's number, or another key, does not pass."""
    address = verp("bounces@example.org", 7, 1042, KEY)
    assert read_verp(address.replace("1042", "1043"), KEY) is None
    assert read_verp(address, "another key") is None


def test_a_base_that_is_too_long() -> None:
    """The error names what to change."""
    with pytest.raises(SettingsError, match=r"smtp\.return_path"):
        verp("a" * 50 + "@example.org", 7, 1042, KEY)
