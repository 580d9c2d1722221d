"""Links through the command line: what `check` says of them, remembers, and reports."""

import socket
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.link_server import LinkServer, page, reply, send_to
from tests.office import Office, Result
from tests.projects import HEAD, article, write_issue

HOST = "127.0.0.1"
ONLINE = {"NEWSLETTER_LINKS__CHECK": "true", "NEWSLETTER_LINKS_ALLOW": HOST}


@pytest.fixture
def office(project: Path) -> Office:
    """An office with a copy of the shipped project."""
    return Office(project)


@pytest.fixture
def server() -> Iterator[LinkServer]:
    """A small web: a good page, a moved one, one to sign in to, and no other."""
    plays = {
        f"{HOST}/good": reply(200, page("Good news")),
        f"{HOST}/moved": send_to("/good"),
        f"{HOST}/members": reply(401),
        f"{HOST}/report.pdf": reply(200, b"%PDF-1.7", "application/pdf"),
    }
    with LinkServer(plays).running() as made:
        yield made


@pytest.fixture
def no_names(monkeypatch: pytest.MonkeyPatch) -> None:
    """This machine's resolver reaches no name server, as without a network."""

    def fails(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

    monkeypatch.setattr(socket, "getaddrinfo", fails)


def link(server: LinkServer, path: str) -> str:
    """The address of a page of the small web."""
    return f"http://{HOST}:{server.port}/{path}"


def write(office: Office, *bodies: str, more: str = "") -> Path:
    """Issue 7 with an article for each body."""
    names = [f"news-{number}" for number in range(1, len(bodies) + 1)]
    texts = {
        name: article(body, f"News {name[-1]}") for name, body in zip(names, bodies, strict=True)
    }
    head = HEAD + f"articles: [{', '.join(names)}]\n{more}"
    return write_issue(office.folder / "issues", texts, head=head)


def check(office: Office, *words: str) -> Result:
    """`newsletter check 7` where the small web can be reached."""
    return office.run("check", "7", *words, **ONLINE)


def test_links_are_looked_at_and_counted(office: Office, server: LinkServer) -> None:
    """A good, a moved and a broken link: each with its verdict, place, words and suggestion."""
    good, moved, gone = (link(server, path) for path in ("good", "moved", "gone"))
    write(
        office,
        f"Read [the good page]({good}).\n\nThen [the same page again]({good}).",
        f"Read [what has moved]({moved}) and\n[the page that is gone]({gone}).",
    )
    result = check(office, "--json")
    assert result.code == 1
    data = result.data
    links = {each["url"]: each for each in data["links"]}
    assert {url: each["verdict"] for url, each in links.items()} == {
        good: "ok",
        moved: "moved",
        gone: "broken",
    }
    assert links[moved]["final_url"] == links[moved]["replacement"] == good
    assert [(m["line"], m["words"]) for m in links[good]["mentions"]] == [
        (4, "the good page"),
        (6, "the same page again"),
    ]
    (mention,) = links[gone]["mentions"]
    assert mention["file"] == "issues/07-winter-2019/articles/news-2.md"
    assert (mention["line"], mention["article"]) == (5, "news-2")
    found = {each["rule"]: each for each in data["findings"]}
    assert found["broken-link"]["severity"] == "error"
    assert found["broken-link"]["line"] == 5
    assert found["moved-link"]["severity"] == "warning"
    assert good in found["moved-link"]["mend"]
    assert server.asked(f"{HOST}/good")


def test_what_is_printed_for_people(office: Office, server: LinkServer) -> None:
    """Links stand under their article's title, with place, verdict, URL and advice; counts last."""
    gone, moved = link(server, "gone"), link(server, "moved")
    write(
        office,
        f"A [good page]({link(server, 'good')}).",
        f"A [lost page]({gone}) and [a moved one]({moved}).",
    )
    result = check(office)
    assert result.code == 1
    assert "Links in “News 2”" in result.err
    assert "News 1”" not in result.err
    assert "news-2.md:4  error  broken-link" in result.err
    assert gone in result.err
    assert "1 error and 1 warning." in result.out
    assert "3 links: 1 ok, 1 moved, 1 broken." in result.out


def test_offline_uses_no_network_and_makes_no_database(office: Office, server: LinkServer) -> None:
    """`--offline` asks nobody and leaves no folder `var`; how links are written is checked."""
    write(
        office,
        f"A [page]({link(server, 'gone')}).\n\nThe [report](https://example.org/annual-%20report).",
    )
    result = check(office, "--offline", "--json")
    assert server.connections == 0
    assert not (office.folder / "var").exists()
    assert {each["verdict"] for each in result.data["links"]} == {"not checked"}
    assert result.data["findings"], "the space in the address was found"
    assert all(each["rule"] != "broken-link" for each in result.data["findings"])
    assert "No network was used, as asked." in check(office, "--offline").out


def test_a_machine_without_a_way_to_the_web(
    office: Office, server: LinkServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With `links.check = false` in the settings no link is looked at, and nothing is found."""
    write(office, f"The [spring report]({link(server, 'gone')}).")
    settings = office.folder / "newsletter.toml"
    text = settings.read_text(encoding="utf-8")
    assert "check = true" in text
    settings.write_text(text.replace("check = true", "check = false"), encoding="utf-8")
    monkeypatch.delenv("NEWSLETTER_LINKS__CHECK")
    result = office.ok("check", "7", "--json", NEWSLETTER_LINKS_ALLOW=HOST)
    assert server.connections == 0
    assert result.data["findings"] == []
    assert [each["verdict"] for each in result.data["links"]] == ["not checked"]


def test_good_links_are_asked_about_once_a_day(office: Office, server: LinkServer) -> None:
    """A second check asks only for what failed; `--fresh` asks for all; a day later too."""
    write(office, f"[Good page]({link(server, 'good')}), [gone page]({link(server, 'gone')}).")
    check(office)
    first = len(server.asked(f"{HOST}/good"))
    gone = len(server.asked(f"{HOST}/gone"))
    check(office)
    assert len(server.asked(f"{HOST}/good")) == first
    assert len(server.asked(f"{HOST}/gone")) > gone
    check(office, "--fresh")
    assert len(server.asked(f"{HOST}/good")) == 2 * first
    with sqlite3.connect(office.folder / "var" / "newsletter.db") as store:
        store.execute("UPDATE link_check SET checked_at = datetime(checked_at, '-25 hours')")
    store.close()
    check(office)
    assert len(server.asked(f"{HOST}/good")) == 3 * first


def test_what_has_gone_bad_is_forgotten(office: Office, server: LinkServer) -> None:
    """After `--fresh` found a page gone, no later check believes that it was good that day."""
    write(office, f"A [good page]({link(server, 'good')}).")
    assert check(office).code == 0
    server.plays[f"{HOST}/good"] = reply(404)
    assert check(office).code == 0, "believed for a day"
    assert check(office, "--fresh").code == 1
    assert check(office).code == 1


@pytest.mark.parametrize("damage", [b"This is no database.\n" * 300, None])
def test_a_database_that_cannot_be_used_stops_no_check(
    office: Office, server: LinkServer, damage: bytes | None
) -> None:
    """With a damaged database, or a file in the place of its folder, links are still checked."""
    write(office, f"A [good page]({link(server, 'good')}).")
    state = office.folder / "var"
    if damage is None:
        state.touch()
    else:
        state.mkdir()
        (state / "newsletter.db").write_bytes(damage)
    result = check(office, "--json")
    assert result.code == 0, result
    assert [each["verdict"] for each in result.data["links"]] == ["ok"]


@pytest.mark.usefixtures("no_names")
def test_no_network_is_one_warning(office: Office) -> None:
    """Where no name can be found, one warning says so, soon, and the check ends with 0."""
    write(office, "[First report](https://one.example.org/a), [second](https://two.example.org/b).")
    before = time.monotonic()
    result = check(office, "--json")
    assert time.monotonic() - before < 15
    assert result.code == 0, result
    assert {each["verdict"] for each in result.data["links"]} == {"not checked"}
    (finding,) = result.data["findings"]
    assert (finding["rule"], finding["severity"]) == ("links-unchecked", "warning")
    assert "none of its links was looked at" in finding["found"]


@pytest.mark.usefixtures("no_names")
def test_without_a_network_wrappers_are_taken_off(office: Office) -> None:
    """`--fix` does what needs no network, and the one warning about the network stays."""
    wrapped = "https://www.google.com/url?q=https%3A%2F%2Fone.example.org%2Freport"
    write(office, f"Read [the first report]({wrapped}).")
    result = check(office, "--fix", "--json")
    assert result.code == 0, result
    assert [each["new"] for each in result.data["fixed"]] == ["https://one.example.org/report"]
    assert [each["rule"] for each in result.data["findings"]] == ["links-unchecked"]


def test_a_rule_can_be_waived(office: Office, server: LinkServer) -> None:
    """A broken link that somebody answers for by name warns, and says who does."""
    waiver = (
        "waive:\n  - {rule: broken-link, reason: The page comes back on Monday, by: A. Patel}\n"
    )
    write(office, f"A [lost page]({link(server, 'gone')}).", more=waiver)
    result = check(office, "--json")
    assert result.code == 0
    (finding,) = result.data["findings"]
    assert finding["severity"] == "warning"
    assert finding["mend"].startswith("Waived by A. Patel: The page comes back on Monday. ")


def test_a_private_address_is_an_error(office: Office, server: LinkServer) -> None:
    """A link to a machine inside the office is an error, and nobody knocks there."""
    write(office, f"The [intranet page](http://10.1.2.3/plan) and [ours]({link(server, 'good')}).")
    result = check(office, "--json")
    assert result.code == 1
    errors = [each for each in result.data["findings"] if each["severity"] == "error"]
    assert errors
    assert all("10.1.2.3" in each["found"] for each in errors)


def test_the_report(office: Office, server: LinkServer) -> None:
    """The report names each link, its verdict, its places and exactly the agencies that get it."""
    gone, good = link(server, "gone"), link(server, "good?a=1&b=2")
    body = f"""\
Words for all.

::: only gp
For surgeries: [the \\<lost\\> page]({gone}).
:::

For all: [the good page]({good}).
"""
    write(office, body)
    result = check(office, "--report", "links.html", "--json")
    links = {each["url"]: each for each in result.data["links"]}
    assert links[gone]["variants"] == ["gp"]
    assert len(links[good]["variants"]) == result.data["variants"] == 2
    report = (office.folder / "links.html").read_text(encoding="utf-8")
    lost, fine = report.split('<article class="link')[1:3]
    assert "broken" in lost
    assert gone in lost
    assert "news-1.md, line 7" in lost
    assert "the &lt;lost&gt; page" in lost
    assert "GP practices" in lost
    assert "Police" not in lost.split("</article>")[0]
    assert "Every variant" in fine
    assert "good?a=1&amp;b=2" in fine
    assert "<script" not in report
    assert 'lang="en-GB"' in report


def test_a_report_that_cannot_be_written_is_explained(office: Office) -> None:
    """A folder that is not there is named; exit code 2."""
    write(office, "Words for all.")
    result = office.run("check", "7", "--report", "nowhere/links.html")
    assert result.code == 2
    assert "nowhere/links.html cannot be written" in result.err


def test_the_shipped_issues_have_no_findings_offline(office: Office) -> None:
    """Issues 1 and 6 are written without a mistake in any link."""
    for name in ("1", "6"):
        data = office.ok("check", name, "--offline", "--json").data
        assert data["findings"] == []
        assert len(data["links"]) > 10
