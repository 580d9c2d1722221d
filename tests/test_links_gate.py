"""The gate before a campaign, what it keeps, and the watch over links that were sent."""

import asyncio
import datetime as dt
import os
import pty
import socket
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.forked import fork_on
from tests.link_server import LinkServer, Request, page, reply, send_to
from tests.office import Office, Result, part_of, read_mail
from tests.projects import HEAD, article, write_issue

HOST = "127.0.0.1"
ONLINE = {"NEWSLETTER_LINKS__CHECK": "true", "NEWSLETTER_LINKS_ALLOW": HOST}


@pytest.fixture
def office(project: Path) -> Office:
    """An office with a copy of the shipped project, and three subscribers."""
    made = Office(project)
    made.subscribe(3)
    return made


@pytest.fixture
def server() -> Iterator[LinkServer]:
    """A small web: a good page, one that only people may see, one to sign in to."""
    plays = {
        f"{HOST}/good": reply(200, page("Good news")),
        f"{HOST}/moved": send_to("/good"),
        f"{HOST}/shy": reply(403),
        f"{HOST}/shyer": reply(451),
        f"{HOST}/members": reply(401),
    }
    with LinkServer(plays).running() as made:
        yield made


def link(server: LinkServer, path: str) -> str:
    """The address of a page of the small web."""
    return f"http://{HOST}:{server.port}/{path}"


def write(office: Office, *urls: str, more: str = "") -> None:
    """Issue 7 with a link to each URL."""
    body = "\n\n".join(f"Read [report number {n}]({url})." for n, url in enumerate(urls, 1))
    head = HEAD + f"articles: [news]\n{more}"
    write_issue(office.folder / "issues", {"news": article(body)}, head=head)


def send(office: Office, *words: str) -> Result:
    """`newsletter send 7 --yes` where the small web can be reached."""
    return office.run("send", "7", "--yes", *words, **ONLINE)


def mails(office: Office) -> int:
    """How many messages of issue 7 are in the outbox."""
    return len(list((office.folder / "var" / "outbox" / "07-winter-2019").glob("*.eml")))


def test_a_broken_link_does_not_leave_the_office(office: Office, server: LinkServer) -> None:
    """With a broken link nothing is frozen and nothing sent; mended, the issue goes out."""
    write(office, link(server, "good"), link(server, "gone"))
    result = send(office)
    assert result.code == 1
    assert "broken-link" in result.err
    assert link(server, "gone") in result.err
    assert mails(office) == 0
    assert office.ok("status", "--json").data == []
    write(office, link(server, "good"))
    assert send(office).code == 0
    assert mails(office) == 3


def test_a_waived_link_goes_out(office: Office, server: LinkServer) -> None:
    """A named waiver lets a broken link pass, and is kept with the campaign."""
    waiver = "waive:\n  - {rule: broken-link, reason: It opens on Monday, by: A. Patel}\n"
    write(office, link(server, "gone"), more=waiver)
    assert send(office).code == 0
    (kept,) = office.ok("status", "7", "--json").data["waivers"]
    assert (kept["rule"], kept["by"]) == ("broken-link", "A. Patel")


def test_an_unknown_link_needs_somebodys_word(office: Office, server: LinkServer) -> None:
    """Refused with the command that accepts it; with that command sent, with name and time."""
    shy = link(server, "shy")
    write(office, link(server, "good"), shy)
    refused = send(office)
    assert refused.code == 1
    command = f"newsletter send 07-winter-2019 --yes --accept-unknown {shy}"
    assert command in refused.err
    assert "news.md:6: unknown" in refused.err
    assert mails(office) == 0
    before = dt.datetime.now(dt.UTC)
    assert send(office, "--accept-unknown", shy, "--by", "A. Patel").code == 0
    links = office.ok("status", "7", "--json").data["links"]
    assert links["counts"] == {"ok": 1, "unknown": 1}
    (accepted,) = links["accepted"]
    assert (accepted["url"], accepted["verdict"], accepted["by"]) == (shy, "unknown", "A. Patel")
    assert before <= dt.datetime.fromisoformat(accepted["at"]) <= dt.datetime.now(dt.UTC)
    assert f"A. Patel let {shy} pass" in office.ok("status", "7").out


def test_each_doubtful_link_needs_it(office: Office, server: LinkServer) -> None:
    """One accepted link of two is not enough; `all` accepts every one, by the account's name."""
    shy, shyer = link(server, "shy"), link(server, "shyer")
    write(office, shy, shyer)
    refused = send(office, "--accept-unknown", shy)
    assert refused.code == 1
    assert "1 link needs somebody's word" in refused.err
    assert f"--accept-unknown {shy} --accept-unknown {shyer}" in refused.err
    result = office.run("send", "7", "--yes", "--accept-unknown", "all", **ONLINE, LOGNAME="jsmith")
    assert result.code == 0
    accepted = office.ok("status", "7", "--json").data["links"]["accepted"]
    assert [each["by"] for each in accepted] == ["jsmith", "jsmith"]


def test_a_word_for_no_link_of_the_issue(office: Office, server: LinkServer) -> None:
    """A misspelt link is wrong usage, so nobody believes to have accepted something."""
    write(office, link(server, "shy"))
    result = send(office, "--accept-unknown", link(server, "shi"))
    assert result.code == 2
    assert "no link of this issue" in result.err


def test_a_broken_link_cannot_be_accepted_as_unknown(office: Office, server: LinkServer) -> None:
    """`--accept-unknown` is for doubts, not for what is known to be broken."""
    write(office, link(server, "gone"))
    assert send(office, "--accept-unknown", link(server, "gone")).code == 1
    assert send(office, "--accept-unknown", "all").code == 1
    assert mails(office) == 0


def test_a_login_or_a_move_holds_nothing_up(office: Office, server: LinkServer) -> None:
    """A page to sign in to, right for partners, and one that has moved need nobody's word."""
    write(office, link(server, "members"), link(server, "moved"))
    assert send(office).code == 0
    assert office.ok("status", "7", "--json").data["links"] == {
        "counts": {"moved": 1, "needs login": 1},
        "accepted": [],
    }


def test_on_a_terminal_each_doubtful_link_is_asked_for(office: Office, server: LinkServer) -> None:
    """Somebody who says yes for the link, and yes to sending, has sent it in their name."""
    write(office, link(server, "shy"))
    for answers, code in ((b"n\n", 1), (b"y\ny\n", 0)):
        master, terminal = pty.openpty()
        with fork_on(terminal, office, "send", "7", "--by", "B. Li", **ONLINE) as process:
            os.write(master, answers)
            out, err = process.communicate(60)
        os.close(master)
        os.close(terminal)
        assert process.returncode == code, (out, err)
        assert f"Did you open {link(server, 'shy')}" in out
    assert mails(office) == 3
    (accepted,) = office.ok("status", "7", "--json").data["links"]["accepted"]
    assert accepted["by"] == "B. Li"


def test_the_outbox_goes_on_without_a_network(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where no name can be found, the outbox is filled, with a warning: nothing leaves anyway."""

    def fails(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

    monkeypatch.setattr(socket, "getaddrinfo", fails)
    write(office, "https://one.example.org/report", "https://two.example.org/report")
    result = send(office)
    assert result.code == 0, result
    assert "There is no network, so the links were not looked at." in result.err
    assert mails(office) == 3
    assert office.ok("status", "7", "--json").data["links"]["counts"] == {"not checked": 2}


def test_a_check_of_the_same_day_is_believed(office: Office, server: LinkServer) -> None:
    """`send` asks nobody again about what `check` found good; a day later it does."""
    write(office, link(server, "good"))
    assert office.run("check", "7", **ONLINE).code == 0
    asked = len(server.requests)
    with sqlite3.connect(office.folder / "var" / "newsletter.db") as store:
        store.execute("UPDATE link_check SET checked_at = datetime(checked_at, '-25 hours')")
    store.close()
    server.plays[f"{HOST}/good"] = reply(404)
    assert send(office).code == 1
    assert len(server.requests) > asked
    server.plays[f"{HOST}/good"] = reply(200, page("Good news"))
    assert office.run("check", "7", **ONLINE).code == 0
    asked = len(server.requests)
    assert send(office).code == 0
    assert len(server.requests) == asked


def test_a_running_campaign_is_never_held_up(office: Office, server: LinkServer) -> None:
    """A campaign that was frozen goes on although its link has died, and nobody is asked."""
    write(office, link(server, "good"))
    assert send(office).code == 0
    with sqlite3.connect(office.folder / "var" / "newsletter.db") as store:
        store.execute("UPDATE delivery SET status = 'pending' WHERE subscriber_id = 2")
        store.execute("UPDATE batch SET state = 'ready'")
        store.execute("UPDATE campaign SET state = 'sending'")
        store.execute("DELETE FROM link_check")
    store.close()
    server.plays[f"{HOST}/good"] = reply(404)
    asked = len(server.requests)
    assert send(office).code == 0
    assert len(server.requests) == asked
    assert office.ok("status", "7", "--json").data["sent"] == 3


def test_the_database_is_free_while_links_are_looked_at(office: Office, server: LinkServer) -> None:
    """Another process can write to the database while `send` waits for a server's answer."""
    wrote = []
    answer = reply(200, page("Good news"))

    async def play(request: Request, writer: asyncio.StreamWriter) -> None:
        store = sqlite3.connect(office.folder / "var" / "newsletter.db", timeout=0)
        with store:
            store.execute("BEGIN IMMEDIATE")
            wrote.append(store.execute("UPDATE subscriber SET role = 'lead'").rowcount)
        store.close()
        await answer(request, writer)

    server.plays[f"{HOST}/good"] = play
    write(office, link(server, "good"))
    assert send(office).code == 0
    assert wrote
    assert set(wrote) == {3}


def test_what_was_checked_is_what_is_sent(office: Office, server: LinkServer) -> None:
    """A file that is changed while links are looked at changes nothing of what goes out."""
    write(office, link(server, "good"))
    path = office.folder / "issues" / "07-winter-2019" / "articles" / "news.md"
    answer = reply(200, page("Good news"))

    async def play(request: Request, writer: asyncio.StreamWriter) -> None:
        path.write_text(article(f"Now read [another report]({link(server, 'gone')})."))
        await answer(request, writer)

    server.plays[f"{HOST}/good"] = play
    assert send(office).code == 0
    (mail, *_) = sorted((office.folder / "var" / "outbox" / "07-winter-2019").glob("*.eml"))
    text = part_of(read_mail(mail), "plain")
    assert "report number 1" in text
    assert "another report" not in text
    assert not server.asked(f"{HOST}/gone")


# After sending


def watch(office: Office, *words: str) -> Result:
    """`newsletter links watch` where the small web can be reached."""
    return office.run("links", "watch", *words, **ONLINE)


def test_a_link_that_died_is_reported_with_its_copy(office: Office, server: LinkServer) -> None:
    """Nothing at first; after a page was taken down, its place and an archive's address."""
    good, moved = link(server, "good"), link(server, "moved")
    write(office, good, moved)
    assert send(office).code == 0
    first = watch(office, "7", "--json")
    assert first.code == 0
    assert first.data["died"] == []
    assert first.data["counts"] == {"ok": 1, "moved": 1}
    before = dt.datetime.now(dt.UTC)
    del server.plays[f"{HOST}/moved"]
    second = watch(office, "--json")
    assert second.code == 1
    (died,) = second.data["died"]
    assert died["url"] == moved
    assert died["mentions"][0]["file"].endswith("articles/news.md")
    assert died["mentions"][0]["line"] == 6
    when = dt.datetime.fromisoformat(died["last_good_at"])
    assert when < before, "when it was last good, not now"
    assert died["archived"] == f"https://web.archive.org/web/{when:%Y%m%d%H%M%S}/{moved}"
    said = watch(office, "7")
    assert said.code == 1
    assert died["archived"] in said.out
    assert "1 link has died since it was sent." in said.out
    server.plays[f"{HOST}/moved"] = reply(200, page())
    assert watch(office).code == 0, "it is back"


def test_what_was_never_good_has_not_died(office: Office, server: LinkServer) -> None:
    """A link that was broken when it was sent, under a waiver, is no news."""
    waiver = "waive:\n  - {rule: broken-link, reason: It opens on Monday, by: A. Patel}\n"
    write(office, link(server, "gone"), more=waiver)
    assert send(office).code == 0
    result = watch(office, "7")
    assert result.code == 0
    assert "no link has died" in result.out
    assert "1 link: 1 broken." in result.out


def test_watching_without_a_network_is_a_failure(office: Office, server: LinkServer) -> None:
    """A watch that could look at nothing says so and ends with 1; what was known is kept."""
    write(office, link(server, "good"))
    assert send(office).code == 0
    result = office.run("links", "watch", "7")
    assert result.code == 1
    assert "no link was looked at now" in result.out
    assert "no link has died" not in result.out
    assert watch(office).code == 0


def test_without_a_campaign_there_is_nothing_to_watch(office: Office) -> None:
    """Before the first campaign it is wrong usage; so is a name that no campaign has."""
    assert office.run("links", "watch").code == 2
    assert office.run("links", "watch", "99").code == 2
