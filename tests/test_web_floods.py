"""Sign-ups by the thousand, and requests that nobody's browser would make."""

import asyncio
import logging
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as trying
from hypothesis import strategies as some
from schemathesis import GenerationMode
from schemathesis.core.result import Ok

from newsletter_mailer.audience.limits import network_of
from newsletter_mailer.store.tables import subscriber
from newsletter_mailer.web.guard import Message, Scope
from tests.websites import BASE, Website, hidden, website

Case = schemathesis.Case[Any]


@pytest.fixture
def web(project: Path) -> Iterator[Website]:
    """The pages of the shipped project."""
    with website(project) as made:
        yield made


def sign_ups(web: Website, number: int, *, domains: int = 100, networks: int = 1) -> Counter[int]:
    """So many sign-ups of as many addresses, straight into the application: counts by status."""
    token = hidden(web.get("/").text, "form")
    web.later(minutes=1)
    statuses: Counter[int] = Counter()

    async def one(n: int) -> None:
        form = {
            "step": "details",
            "email": f"reader{n}@school{n % domains}.example.org",
            "agency": "gp",
            "newsletter": "yes",
            "form": token,
        }
        body = urlencode(form).encode()
        scope: Scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": "POST",
            "scheme": "https",
            "path": "/sign-up",
            "raw_path": b"/sign-up",
            "query_string": b"",
            "root_path": "",
            "headers": [
                (b"host", BASE.removeprefix("https://").encode()),
                (b"content-type", b"application/x-www-form-urlencoded"),
                (b"content-length", str(len(body)).encode()),
            ],
            "client": (f"198.51.100.{n % networks}", 50_000),
            "server": ("newsletter.example.org", 443),
        }

        async def receive() -> Message:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Message) -> None:
            if message["type"] == "http.response.start":
                statuses[message["status"]] += 1

        await web.app(scope, receive, send)

    async def all_of_them() -> None:
        for n in range(number):
            await one(n)

    asyncio.run(all_of_them())
    return statuses


def test_ten_thousand_from_one_network_are_slowed_and_named(
    web: Website, caplog: pytest.LogCaptureFixture
) -> None:
    """Sixty an hour get through; the log names the network, and does not fill up either."""
    with caplog.at_level(logging.WARNING):
        statuses = sign_ups(web, 10_000)
    assert statuses == {200: 60, 429: 9_940}
    assert len(web.rows(subscriber)) == 60
    lines = [record.getMessage() for record in caplog.records]
    assert "Sign-ups from network 198.51.100.0 are slowed: 1 refused so far" in lines[0]
    assert "1,000 refused so far" in lines[-1]
    assert len(lines) == 4
    answer = web.get("/")
    assert answer.status_code == 200
    web.later(hours=1)
    assert sign_ups(web, 1) == {200: 1}


def test_many_for_one_domain_are_slowed_from_wherever_they_come(
    project: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A list of one organisation's addresses cannot be bombed from a hundred networks."""
    with website(project, per_domain=20) as web, caplog.at_level(logging.WARNING):
        assert sign_ups(web, 100, domains=1, networks=50) == {200: 20, 429: 80}
    assert "domain school0.example.org" in caplog.text


def test_who_is_refused_is_told_when_to_come_back(project: Path) -> None:
    """The page is friendly, says 429, and names the seconds to wait."""
    with website(project, per_network=1) as web:
        assert web.fill_in("a@example.org").status_code == 200
        answer = web.fill_in("b@example.org")
        assert answer.status_code == 429
        assert 3_000 < int(answer.headers["retry-after"]) <= 3_600
        assert "Please wait a little" in answer.text


@pytest.mark.parametrize(
    ("host", "network"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("testclient", "testclient"),
        ("", "unknown"),
    ],
)
def test_networks(host: str, network: str) -> None:
    """Somebody with a whole /64 to choose from counts as one."""
    assert network_of(host) == network


def test_nothing_in_the_description_of_the_application_breaks_it(web: Website) -> None:
    """Requests made from the application's own OpenAPI, good and bad, find no server error."""
    person = web.subscribed("asha@leicspart.nhs.uk")
    links = [web.links.preferences(1, person), web.links.unsubscribe(1, person)]
    tokens = [link.rpartition("/")[2] for link in links]
    schema = schemathesis.openapi.from_dict(web.app.openapi())
    asked: Counter[str] = Counter()

    def ask(case: Case) -> None:
        body = case.body if isinstance(case.body, dict) else {}
        content = case.body if isinstance(case.body, (bytes, str)) else None
        answer = web.client.request(
            case.method,
            case.formatted_path,
            params={name: str(value) for name, value in (case.query or {}).items()},
            data={name: str(value) for name, value in body.items()} or None,
            content=content,
            headers={"content-type": case.media_type} if case.media_type and content else {},
        )
        assert answer.status_code < 500, case.as_curl_command()
        asked[case.operation.label] += 1

    strategies = [
        result.ok().as_strategy(generation_mode=mode)
        for result in schema.get_all_operations()
        if isinstance(result, Ok)
        for mode in GenerationMode
    ]

    @_FEW
    @given(some.one_of(strategies), some.sampled_from([*tokens, ""]))
    def one(case: Case, token: str) -> None:
        if token and "token" in (case.path_parameters or {}):
            case.path_parameters["token"] = token
        ask(case)

    one()
    assert len(asked) > 10


_FEW = trying(
    max_examples=40,
    deadline=None,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
