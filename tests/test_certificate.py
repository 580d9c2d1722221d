"""The certificate: everyone counted once, and every change of the ledger seen."""

import hashlib
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import lxml.html
import pytest
from PIL import Image as Picture
from playwright.sync_api import Browser

from newsletter_mailer.sending.transports.contract import Outcome
from tests.browser import assert_reads_well, chromium
from tests.link_server import LinkServer, reply
from tests.office import Office
from tests.projects import copied_project
from tests.test_waive import BIG, waiver, write
from tests.under_way import GONE, claim, freeze, tamper


@pytest.fixture
def office(project: Path) -> Office:
    """An office with 20 subscribers."""
    made = Office(project)
    made.subscribe(20)
    return made


@pytest.fixture(scope="module")
def sent_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an office that has sent issue 6 to its 20 subscribers."""
    made = Office(copied_project(tmp_path_factory.mktemp("sent") / "project"))
    made.subscribe(20)
    made.ok("send", "6", "--yes")
    return made.folder


@pytest.fixture
def sent(sent_once: Path, tmp_path: Path) -> Office:
    """An office of its own that has sent issue 6 to its 20 subscribers."""
    return Office(Path(shutil.copytree(sent_once, tmp_path / "project")))


@pytest.fixture(scope="module")
def eventful_once(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """The folder of an office after `bring_about_everything`, and the addresses in doubt."""
    made = Office(copied_project(tmp_path_factory.mktemp("eventful") / "project"))
    made.subscribe(20)
    return made.folder, bring_about_everything(made)


@pytest.fixture
def eventful(eventful_once: tuple[Path, list[str]], tmp_path: Path) -> tuple[Office, list[str]]:
    """An office of its own whose campaign ended in every way there is; who is in doubt."""
    folder, doubtful = eventful_once
    return Office(Path(shutil.copytree(folder, tmp_path / "project"))), doubtful


def page_of(office: Office, name: str = "06-autumn-2018") -> str:
    """The words of the page."""
    path = office.folder / "var" / "certificates" / f"certificate-{name}.html"
    words = lxml.html.fromstring(path.read_bytes()).xpath("string()")
    return " ".join(str(words).split())


def bring_about_everything(office: Office) -> list[str]:
    """A campaign that ends in every way there is; the addresses in doubt."""
    blocker = freeze(office, "--by", "Ann & <Co>")
    outcomes = {Outcome.ACCEPTED: 8, Outcome.REJECTED: 3, Outcome.IN_DOUBT: 3}
    emails = claim(office, 14).answered(outcomes)
    office.ok("subscribers", "unsubscribe", "reader19@example.org")
    office.ok("subscribers", "unsubscribe", "reader14@example.org")
    office.ok("in-doubt", "6", emails[11], "--settle", "sent", "--by", "Bo")
    office.ok("in-doubt", "6", emails[12], "--settle", "skip", "--by", "Bo")
    blocker.unlink()
    office.run("send", "6", "--yes")
    return emails[13:]


def test_everyone_is_accounted_for(eventful: tuple[Office, list[str]]) -> None:
    """Each outcome with its number, whose sum is the audience; those in doubt by name."""
    office, (doubtful,) = eventful
    status = office.ok("status", "6", "--json").data
    made = office.ok("certificate", "6")
    data = office.ok("certificate", "6", "--json").data
    outcomes = data["outcomes"]
    assert outcomes["failed"] == 3
    assert outcomes["skipped"] == outcomes["in_doubt"] == 1
    assert outcomes["suppressed"] == status["suppressed"] > 0
    assert outcomes["accepted"] == status["sent"]
    assert sum(outcomes.values()) == data["eligible"] == 20
    assert (data["finished"], data["adds_up"], data["still_open"]) == (True, True, 0)
    assert data["changed_since_frozen"] == []
    assert [each["email"] for each in data["in_doubt"]] == [doubtful]
    assert data["failures"] == [{"code": GONE[0], "words": GONE[1], "times": 3}]
    assert data["decisions"] == [
        {"words": "settled by Bo as sent", "outcome": "sent", "times": 1},
        {"words": "settled by Bo as skip", "outcome": "skipped", "times": 1},
    ]
    assert "20 eligible = " in made.out
    assert " + 1 skipped + 1 in doubt" in made.out
    page = page_of(office)
    assert "Everyone is accounted for, once." in page
    assert doubtful in page
    assert "Ann & <Co>" in page
    assert "settled by Bo as skip" in page


def test_page_and_json_belong_together(eventful: tuple[Office, list[str]]) -> None:
    """The page bears the SHA-256 of the JSON, and the same ledger gives the same JSON."""
    office, _ = eventful
    made = office.ok("certificate", "6")
    path = office.folder / "var" / "certificates" / "certificate-06-autumn-2018.json"
    first = path.read_bytes()
    digest = hashlib.sha256(first).hexdigest()
    assert digest in page_of(office)
    assert digest in made.out
    office.ok("certificate", "6", "--out", "elsewhere")
    assert (office.folder / "elsewhere" / path.name).read_bytes() == first
    data = json.loads(first)
    assert first.decode() == json.dumps(data, ensure_ascii=False, indent=2, sort_keys=True) + "\n"
    shown = office.ok("certificate", "6", "--json").data
    assert shown.pop("sha256") == digest
    assert set(shown.pop("files")) == {"html", "json"}
    assert shown == data


def test_it_names_content_audience_and_who_answers(office: Office) -> None:
    """Sender, who froze it, each variant's agencies, readers and hash, and who was left out."""
    office.ok("subscribers", "unsubscribe", "reader3@example.org")
    office.ok("send", "6", "--yes", "--by", "Ann", "--audience", "gp,police")
    data = office.ok("certificate", "6", "--json").data
    assert data["frozen_by"] == "Ann"
    assert data["audience"]["names"] == ["gp", "police"]
    assert data["excluded"]["outside the chosen audience"] > 0
    assert data["eligible"] + sum(data["excluded"].values()) == 20
    assert sum(each["recipients"] for each in data["variants"]) == data["eligible"]
    hashes = [data["content"], data["audience"], *data["variants"]]
    assert all(each["unchanged"] is True for each in hashes)
    assert all(each["sha256_now"] == each["sha256_when_frozen"] != "" for each in hashes)
    page = page_of(office)
    assert "Only gp, police" in page
    assert "by Ann" in page
    assert data["audience"]["sha256_now"] in page


def test_times_are_the_offices_on_the_page_and_utc_in_the_json(sent: Office) -> None:
    """An office in Tokyo reads its own time with the zone's name; programs read UTC."""
    tokyo = {"NEWSLETTER_OFFICE__TIMEZONE": "Asia/Tokyo"}
    data = sent.ok("certificate", "6", "--json", **tokyo).data
    assert all(
        data[name].endswith("+00:00")
        for name in ("frozen_at", "started_at", "finished_at", "last_entry_at")
    )
    assert " JST" in page_of(sent)
    assert " GMT" not in page_of(sent)


TAMPERINGS = {
    "a recipient is taken out": (
        "DELETE FROM delivery WHERE subscriber_id = 5",
        "the audience",
    ),
    "an address is another": (
        "UPDATE delivery SET email = 'x@example.org' WHERE subscriber_id = 5",
        "the audience",
    ),
    "a recipient is put in": (
        (
            "INSERT INTO delivery (campaign_id, subscriber_id, batch, variant, email, name, agency,"
            " status) SELECT campaign_id, 99, batch, variant, 'y@example.org', '', agency, 'sent'"
            " FROM delivery WHERE subscriber_id = 5"
        ),
        "the audience",
    ),
    "a text is another": (
        "UPDATE variant SET html = replace(html, 'Welcome', 'Farewell') WHERE name = 'police'",
        "variant police",
    ),
    "a picture is another": (
        "UPDATE campaign_image SET content = CAST(content || x'00' AS BLOB)",
        "variant primary-schools",
    ),
    "agencies are others": (
        "UPDATE variant SET agencies = '{\"x\": \"X\"}' WHERE name = 'police'",
        "the list of variants",
    ),
    "a variant is gone": ("DELETE FROM variant WHERE name = 'police'", "the list of variants"),
    "an outcome is undone": (
        "UPDATE delivery SET status = 'pending' WHERE subscriber_id = 5",
        "do not add up to 20",
    ),
}


@pytest.mark.parametrize(("statement", "said"), TAMPERINGS.values(), ids=TAMPERINGS)
def test_a_changed_ledger_is_shouted(sent: Office, statement: str, said: str) -> None:
    """Exit code 1, what was changed in words, and a page that says it does not hold."""
    sent.ok("certificate", "6")
    tamper(sent, statement)
    result = sent.run("certificate", "6")
    assert result.code == 1
    assert "DOES NOT HOLD" in result.err
    assert said in result.err
    page = page_of(sent)
    assert "This certificate does not hold." in page
    assert "Everyone is accounted for" not in page
    assert said in page
    assert sent.run("certificate", "6", "--json").code == 1


def test_before_the_end_it_says_that_it_is_not_finished(office: Office) -> None:
    """A campaign under way has a certificate that nobody takes for the last word."""
    freeze(office)
    claim(office, 4).answered({Outcome.ACCEPTED: 4})
    made = office.ok("certificate", "6")
    assert "Not finished" in made.out
    assert "16 still open" in made.out
    data = office.ok("certificate", "6", "--json").data
    assert (data["finished"], data["still_open"], data["adds_up"]) == (False, 16, True)
    assert "Not finished: the campaign is sending." in page_of(office)


def test_hosted_pictures_are_said_not_to_be_covered(office: Office) -> None:
    """A variant with a hosted picture cannot be hashed anew; that is said, and is no alarm."""
    office.ok("send", "6", "--yes", NEWSLETTER_SEND__IMAGES="hosted")
    data = office.ok("certificate", "6", "--json").data
    assert data["content"]["unchanged"] is None
    assert data["changed_since_frozen"] == []
    assert "since hosted pictures are not frozen" in page_of(office)


@pytest.mark.parametrize("issue", ["1", "6"])
def test_the_content_of_each_shipped_issue_can_be_hashed_anew(office: Office, issue: str) -> None:
    """Texts and pictures of every variant, in their order, give the hash of their freezing."""
    office.ok("send", issue, "--yes")
    data = office.ok("certificate", issue, "--json").data
    assert data["content"]["unchanged"] is True
    assert all(each["unchanged"] is True for each in data["variants"])


def test_the_content_of_every_kind_of_block_can_be_hashed_anew(office: Office) -> None:
    """So do pictures in several articles, and a logo, which stands first."""
    fixtures = Path(__file__).parent / "fixtures" / "kitchen-sink" / "42-spring-2031"
    shutil.copytree(fixtures, office.folder / "issues" / fixtures.name)
    (office.folder / "images").mkdir()
    Picture.new("RGB", (320, 80), "navy").save(office.folder / "images" / "logo.png")
    with (office.folder / "newsletter.toml").open("a", encoding="utf-8") as settings:
        settings.write('\n[logo]\nfile = "images/logo.png"\nalt = "The office"\n')
    office.ok("send", "42", "--yes")
    data = office.ok("certificate", "42", "--json").data
    assert data["content"]["unchanged"] is True


def test_waivers_stand_on_it_with_who_answers_for_them(office: Office) -> None:
    """Rule, name and reason of each error that somebody let through."""
    write(office, BIG, waiver())
    office.ok("send", "7", "--yes")
    data = office.ok("certificate", "7", "--json").data
    assert [(each["rule"], each["by"]) for each in data["waivers"]] == [("mail-size", "A. Patel")]
    assert "A. Patel" in page_of(office, data["campaign"])


def test_links_let_pass_in_doubt_stand_on_it_with_whose_word_it_was(office: Office) -> None:
    """A link that only people may open is named, with what was found, by whom and when."""
    with LinkServer({"127.0.0.1/shy": reply(403)}).running() as server:
        link = f"http://127.0.0.1:{server.port}/shy"
        write(office, f"Read [the report]({link}).")
        online = {"NEWSLETTER_LINKS__CHECK": "true", "NEWSLETTER_LINKS_ALLOW": "127.0.0.1"}
        accept = ("--accept-unknown", link, "--by", "A. Patel")
        office.ok("send", "7", "--yes", *accept, **online)
    data = office.ok("certificate", "7", "--json").data
    (accepted,) = data["accepted_links"]
    assert (accepted["url"], accepted["verdict"], accepted["by"]) == (link, "unknown", "A. Patel")
    page = page_of(office, data["campaign"])
    assert link in page
    assert "A. Patel" in page


def test_a_folder_that_cannot_be_written_is_said(sent: Office) -> None:
    """A file in the place of the folder: exit code 2, and what to do."""
    (sent.folder / "taken").write_text("", encoding="utf-8")
    result = sent.run("certificate", "6", "--out", "taken")
    assert result.code == 2
    assert "cannot be written" in result.err
    assert "--out" in result.err


@pytest.mark.parametrize(
    ("text", "said"),
    [("{% if %}", "certificate.html:1"), ("\n{{ nobody.knows }}", "nobody"), (None, "no template")],
)
def test_a_broken_template_is_a_finding(sent: Office, text: str | None, said: str) -> None:
    """The office may change the page; a mistake in it names the file."""
    template = sent.folder / "templates" / "report" / "certificate.html"
    if text is None:
        template.unlink()
    else:
        template.write_text(text, encoding="utf-8")
    result = sent.run("certificate", "6")
    assert result.code == 1
    assert "templates/report/certificate.html" in result.err
    assert said in result.err


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One Chromium for all tests here."""
    with chromium() as running:
        yield running


@pytest.mark.browser
@pytest.mark.parametrize("state", ["open", "finished", "broken"])
def test_the_page_reads_well(request: pytest.FixtureRequest, browser: Browser, state: str) -> None:
    """On a phone and a desk, in light and dark: no sideways scrolling, no WCAG 2.2 A/AA fault."""
    office: Office
    if state == "open":
        office = request.getfixturevalue("office")
        freeze(office)
    else:
        office, _ = request.getfixturevalue("eventful")
    if state == "broken":
        tamper(office, "DELETE FROM delivery WHERE subscriber_id = 5")
        tamper(office, "UPDATE variant SET text = html WHERE name = 'police'")
    assert office.run("certificate", "6").code == (state == "broken")
    made = office.folder / "var" / "certificates" / "certificate-06-autumn-2018.html"
    path = made.rename(made.with_name(f"certificate-{state}.html"))
    assert_reads_well(browser, path, 360, 900)
