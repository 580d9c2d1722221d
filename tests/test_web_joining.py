"""Signing up through the pages: what is asked, what is kept, and who is mailed."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from newsletter_mailer.audience.notices import take_due
from newsletter_mailer.store.tables import subscriber
from newsletter_mailer.store.web_tables import consent, notice, preference, signup
from tests.office import part_of, read_mail
from tests.websites import Website, hidden, link_in, website

ASHA = "asha@leicspart.nhs.uk"


@pytest.fixture
def web(project: Path) -> Iterator[Website]:
    """The pages of the shipped project."""
    with website(project) as made:
        yield made


def test_the_three_pages_lead_to_a_confirmed_subscriber(web: Website) -> None:
    """Address, agency, details, the mail, its button: and everything agreed to is on record."""
    first = web.get("/")
    token = hidden(first.text, "form")
    second = web.post("/sign-up", step="email", email=f"  {ASHA} ", form=token)
    assert "Which agency do you work for?" in second.text
    assert "Often chosen at leicspart.nhs.uk" in second.text
    third = web.post("/sign-up", step="agency", email=ASHA, agency="health-visitors", form=token)
    assert "About you" in third.text
    web.later(seconds=30)
    sent = web.post(
        "/sign-up",
        step="details",
        email=ASHA,
        agency="health-visitors",
        name="Asha Patel",
        role="Health visitor",
        newsletter="yes",
        tracking="yes",
        wording=hidden(third.text, "wording"),
        form=token,
    )
    assert "Look into your inbox" in sent.text
    assert web.person(ASHA).status == "unconfirmed"
    assert web.rows(consent) == []
    (path,) = web.send()
    mail = read_mail(path)
    assert mail["To"] == ASHA
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["List-Unsubscribe"] is None
    assert "Dear Asha," in part_of(mail, "html")
    link = link_in(path)
    assert "Health visitors" in web.get(link).text
    assert web.person(ASHA).status == "unconfirmed"
    web.later(minutes=2)
    assert "You get the newsletter" in web.post(link).text
    who = web.person(ASHA)
    assert (who.status, who.name, who.agency, who.role) == (
        "active",
        "Asha Patel",
        "health-visitors",
        "Health visitor",
    )
    kinds = {row.kind: row for row in web.rows(consent)}
    assert set(kinds) == {"newsletter", "tracking"}
    for row in kinds.values():
        assert row.given
        assert row.wording == "2026-1"
        assert row.shown
        assert row.network
        assert "203.0.113" not in row.network
        assert row.confirmed_at > row.at
    assert web.rows(preference)[0].tracking


def test_tracking_is_off_unless_it_is_ticked(web: Website) -> None:
    """Nobody who only wants the newsletter has agreed to anything else."""
    web.joined(ASHA)
    assert [row.kind for row in web.rows(consent)] == ["newsletter"]
    assert not web.rows(preference)[0].tracking


def test_the_answer_never_shows_whether_an_address_is_known(web: Website) -> None:
    """New, waiting, subscribed, gone, or kept off: the page is the same to the byte."""
    pages = set()
    web.joined(ASHA)

    def answer() -> None:
        web.later(hours=1)
        page = web.fill_in(ASHA)
        pages.add((page.status_code, page.text.replace(hidden(page.text, "form"), "")))

    answer()
    web.later(hours=1)
    new = web.fill_in("new@leicspart.nhs.uk")
    text = new.text.replace(hidden(new.text, "form"), "").replace("new@leicspart", "asha@leicspart")
    pages.add((new.status_code, text))
    web.post(web.links.unsubscribe(1, web.person(ASHA).id))
    answer()
    with web.site.writing() as connection:
        connection.exec_driver_sql(
            "INSERT INTO suppression (email_key, reason, since) VALUES (?, 'complaint', ?)",
            (ASHA, "2031-01-01 00:00:00"),
        )
    answer()
    assert len(pages) == 1


def test_the_owner_of_a_known_address_is_told(web: Website) -> None:
    """Somebody who is subscribed gets a mail that says so, and nothing of theirs changes."""
    web.joined(ASHA, name="Asha")
    web.later(hours=1)
    web.fill_in(ASHA, name="Somebody else", agency="police")
    mail = read_mail(web.send()[-1])
    assert mail["Subject"] == "You already get our newsletter"
    assert (web.person(ASHA).name, web.person(ASHA).agency) == ("Asha", "health-visitors")
    assert web.get(link_in(web.send()[-1])).status_code == 200


def test_who_complained_is_not_mailed_at_all(web: Website) -> None:
    """A complaint or the office's word keeps even the confirmation away; a bounce does not."""
    with web.site.writing() as connection:
        for name, reason in (("a", "complaint"), ("b", "office"), ("c", "bounce")):
            connection.exec_driver_sql(
                "INSERT INTO suppression (email_key, reason, since) VALUES (?, ?, ?)",
                (f"{name}@example.org", reason, "2031-01-01 00:00:00"),
            )
    for name in "abc":
        web.fill_in(f"{name}@example.org")
    assert [read_mail(path)["To"] for path in web.send()] == ["c@example.org"]
    web.post(web.confirm_link())
    assert web.person("c@example.org").status == "active"


def test_two_hundred_sign_ups_at_once_are_one(project: Path) -> None:
    """However they race, an address becomes one subscriber and gets one mail."""
    with website(project, per_network=1_000) as web:
        token = hidden(web.get("/").text, "form")
        web.later(minutes=1)
        form = {
            "step": "details", "email": ASHA, "agency": "gp", "newsletter": "yes", "form": token
        }  # fmt: skip
        with ThreadPoolExecutor(200) as pool:
            answers = list(pool.map(lambda _: web.post("/sign-up", **form), range(200)))
        assert {answer.status_code for answer in answers} == {200}
        assert len(web.rows(subscriber)) == 1
        assert len(web.rows(signup)) == 1
        assert len(web.send()) == 1


def test_a_confirmation_waits_through_a_crash(web: Website) -> None:
    """What was queued is in the database before the answer; a process that dies loses no mail."""
    web.fill_in(ASHA)
    kinds = sorted(row.kind for row in web.rows(notice))
    assert kinds == ["confirm", "reminder"]
    # A process took it in hand, and died.
    with web.site.writing() as connection:
        assert len(take_due(connection, web.site.clock())) == 1
    assert web.send() == []
    web.later(minutes=6)
    assert len(web.send()) == 1


def test_one_reminder_and_then_silence(web: Website) -> None:
    """After three days one reminder, whose link works; after seven the link has expired."""
    web.fill_in(ASHA)
    link = web.confirm_link()
    web.later(days=3, minutes=1)
    reminder = web.send()[-1]
    assert read_mail(reminder)["Subject"] == "You have not yet confirmed our newsletter"
    assert len(web.send()) == 2
    web.later(days=4)
    assert len(web.send()) == 2
    assert "This link is too old" in web.get(link).text
    assert "This link is too old" in web.post(link).text
    assert web.person(ASHA).status == "unconfirmed"
    assert "Look into your inbox" in web.post(f"{link}/again").text
    fresh = web.confirm_link()
    assert "You get the newsletter" in web.post(fresh).text
    assert web.get(link).status_code == 200
    assert "does not work" in web.get(link).text


def test_no_reminder_for_who_has_confirmed(web: Website) -> None:
    """Somebody who confirmed is left alone."""
    web.joined(ASHA)
    web.later(days=4)
    assert len(web.send()) == 1


def test_it_can_be_sent_again_but_not_without_end(web: Website) -> None:
    """A newer link replaces the older one; an address gets four mails a day at most."""
    web.fill_in(ASHA)
    first = web.confirm_link()
    web.fill_in(ASHA, go="again")
    assert len(web.send()) == 1
    web.later(minutes=1)
    web.fill_in(ASHA, go="again")
    assert len(web.send()) == 2
    assert "does not work" in web.get(first).text
    for _ in range(10):
        web.later(minutes=15)
        web.fill_in(ASHA)
        web.send()
    assert len(web.send()) == 4
    web.later(days=1)
    web.fill_in(ASHA)
    assert len(web.send()) == 5


def test_a_confirmed_link_says_so(web: Website) -> None:
    """Pressing twice, or opening the link again, changes nothing and worries nobody."""
    web.fill_in(ASHA)
    link = web.confirm_link()
    web.post(link)
    before = web.person(ASHA)
    web.later(minutes=1)
    assert "confirmed before" in web.post(link).text
    assert "confirmed before" in web.get(link).text
    assert web.person(ASHA) == before
    assert len(web.rows(consent)) == 1


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"email": "asha"}, "in the right form"),
        ({"email": ""}, "Enter your work e-mail address"),
        ({"email": "a" * 300 + "@example.org"}, "at most 254 characters"),
        ({"agency": "nowhere"}, "Choose the agency"),
        ({"newsletter": ""}, "Tick the box"),
        ({"name": "n" * 201}, "200 characters or fewer"),
    ],
)
def test_mistakes_are_named_and_linked(web: Website, fields: dict[str, str], message: str) -> None:
    """The summary on top links to the field, the title says Error, and what was typed stays."""
    answer = web.fill_in(**({"email": ASHA, "role": "Head of <b>"} | fields))
    assert answer.status_code == 422
    assert "<title>Error: " in answer.text
    assert "There is a problem" in answer.text
    assert message in answer.text
    assert 'href="#' in answer.text
    assert "Head of &lt;b&gt;" in answer.text
    assert web.rows(subscriber) == []


def test_the_list_of_agencies_is_searched_without_a_script(web: Website) -> None:
    """The button narrows the list to what fits; nothing found shows all again."""
    token = hidden(web.get("/").text, "form")
    form = {"step": "agency", "email": "a@example.org", "go": "search", "form": token}
    found = web.post("/sign-up", **form, search="health visit").text
    assert 'value="health-visitors"' in found
    assert 'value="police"' not in found
    assert "1 agency fits" in found
    assert 'value="police"' in web.post("/sign-up", **form, search="zzz").text
    police = web.post("/sign-up", **form, search="policing").text
    assert 'value="pcc"' in police
    assert 'value="gp"' not in police


def test_nobody_is_signed_up_from_another_site(web: Website) -> None:
    """A form that a browser sends from elsewhere is refused, whatever it holds."""
    for headers in (
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"origin": "https://evil.example"},
        {"origin": "null"},
    ):
        answer = web.client.request("POST", "/sign-up", data={"email": ASHA}, headers=headers)
        assert answer.status_code == 403
    own = web.client.request(
        "POST", "/sign-up", data={"email": ASHA}, headers={"origin": web.settings.base_url}
    )
    assert own.status_code == 200


def test_robots_are_told_nothing_and_keep_nothing(web: Website) -> None:
    """Who fills in the hidden field sees success; who is too quick is asked to look again."""
    assert "Look into your inbox" in web.fill_in(ASHA, website="https://spam.example").text
    token = hidden(web.get("/").text, "form")
    form = {
        "step": "details", "email": ASHA, "agency": "gp", "newsletter": "yes"
    }  # fmt: skip
    for quick in (token, "", "forged.token", hidden(web.get("/").text, "form")):
        answer = web.post("/sign-up", **form, form=quick)
        assert answer.status_code == 422
        assert "send it once more" in answer.text
    assert web.rows(subscriber) == []
    web.later(seconds=5)
    assert web.post("/sign-up", **form, form=token).status_code == 200
    assert len(web.rows(subscriber)) == 1


def test_who_left_is_asked_once_and_not_reminded(web: Website) -> None:
    """A stranger who enters the address of somebody who left causes one mail, and no more."""
    id_ = web.subscribed(ASHA)
    web.post(web.links.unsubscribe(1, id_))
    web.fill_in(ASHA)
    assert len(web.send()) == 1
    web.later(days=4)
    assert len(web.send()) == 1
    assert web.person(ASHA).status == "unsubscribed"


def test_a_complaint_stops_what_waits(web: Website) -> None:
    """Between the sign-up and its reminder somebody complained: nothing more is sent."""
    web.fill_in(ASHA)
    web.send()
    with web.site.writing() as connection:
        connection.exec_driver_sql(
            "INSERT INTO suppression (email_key, reason, since) VALUES (?, 'complaint', ?)",
            (ASHA, "2031-01-01 00:00:00"),
        )
    web.later(days=4)
    assert len(web.send()) == 1
    assert web.rows(notice) == []
