"""Whatever the server does, the ledger ends with the server's truth.

Small campaigns from `newsletter send` to the fake server and back into the database:
sent is what was taken, in doubt is only what could be either, an address is suppressed
only where it is dead, and nobody suffers for our own faults.
"""

import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.fake_smtp import FakeSmtp, Rule, certificate
from tests.mailroom import (
    SEND,
    agrees,
    clean,
    everybody_once,
    frozen_office,
    in_doubt,
    ledger,
    statuses,
    suppressed,
    way_to,
)
from tests.office import Office, Result

PEOPLE = 24

IMPATIENT = {"NEWSLETTER_SMTP__TIMEOUT": "0.5", "NEWSLETTER_SMTP__FINAL_TIMEOUT": "0.6"}
"""For servers that fall silent."""

Send = Callable[..., Result]


@pytest.fixture(scope="module")
def frozen(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project of an office whose campaign is frozen."""
    return frozen_office(tmp_path_factory.mktemp("frozen"), PEOPLE).folder


@pytest.fixture
def office(frozen: Path, tmp_path: Path) -> Office:
    """An office of its own, with a frozen campaign."""
    office = Office(Path(shutil.copytree(frozen, tmp_path / "project")))
    office.ok("adopt", "--yes")  # a copy does not send by itself
    return office


def send(office: Office, server: FakeSmtp, **environment: str) -> Result:
    """Send what is left, and see that nobody was served twice and no letter was made up."""
    result = office.run(*SEND, "--json", **way_to(server) | environment)
    assert "Traceback" not in result.err + result.out
    agrees(office, server)
    return result


def reader(number: int) -> str:
    """An address of the list."""
    return f"reader{number}@example.org"


@pytest.mark.parametrize(
    "step", ["connect", "ehlo", "starttls", "auth", "mail", "rcpt", "data", "message", "quit"]
)
def test_421_at_every_step(office: Office, tmp_path: Path, step: str) -> None:
    """The server closes now and then: everybody is served, and served once.

    At STARTTLS alone it may stop the command, which then goes on when it is run again.
    """
    tls, _ = certificate(tmp_path, "127.0.0.1")
    with FakeSmtp(
        [Rule(step, "421 4.3.2 Closing", nth=2)], tls=tls, login=("office", "secret")
    ) as server:
        environment = {
            "NEWSLETTER_SMTP_URL": f"smtp+starttls://office:secret@127.0.0.1:{server.port}",
            "SSL_CERT_FILE": str(tmp_path / "127.0.0.1.pem"),
        }
        result = send(office, server, **environment)
        if step == "starttls" and result.code:
            clean(result, "421 4.3.2 Closing")
            result = send(office, server, **environment)
        assert result.code == 0
        assert server.seen[step] >= 2
        everybody_once(office, server, PEOPLE)


DEAD = (
    "550 5.1.1 No such user",
    "550 5.1.2 No such domain",
    "553 5.1.3 Bad syntax",
    "551 5.1.6 Moved",
    "556 5.1.10 Null MX",
    "550 5.2.1 Disabled",
)
REFUSED = ("552 5.2.2 Mailbox full", "550 5.6.0 Bad content", "550 No", "554 Not here")
LATER = (
    "421 4.7.0 Slow down",
    "450 4.2.1 Later",
    "451 4.7.1 Greylisted",
    "452 4.2.2 Mailbox full",
    "450 Later",
)


@pytest.mark.parametrize("step", ["rcpt", "message"])
@pytest.mark.parametrize("pipelining", [True, False])
def test_refusals_for_good(office: Office, step: str, pipelining: bool) -> None:
    """Each code fails its own letter, with code and words; only dead addresses are suppressed."""
    replies = {reader(at): reply for at, reply in enumerate((*DEAD, *REFUSED), 5)}
    rules = [Rule(step, reply, recipient=who) for who, reply in replies.items()]
    with FakeSmtp(rules, pipelining=pipelining) as server:
        assert send(office, server).code == 1
        rows = ledger(office)
    failed = {email: row for email, row in rows.items() if row.status == "failed"}
    assert failed.keys() == replies.keys()
    assert statuses(office) == Counter(sent=PEOPLE - len(replies), failed=len(replies))
    for email, row in failed.items():
        code, *words = replies[email].split(" ", 1)
        enhanced = words[0].partition(" ")[0]
        assert row.code == (enhanced if enhanced[0].isdigit() else code)
        assert replies[email].rpartition(".")[2].lstrip("0123456789 ") in row.error
        assert row.attempts == 1
    dead = {email: reply.split()[1] for email, reply in replies.items() if reply in DEAD}
    assert suppressed(office) == {email: ("bounce", code) for email, code in dead.items()}


@pytest.mark.parametrize("step", ["rcpt", "message"])
def test_refusals_for_now(office: Office, step: str) -> None:
    """Each is put off with its code and tried again; nobody is suppressed; later all are sent."""
    replies = {reader(at): reply for at, reply in enumerate(LATER, 5) if step != "rcpt" or at > 5}
    rules = [Rule(step, reply, recipient=who) for who, reply in replies.items()]
    with FakeSmtp(rules) as server:
        result = send(office, server, NEWSLETTER_SEND__PATIENCE="0.2")
        rows = ledger(office)
        put_off = {email: row for email, row in rows.items() if row.status == "deferred"}
        assert put_off.keys() == replies.keys()
        assert all(row.code in replies[email] for email, row in put_off.items())
        assert max(row.attempts for row in put_off.values()) >= 2
        assert (result.code, result.data["state"]) == (0, "sending")
        server.rules = ()
        assert send(office, server).code == 0
        everybody_once(office, server, PEOPLE)
    assert suppressed(office) == {}


@pytest.mark.parametrize(
    ("step", "reply"),
    [
        ("mail", "550 5.7.1 Sender refused"),
        ("mail", "501 5.1.7 Bad sender"),
        ("rcpt", "550 5.7.1 Relaying denied"),
        ("rcpt", "530 5.7.0 Authentication required"),
        ("data", "554 5.5.1 Not now"),
        ("message", "550 5.7.1 Looks like spam"),
        ("message", "550 5.7.26 DMARC"),
        ("message", "552 5.3.4 Too big"),
    ],
)
def test_our_own_faults_stop_and_blame_nobody(office: Office, step: str, reply: str) -> None:
    """The command ends with the reply; nobody failed; mended, the rest get it."""
    with FakeSmtp([Rule(step, reply, since=8)]) as server:
        clean(send(office, server), reply)
        assert set(statuses(office)) <= {"sent", "pending", "deferred"}
        assert statuses(office)["sent"] < PEOPLE
        server.rules = ()
        assert send(office, server).code == 0
        everybody_once(office, server, PEOPLE)
    assert suppressed(office) == {}


@pytest.mark.parametrize("chunking", [False, True])
@pytest.mark.parametrize("do", ["drop", "take-drop", "hang", "take-hang", "garbage"])
def test_no_answer_to_a_message_is_in_doubt(office: Office, do: str, chunking: bool) -> None:
    """Taken or not, that one letter is in doubt, it is named, and it is never sent again."""
    with FakeSmtp([Rule("message", do, nth=5)], chunking=chunking) as server:
        assert send(office, server, **IMPATIENT).code == 1
        (doubtful,) = in_doubt(office)
        assert statuses(office) == Counter(sent=PEOPLE - 1, in_doubt=1)
        assert (doubtful in server.recipients()) is do.startswith("take")
        listed = office.ok("in-doubt", "6", "--json").data["in_doubt"]
        assert [each["email"] for each in listed] == [doubtful]
        assert send(office, server).data["sent"] == PEOPLE - 1
    assert suppressed(office) == {}


@pytest.mark.parametrize(
    ("step", "do"),
    [
        *((step, do) for step in ("mail", "rcpt", "data") for do in ("drop", "hang", "silent")),
        ("message", "reply-drop"),
        ("message", "surplus"),
        ("mail", "garbage"),
    ],
)
def test_what_breaks_elsewhere_leaves_no_doubt(office: Office, step: str, do: str) -> None:
    """Before the last dot, or after its answer, it is clear who has the letter."""
    with FakeSmtp([Rule(step, do, nth=5)]) as server:
        assert send(office, server, **IMPATIENT).code == 0
        everybody_once(office, server, PEOPLE)


@pytest.mark.parametrize("pipelining", [True, False])
def test_replies_byte_by_byte(office: Office, pipelining: bool) -> None:
    """Each byte in a packet of its own: every reply is still its own letter's."""
    rules = [
        Rule("rcpt", "550 5.1.1 No", recipient=reader(9)),
        Rule("message", "552 5.2.2 Full", recipient=reader(11)),
    ]
    with FakeSmtp(rules, split=True, pipelining=pipelining) as server:
        send(office, server)
    failed = {email: row.code for email, row in ledger(office).items() if row.status == "failed"}
    assert failed == {reader(9): "5.1.1", reader(11): "5.2.2"}
    assert statuses(office)["sent"] == PEOPLE - 2
    assert suppressed(office).keys() == {reader(9)}


def test_starttls_refused(office: Office, tmp_path: Path) -> None:
    """Not one letter travels unprotected; when the server has mended it, all do."""
    tls, _ = certificate(tmp_path, "127.0.0.1")
    with FakeSmtp([Rule("starttls", "454 4.7.0 TLS is out of order")], tls=tls) as server:
        secured = {
            "NEWSLETTER_SMTP_URL": f"smtp+starttls://127.0.0.1:{server.port}",
            "SSL_CERT_FILE": str(tmp_path / "127.0.0.1.pem"),
        }
        clean(send(office, server, **secured), f"127.0.0.1:{server.port}")
        assert statuses(office) == Counter(pending=PEOPLE)
        assert not any(line.startswith("MAIL") for line in server.commands)
        server.rules = ()
        send(office, server, **secured)
        everybody_once(office, server, PEOPLE)


@pytest.mark.parametrize("scheme", ["smtps", "smtp+starttls"])
def test_a_wrong_certificate(office: Office, tmp_path: Path, scheme: str) -> None:
    """Made for another name, it is not trusted; the message says so, and nothing leaves."""
    tls, _ = certificate(tmp_path, "mail.example.net")
    with FakeSmtp(tls=tls, implicit_tls=scheme == "smtps") as server:
        secured = {
            "NEWSLETTER_SMTP_URL": f"{scheme}://127.0.0.1:{server.port}",
            "SSL_CERT_FILE": str(tmp_path / "mail.example.net.pem"),
        }
        clean(send(office, server, **secured), "certificate")
        assert statuses(office) == Counter(pending=PEOPLE)
        assert not server.taken
        server.tls, _ = certificate(tmp_path, "127.0.0.1")
        send(office, server, **secured | {"SSL_CERT_FILE": str(tmp_path / "127.0.0.1.pem")})
        everybody_once(office, server, PEOPLE)


def test_auth_refused_in_mid_campaign(office: Office) -> None:
    """When the password is no longer taken, it stops, and nobody is to blame; then it goes on."""
    login = ("office", "secret")
    with FakeSmtp(login=login, logins=range(1, 4), cap=5) as server:
        url = {"NEWSLETTER_SMTP_URL": f"smtp://office:secret@127.0.0.1:{server.port}"}
        clean(send(office, server, **url), "535 5.7.8")
        assert 0 < statuses(office)["sent"] < PEOPLE
        assert set(statuses(office)) <= {"sent", "pending", "deferred"}
        server.logins = range(1, 1_000)
        send(office, server, **url)
        everybody_once(office, server, PEOPLE)
    assert suppressed(office) == {}


def test_everything_at_once(office: Office) -> None:
    """Many faults by chance, run again until nothing is left: the ledger is the truth."""
    rules = [
        Rule("connect", "421 4.3.2 Busy", nth=2),
        Rule("mail", "drop", chance=0.05),
        Rule("rcpt", "451 4.7.1 Later", chance=0.1),
        Rule("rcpt", "550 5.1.1 No", recipient=reader(3)),
        Rule("data", "421 4.3.2 Closing", chance=0.1),
        Rule("message", "452 4.3.1 Full", chance=0.1),
        Rule("message", "550 5.7.1 Spam", nth=15),
        Rule("message", "take-drop", nth=11),
    ]
    with FakeSmtp(rules) as server:
        for _ in range(10):
            send(office, server)
            if not statuses(office)["pending"] + statuses(office)["deferred"]:
                break
        assert statuses(office) == Counter(sent=PEOPLE - 2, failed=1, in_doubt=1)
        assert in_doubt(office) <= set(server.recipients())
    assert suppressed(office).keys() == {reader(3)}
