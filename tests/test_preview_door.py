"""Whom the preview answers: its own page on this machine, and nobody else's."""

import asyncio
from collections.abc import Awaitable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some

from newsletter_mailer.previewing.guard import Door, Message, Receive, Scope, Send
from tests.previews import HOME, Preview, with_preview


async def _nothing(scope: Scope, receive: Receive, send: Send) -> None:
    """Stands behind a door that is only looked at."""


def test_other_names_origins_and_paths_are_refused(project: Path) -> None:
    """DNS rebinding, other people's pages, and whatever is no part of the issue."""

    async def work(preview: Preview) -> None:
        for host in (
            "evil.example:8420",
            "127.0.0.1",
            "127.0.0.1:1",
            "127.0.0.1.evil.example:8420",
        ):
            await preview.get("facts.json", 421, host=host)
        for host in ("localhost:8420", "127.0.0.1:8420", "[::1]:8420"):
            await preview.get("/", host=host)
        for origin in (
            "http://evil.example",
            "null",
            "http://127.0.0.1:8421",
            "https://127.0.0.1:8420",
        ):
            await preview.get("facts.json", 403, origin=origin)
            answer = await preview.client.post(
                "/test",
                json={"address": "me@example.org", "agency": "gp"},
                headers={"origin": origin},
            )
            assert answer.status_code == 403
        for site in ("cross-site", "same-site"):
            await preview.get(
                "facts.js", 403, **{"sec-fetch-site": site, "sec-fetch-mode": "no-cors"}
            )
        followed = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}
        await preview.get("/", 200, **followed)
        own = {"origin": HOME, "sec-fetch-site": "same-origin"}
        await preview.get("facts.json", 200, **own)
        form = await preview.client.post("/test", content="address=a@example.org&agency=gp")
        assert form.status_code == 422
        assert not (project / "var" / "outbox").exists()

        outside = (
            "newsletter.toml",
            "..%2fnewsletter.toml",
            "%2e%2e/newsletter.toml",
            "images/..%2f..%2fissue.yaml",
            "images/%2e%2e%2fissue.yaml",
            "images/issue.yaml",
            "images/%2fetc%2fpasswd",
            "files/..%2f..%2fgp.html",
            "files/gp.yaml",
            "version/..%2fgp.json",
            "web/nowhere.json",
            "message/nowhere.json",
            "preview.css/..%2f..%2f..%2fnewsletter.toml",
            ".env",
            "docs",
            "openapi.json",
        )
        for path in outside:
            answer = await preview.client.get(f"/{path}")
            assert answer.status_code == 404, path
            assert "Safeguarding Children Board" not in answer.text

    with_preview(project, work)


def test_pages_run_their_own_script_and_mails_run_none(project: Path) -> None:
    """The policies of the page, of the frame for mails, of downloads and of the gallery."""

    async def work(preview: Preview) -> None:
        page = (await preview.get("/")).headers
        assert "script-src 'self';" in page["content-security-policy"]
        assert "unsafe" not in page["content-security-policy"]
        assert page["x-content-type-options"] == "nosniff"
        assert page["cross-origin-resource-policy"] == "same-origin"
        frame = (await preview.get("frame")).headers["content-security-policy"]
        assert frame.startswith("default-src 'none'")
        assert "script-src" not in frame
        assert frame.endswith("sandbox allow-same-origin")
        file = (await preview.get("files/gp.html")).headers
        assert file["content-disposition"] == 'attachment; filename="06-autumn-2018-gp.html"'
        assert "sandbox" in file["content-security-policy"]
        blocks = await preview.get("blocks")
        assert (
            "'unsafe-inline'" not in blocks.headers["content-security-policy"].split("style-src")[0]
        )
        assert "'sha256-" in blocks.headers["content-security-policy"]

    with_preview(project, work)


@given(some.text(max_size=40) | some.from_regex(r"[\w.:\[\]-]{0,30}:8420", fullmatch=True))
def test_only_this_machine_s_names_open_the_door(host: str) -> None:
    """Whatever else is asked for, a door on the loopback opens to three names at its own port."""
    ours = {"localhost:8420", "127.0.0.1:8420", "[::1]:8420", "::1:8420"}
    try:
        raw = host.encode("latin-1")
    except UnicodeEncodeError:
        return
    opened = _opens(Door(_nothing, "127.0.0.1", 8420), raw)
    assert not opened or host.lower() in ours


@pytest.mark.parametrize(
    ("host", "asked", "opens"),
    [
        ("0.0.0.0", "192.168.1.7:8420", True),  # noqa: S104 - what a user may ask for
        ("0.0.0.0", "evil.example:8420", False),  # noqa: S104
        ("desk.example", "desk.example:8420", True),
        ("127.0.0.1", "192.168.1.7:8420", False),
    ],
)
def test_a_preview_that_is_opened_to_others_answers_to_addresses(
    host: str, asked: str, opens: bool
) -> None:
    """An address cannot be led astray as a name can, so it counts where others are let in."""
    assert _opens(Door(_nothing, host, 8420), asked.encode()) is opens


async def _run(work: Awaitable[None]) -> None:
    await work


def _opens(door: Door, host: bytes) -> bool:
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        return {"type": "http.request"}

    scope: Scope = {"type": "http", "method": "GET", "headers": [(b"host", host)]}
    asyncio.run(_run(door(scope, receive, send)))
    return not sent
