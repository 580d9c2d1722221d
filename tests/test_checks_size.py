"""Mails that Gmail would cut off are found before they are sent."""

from dataclasses import replace
from pathlib import Path

import pytest

from newsletter_mailer.checking.size import (
    ADDRESS_LENGTH,
    LINK_LENGTH,
    NAME_LENGTH,
    STOP_AT,
    WARN_AT,
    bytes_of,
    heaviest,
    size,
)
from newsletter_mailer.compiling.email import CompiledEmail
from newsletter_mailer.compiling.merge import READER_FIELDS, Segments, for_html
from newsletter_mailer.findings import Severity
from newsletter_mailer.reading.agencies import Registry
from newsletter_mailer.reading.document import Issue
from newsletter_mailer.sending.personal_links import PersonalLinks
from newsletter_mailer.settings import Settings
from tests.office import Office
from tests.projects import article, write_issue

Compiled = dict[int, tuple[CompiledEmail, ...]]


@pytest.fixture
def office(project: Path) -> Office:
    """An office with a copy of the shipped project."""
    return Office(project)


def write_long_issue(office: Office, *lengths: int) -> None:
    """Issue 7, whose articles `long-0`, `long-1`, … hold so many characters each."""
    texts = {
        f"long-{at}": article("Words for all. " * (length // 15), f"Article {at}")
        for at, length in enumerate(lengths)
    }
    write_issue(office.folder / "issues", texts)


def with_html(email: CompiledEmail, html: str) -> CompiledEmail:
    """A variant that says something else."""
    return replace(email, html=Segments.of(html))


@pytest.mark.parametrize("number", [1, 6])
def test_shipped_issues_are_small_enough(
    compiled: Compiled,
    shipped: dict[int, Issue],
    registry: Registry,
    settings: Settings,
    number: int,
) -> None:
    """No variant of the shipped issues comes near the size at which Gmail cuts."""
    assert size(shipped[number], compiled[number], registry, settings) == []


@pytest.mark.parametrize(
    ("length", "severity"),
    [
        (WARN_AT - 1, None),
        (WARN_AT, Severity.WARNING),
        (STOP_AT - 1, Severity.WARNING),
        (STOP_AT, Severity.ERROR),
    ],
)
def test_the_limits_are_exact(
    compiled: Compiled,
    shipped: dict[int, Issue],
    registry: Registry,
    settings: Settings,
    length: int,
    severity: Severity | None,
) -> None:
    """A mail of 80,000 bytes is doubtful and one of 95,000 is refused; a byte less is not."""
    email = with_html(compiled[6][0], "x" * length)
    found = size(shipped[6], [email], registry, settings)
    assert [finding.severity for finding in found] == ([severity] if severity else [])


def test_bytes_are_counted_not_characters(
    compiled: Compiled, shipped: dict[int, Issue], registry: Registry, settings: Settings
) -> None:
    """A text of other letters than English ones is as big as its UTF-8."""
    email = with_html(compiled[6][0], "é" * 1_000)
    assert bytes_of(shipped[6], email, registry, settings) == 2_000


def test_a_long_reader_gets_no_more_than_was_measured(
    compiled: Compiled, shipped: dict[int, Issue], registry: Registry, settings: Settings
) -> None:
    """A reader with the longest name, address and links gets a mail of the measured size."""
    links = PersonalLinks(settings.base_url, "k" * 32)
    link = links.unsubscribe(10**9, 10**9)
    assert len(link) <= LINK_LENGTH
    email = next(email for email in compiled[6] if len(email.agencies) > 1)
    longest = max((registry.agency(id_).name for id_ in email.agencies), key=len)
    values = dict.fromkeys(READER_FIELDS, "N" * NAME_LENGTH) | {
        "greeting": f"Dear {'N' * NAME_LENGTH},",
        "agency_name": longest,
        "email": "a" * ADDRESS_LENGTH,
        "preferences_url": link,
        "unsubscribe_url": link,
    }
    html = email.html_with_images("cid:").fill(for_html(values))
    measured = bytes_of(shipped[6], email, registry, settings)
    assert len(html.encode()) <= measured < len(html.encode()) + 1_500


def test_longer_links_make_a_bigger_mail(
    compiled: Compiled, shipped: dict[int, Issue], registry: Registry, settings: Settings
) -> None:
    """The length of personal links is taken as it is given."""
    email = with_html(compiled[6][0], "{{unsubscribe_url}}")
    assert bytes_of(shipped[6], email, registry, settings) == LINK_LENGTH
    assert bytes_of(shipped[6], email, registry, settings, 500) == 500


def test_the_heaviest_articles_come_first(compiled: Compiled, shipped: dict[int, Issue]) -> None:
    """Every article of a variant has its bytes, most first; together they are most of the mail."""
    email = compiled[6][0]
    weights = heaviest(shipped[6], email)
    assert {name for name, _ in weights} <= {each.id for each in shipped[6].every_article}
    assert [weight for _, weight in weights] == sorted((w for _, w in weights), reverse=True)
    total = len(str(email.html).encode())
    assert total / 2 < sum(weight for _, weight in weights) < total


def test_a_doubtful_mail_names_its_heaviest_articles(office: Office) -> None:
    """A mail of more than 80 KB warns at issue.yaml, and names the three heaviest articles."""
    write_long_issue(office, 15_000, 3_000, 32_000, 20_000)
    data = office.ok("check", "7", "--json").data
    (finding,) = (each for each in data["findings"] if each["rule"] == "mail-size")
    assert (finding["severity"], finding["line"]) == ("warning", 1)
    assert finding["file"] == "issues/07-winter-2019/issue.yaml"
    places = [finding["mend"].index(f"long-{at} ") for at in (2, 3, 0)]
    assert places == sorted(places)
    assert "long-1" not in finding["mend"]
    assert "bytes" in finding["mend"]


def test_too_big_a_mail_stops_everything(office: Office) -> None:
    """A mail of more than 95 KB is an error: check ends with 1, build and send do nothing."""
    write_long_issue(office, 60_000, 50_000)
    office.subscribe(3)
    for words in (["check", "7"], ["build", "7", "--out", "made"], ["send", "7", "--yes"]):
        result = office.run(*words)
        assert result.code == 1
        assert "mail-size" in result.err
        assert "long-0" in result.err
    assert not (office.folder / "made").exists()
    assert office.ok("status", "--json").data == []
