"""`newsletter doctor`: what it says of machine, database, mails and transport."""

import datetime as dt
import http.server
import ipaddress
import socket
import sqlite3
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from newsletter_mailer.doctor import clock, machine
from newsletter_mailer.doctor.diagnosis import Health, failing, fine
from newsletter_mailer.doctor.examining import examine
from newsletter_mailer.doctor.mail import letterhead
from newsletter_mailer.doctor.sample import sample
from newsletter_mailer.errors import SettingsError
from newsletter_mailer.settings import Settings, load_settings
from newsletter_mailer.store.engine import open_store
from tests.fake_dns import Zone, dead_dns, fake_dns
from tests.office import Office, Result

FINE, LOOK, FAILING, UNKNOWN = "fine", "warning", "failing", "cannot check"
NOW = dt.datetime(2026, 11, 21, 12, tzinfo=dt.UTC)
SECRET = "a secret of more than thirty-two characters"  # noqa: S105 - that it is not shown is tested
PASSWORD = "open-sesame"  # noqa: S105

ZONE: Zone = {
    "example.org": {"TXT": ["v=spf1 mx -all"], "MX": ["10 mx.example.org."]},
    "mx.example.org": {"A": ["198.51.100.9"]},
    "_dmarc.example.org": {"TXT": ["v=DMARC1; p=reject; rua=mailto:d@example.org"]},
}
WORLD = {
    "NEWSLETTER_BASE_URL": "https://127.0.0.1:1",  # nothing listens there
    "NEWSLETTER_SENDER__ADDRESS": "office@example.org",
    "NEWSLETTER_SECRET_KEY": SECRET,
}


@pytest.fixture
def office(project: Path) -> Office:
    """An office with a copy of the shipped project."""
    return Office(project)


@pytest.fixture
def dns() -> Iterator[str]:
    """The address of a name server that knows a good domain."""
    with fake_dns(ZONE) as server:
        yield f"{server.address}:{server.port}"


def diagnoses(result: Result) -> dict[str, dict[str, str]]:
    """What `--json` says, by name."""
    return {each["name"]: each for each in result.data["diagnoses"]}


def examined(office: Office, dns: str, **environment: str) -> dict[str, dict[str, str]]:
    """The diagnoses of an office at a good domain."""
    result = office.run("doctor", "--nameserver", dns, "--json", **{**WORLD, **environment})
    assert SECRET not in result.out + result.err
    assert PASSWORD not in result.out + result.err
    found = diagnoses(result)
    assert result.code == (1 if any(each["health"] == FAILING for each in found.values()) else 0)
    return found


def test_a_healthy_office(office: Office, dns: str) -> None:
    """Where nothing is failing, the command ends with 0, and changes nothing in the project."""
    found = examined(office, dns)
    assert {each["health"] for each in found.values()} == {FINE, LOOK, UNKNOWN}
    for name in ("settings", "secret key", "database", "disk space", "clock", "SPF", "DMARC"):
        assert found[name]["health"] == FINE, found[name]
    assert all(each["mend"] for each in found.values() if each["health"] == LOOK)
    assert not (office.folder / "var").exists()


def test_a_person_gets_words_beside_colours(office: Office, dns: str) -> None:
    """Each line begins with a word for its health, and what is not fine says what to do."""
    result = office.ok("doctor", "--nameserver", dns, **WORLD)
    lines = result.out.splitlines()
    assert "The domain example.org" in lines
    assert any(line.startswith("  fine ") and "SPF: v=spf1 mx -all" in line for line in lines)
    at = next(
        n
        for n, line in enumerate(lines)
        if line.split() == ["look", *["list", "headers", "signed"]]
    )
    assert "DKIM" in lines[at + 1]
    assert "[dkim]" in lines[at + 2]
    assert "0 failing" in lines[-1]
    assert "\x1b" not in result.out


def test_a_failing_domain_ends_with_1(office: Office) -> None:
    """What receivers would refuse for is failing, and the exit code says so."""
    with fake_dns({"example.org": {"MX": ["0 ."]}}) as server:
        address = f"{server.address}:{server.port}"
        result = office.run("doctor", "--nameserver", address, **WORLD)
        found = examined(office, address)
    assert result.code == 1
    assert "  failing " in result.out
    for name in ("SPF", "DMARC", "MX of example.org"):
        assert found[name]["health"] == FAILING


def test_without_a_network_nothing_is_failing(office: Office) -> None:
    """A dead name server means `cannot check` in time, not a sick domain."""
    begun = time.monotonic()
    with dead_dns() as port:
        found = examined(office, f"127.0.0.1:{port}")
    assert time.monotonic() - begun < 15
    for name in ("SPF", "DMARC", "MX of example.org", "MTA-STS"):
        assert found[name]["health"] == UNKNOWN


def test_broken_settings_are_a_diagnosis(office: Office, dns: str) -> None:
    """Every mistake in the settings is named, and the machine is looked at all the same."""
    path = office.folder / "newsletter.toml"
    path.write_text(path.read_text("utf-8").replace("[send]", "[sent]"), "utf-8")
    result = office.run("doctor", "--nameserver", dns, "--json", **WORLD)
    found = diagnoses(result)
    assert result.code == 1
    assert found["settings"]["health"] == FAILING
    assert "sent" in found["settings"]["found"]
    assert found["disk space"]["health"] == FINE
    assert found["database, domain, mails, transport"]["health"] == UNKNOWN


def test_outside_a_project_it_is_wrong_usage(tmp_path: Path) -> None:
    """There is nothing to look at where there is no newsletter.toml."""
    result = Office(tmp_path).run("doctor")
    assert result.code == 2
    assert "newsletter.toml" in result.err


def database(office: Office) -> sqlite3.Connection:
    """The office's database, made as a command would make it."""
    settings = load_settings(office.folder)
    open_store(settings).dispose()
    return sqlite3.connect(settings.state / "newsletter.db", isolation_level=None)


def test_a_sound_database(office: Office, dns: str) -> None:
    """A database that is there is whole and at the newest step."""
    database(office).close()
    found = examined(office, dns)
    assert found["database"]["found"].endswith("is whole")
    assert found["migrations"]["health"] == FINE
    assert found["clock and database"]["health"] == FINE


@pytest.mark.parametrize(("step", "health"), [("0001", LOOK), ("9999", FAILING)])
def test_a_database_of_another_version(office: Office, dns: str, step: str, health: str) -> None:
    """An older database is only doubtful; one that a newer program has used is failing."""
    with closing(database(office)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = ?", [step])
        found = examined(office, dns)
        assert found["migrations"]["health"] == health
        assert connection.execute("SELECT version_num FROM alembic_version").fetchone() == (step,)


def test_a_database_that_is_none(office: Office, dns: str) -> None:
    """A file that is no database is a diagnosis, and the rest goes on."""
    (office.folder / "var").mkdir()
    (office.folder / "var" / "newsletter.db").write_text("not a database " * 1000)
    found = examined(office, dns)
    assert found["database"]["health"] == FAILING
    assert "not an SQLite database" in found["database"]["found"]
    assert found["SPF"]["health"] == FINE


def test_the_disk_is_compared_with_what_a_campaign_takes(office: Office, dns: str) -> None:
    """Active subscribers, and the size of the largest mail that was frozen, are counted."""
    office.subscribe(20)
    office.ok("subscribers", "unsubscribe", "reader3@example.org")
    assert "a campaign to 19 people" in examined(office, dns)["disk space"]["found"]
    with closing(database(office)) as connection:
        connection.execute(
            "INSERT INTO variant VALUES (1, 'a', 0, 'x', '{}', '{}', ?, '{}')", ["x" * 30_000_000]
        )
        connection.execute(
            "INSERT INTO campaign_image VALUES (1, 'a.png', 'image/png', ?)", [bytes(20_000_000)]
        )
    # 19 times 30 MB and 20 MB in base64
    assert "takes 1,040 MB" in examined(office, dns)["disk space"]["found"]


def test_a_damaged_database(office: Office, dns: str) -> None:
    """Pages that were overwritten are noticed before a campaign trusts them."""
    with closing(database(office)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.execute("PRAGMA journal_mode = DELETE")
    path = office.folder / "var" / "newsletter.db"
    raw = bytearray(path.read_bytes())
    raw[-8192:] = b"\xff" * 8192
    path.write_bytes(raw)
    found = examined(office, dns)
    assert found["database"]["health"] == FAILING
    assert "damaged" in found["database"]["found"]


def test_somebody_elses_database(office: Office, dns: str) -> None:
    """Tables that are not ours are left alone, and said to be so."""
    (office.folder / "var").mkdir()
    with closing(sqlite3.connect(office.folder / "var" / "newsletter.db")) as connection:
        connection.execute("CREATE TABLE theirs (x)")
    assert "not this program's" in examined(office, dns)["database"]["found"]


@pytest.mark.parametrize("url", ["nonsense", "mysql://localhost/x", "sqlite://"])
def test_a_database_url_that_names_none(office: Office, dns: str, url: str) -> None:
    """What `database_url` should be is said by the one message for it."""
    found = examined(office, dns, NEWSLETTER_DATABASE_URL=url)["database"]
    assert found["health"] == FAILING
    assert "database_url" in found["found"]


def test_a_time_in_the_future_shows_a_wrong_clock(office: Office, dns: str) -> None:
    """What was written later than now means that the clock is wrong, now or then."""
    with closing(database(office)) as connection:
        connection.execute(
            "INSERT INTO import_run (file_name, started_at) VALUES ('x', '2099-01-01 00:00:00')"
        )
    assert examined(office, dns)["clock and database"]["health"] == FAILING


def test_secret_keys(office: Office, dns: str) -> None:
    """A short key is failing; one that others may read, or none yet, is doubtful."""
    short = examined(office, dns, NEWSLETTER_SECRET_KEY="short")  # noqa: S106 - too short for one
    assert short["secret key"]["health"] == FAILING
    world = {key: value for key, value in WORLD.items() if key != "NEWSLETTER_SECRET_KEY"}

    def kept() -> dict[str, str]:
        result = office.run("doctor", "--nameserver", dns, "--json", **world)
        assert SECRET not in result.out
        return diagnoses(result)["secret key"]

    assert kept()["health"] == LOOK
    path = office.folder / "var" / "secret-key"
    path.parent.mkdir()
    path.write_text(SECRET)
    path.chmod(0o644)
    assert "mode 644" in kept()["found"]
    path.chmod(0o600)
    assert kept()["health"] == FINE


def test_a_file_where_a_folder_must_be(office: Office, dns: str) -> None:
    """Where the program cannot keep anything, it says which path is in the way."""
    (office.folder / "var").write_text("in the way")
    found = examined(office, dns)
    assert found["folders"]["health"] == FAILING
    assert found["outbox"]["health"] == FAILING


def test_a_campaign_that_does_not_fit_on_the_disk(tmp_path: Path) -> None:
    """The outbox of many people with large mails is compared with the free space."""
    small = machine.disk(tmp_path, people=10, mail=1_000, outbox=True)
    assert small.health is Health.FINE
    large = machine.disk(tmp_path, people=1_000, mail=10**15, outbox=True)
    assert large.health is Health.FAILING
    elsewhere = machine.disk(tmp_path, people=1_000, mail=10**15, outbox=False)
    assert elsewhere.health is Health.FINE


@pytest.mark.parametrize(
    ("now", "health"),
    [
        (dt.datetime(1970, 1, 1, tzinfo=dt.UTC), Health.FAILING),
        (NOW, Health.FINE),
        (dt.datetime(2199, 1, 1, tzinfo=dt.UTC), Health.FAILING),
    ],
)
def test_a_clock_that_was_never_set(now: dt.datetime, health: Health) -> None:
    """A year in which this program did not exist is no present year."""
    assert clock.year(now).health is health


def test_a_zone_that_the_machine_does_not_know() -> None:
    """Without the data of the office's time zone no event time is right."""
    assert clock.zone("Europe/London").health is Health.FINE
    assert clock.zone("Europe/Nowhere").health is Health.FAILING


@contextmanager
def web_server(date: str) -> Iterator[str]:
    """A web server that says this is the time."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.send_response_only(204)
            if date:
                self.send_header("Date", date)
            self.end_headers()

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize(
    ("date", "health"),
    [
        ("Sat, 21 Nov 2026 12:00:30 GMT", Health.FINE),
        ("Sat, 21 Nov 2026 11:00:00 GMT", Health.WARNING),
        ("Sat, 21 Nov 2026 13:00:00 GMT", Health.WARNING),
        ("yesterday", Health.UNKNOWN),
        ("", Health.UNKNOWN),
    ],
)
def test_the_clock_beside_another(date: str, health: Health) -> None:
    """The web server's Date is what the clock is compared with."""
    with web_server(date) as url:
        assert clock.against(url, lambda: NOW).health is health


def write_key(folder: Path, bits: int = 2048) -> rsa.RSAPrivateKey:
    """A DKIM key in the project, and the section that names it."""
    key = rsa.generate_private_key(65537, bits)
    (folder / "dkim.pem").write_bytes(pem(key))
    (folder / "dkim.pem").chmod(0o644)
    with (folder / "newsletter.toml").open("a", encoding="utf-8") as file:
        file.write('\n[dkim]\ndomain = "example.org"\nselector = "s1"\nkey_file = "dkim.pem"\n')
    return key


def pem(key: rsa.RSAPrivateKey) -> bytes:
    """A private key in a file."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def test_signed_mails_are_covered(office: Office, dns: str) -> None:
    """With a DKIM key the list headers are in h=, and the key's record is asked for."""
    write_key(office.folder)
    found = examined(office, dns)
    assert found["list headers signed"]["health"] == FINE
    assert found["DKIM key file"]["health"] == LOOK
    (office.folder / "dkim.pem").chmod(0o600)
    assert found["DKIM"]["health"] == FAILING
    assert '"v=DKIM1; k=rsa; p=' in found["DKIM"]["mend"]
    record = found["DKIM"]["mend"].split('"')[1]
    with fake_dns({**ZONE, "s1._domainkey.example.org": {"TXT": [record]}}) as server:
        healed = examined(office, f"{server.address}:{server.port}")
    assert healed["DKIM"]["health"] == FINE
    assert healed["DKIM key file"]["health"] == FINE
    assert healed["DMARC alignment"]["health"] == FINE


def test_a_dkim_key_that_cannot_be_read(office: Office, dns: str) -> None:
    """A missing key file is a diagnosis where mails are looked at."""
    write_key(office.folder)
    (office.folder / "dkim.pem").unlink()
    found = examined(office, dns)
    assert found["list headers"]["health"] == FAILING
    assert "dkim.pem" in found["list headers"]["found"]


def test_list_headers_that_are_missing_or_wrong(settings: Settings) -> None:
    """Each fault that providers punish is found in the bytes of a message."""
    good = sample(settings, NOW)
    assert [each.health for each in letterhead(good)][:2] == [Health.FINE, Health.FINE]

    def after(old: bytes, new: bytes) -> list[Health]:
        assert old in good
        return [each.health for each in letterhead(good.replace(old, new, 1))][:2]

    assert after(b"List-Id:", b"X-Id:") == [Health.FAILING, Health.FINE]
    assert after(b"Subject: ", b"Subject: a\r\nSubject: ") == [Health.FAILING, Health.FINE]
    assert after(b"<https://", b"<http://") == [Health.FINE, Health.FAILING]
    assert after(b"=One-Click", b"=Two") == [Health.FINE, Health.FAILING]


def test_a_mail_to_leave_is_known(settings: Settings) -> None:
    """With an address for mails in the settings the check says it, beside the one click."""
    sender = settings.sender.model_copy(update={"unsubscribe_address": "o'k+news@example.org"})
    made = letterhead(sample(settings.model_copy(update={"sender": sender}), NOW))
    assert [each.health for each in made][:2] == [Health.FINE, Health.FINE]
    assert "a mail to o'k+news@example.org" in made[1].found
    assert "a mail" not in letterhead(sample(settings, NOW))[1].found


def test_a_signature_that_leaves_list_headers_out(settings: Settings) -> None:
    """A signature without List-Unsubscribe-Post in h= is failing (RFC 8058, 4)."""
    fields = "From:To:Subject:Date:Message-ID:List-Id:List-Unsubscribe"
    for names, health in (
        (fields, Health.FAILING),
        (f"{fields}:List-Unsubscribe-Post", Health.FINE),
    ):
        signature = f"DKIM-Signature: v=1; d=example.org; s=s1;\r\n\th={names};\r\n\tb=x\r\n"
        assert letterhead(signature.encode() + sample(settings, NOW))[2].health is health


class _Relay:
    """What a relay was told."""

    def __init__(self) -> None:
        self.quits = 0
        self.mails: list[str] = []

    async def handle_QUIT(self, *_: object) -> str:  # noqa: N802 - aiosmtpd's name
        """Goodbye."""
        self.quits += 1
        return "221 2.0.0 Bye"

    async def handle_MAIL(  # noqa: N802 - aiosmtpd's name
        self, _server: object, _session: object, _envelope: object, address: str, _options: object
    ) -> str:
        """A message begins."""
        self.mails.append(address)
        return "250 2.1.0 OK"


def certificate(folder: Path, days: int) -> Path:
    """A certificate for this machine that is good for so many days, and its key, in one file."""
    key = rsa.generate_private_key(65537, 2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "relay.example.org")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=30))
        .not_valid_after(now + dt.timedelta(days=days))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .sign(key, hashes.SHA256())
    )
    path = folder / "relay.pem"
    path.write_bytes(pem(key) + made.public_bytes(Encoding.PEM))
    return path


@contextmanager
def relay(cert: Path, size: int = 10_000_000) -> Iterator[tuple[_Relay, int]]:
    """A relay on this machine that offers STARTTLS, and lets one user in."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(cert)
    with socket.create_server(("127.0.0.1", 0)) as reserved:
        port = reserved.getsockname()[1]

    def authenticate(*given: Any) -> AuthResult:  # noqa: ANN401 - aiosmtpd's own
        data = given[-1]
        assert isinstance(data, LoginPassword)
        return AuthResult(success=data.password == PASSWORD.encode(), handled=False)

    told = _Relay()
    controller = Controller(
        told,
        hostname="127.0.0.1",
        port=port,
        tls_context=tls,
        require_starttls=True,
        authenticator=authenticate,
        data_size_limit=size,
    )
    controller.start()
    try:
        yield told, port
    finally:
        controller.stop()


def through(office: Office, dns: str, url: str, cert: Path) -> dict[str, dict[str, str]]:
    """The diagnoses of an office that sends through this relay."""
    return examined(
        office,
        dns,
        NEWSLETTER_TRANSPORT="smtp",
        NEWSLETTER_SMTP_URL=url,
        SSL_CERT_FILE=str(cert),
    )


def test_a_relay_that_lets_us_in(office: Office, dns: str, tmp_path: Path) -> None:
    """The relay is spoken to as a campaign would, up to the log-in, and nothing is sent."""
    cert = certificate(tmp_path, days=90)
    with relay(cert) as (told, port):
        found = through(office, dns, f"smtp+starttls://news:{PASSWORD}@127.0.0.1:{port}", cert)
        assert found["relay"]["health"] == FINE, found["relay"]
        assert "TLSv1" in found["relay"]["found"]
        assert found["relay's certificate"]["health"] == FINE
        assert found["message size"]["health"] == FINE
        assert found["pipelining"]["health"] == LOOK
        assert found["SPF and the relay"]["health"] == UNKNOWN
        assert (told.quits, told.mails) == (1, [])


def test_a_relay_that_refuses_us(office: Office, dns: str, tmp_path: Path) -> None:
    """A wrong password, a certificate nobody vouches for, and no relay at all are failing."""
    cert = certificate(tmp_path, days=90)
    with relay(cert) as (_, port):
        wrong = through(office, dns, f"smtp+starttls://news:wrong@127.0.0.1:{port}", cert)
        assert wrong["relay"]["health"] == FAILING
        assert "log-in" in wrong["relay"]["found"]
        other = tmp_path / "other"
        other.mkdir()
        url = f"smtp+starttls://news:{PASSWORD}@127.0.0.1:{port}"
        forged = through(office, dns, url, certificate(other, days=90))
        assert forged["relay"]["health"] == FAILING
        assert "certificate" in forged["relay"]["found"]
    gone = through(office, dns, url, cert)
    assert gone["relay"]["health"] == FAILING
    assert "reached" in gone["relay"]["found"]


def test_a_relay_with_doubts(office: Office, dns: str, tmp_path: Path) -> None:
    """A certificate that ends soon is doubtful; a limit under the size of our mails failing."""
    cert = certificate(tmp_path, days=5)
    with relay(cert, size=50_000) as (_, port):
        found = through(office, dns, f"smtp+starttls://news:{PASSWORD}@127.0.0.1:{port}", cert)
    assert found["relay's certificate"]["health"] == LOOK
    assert found["message size"]["health"] == FAILING


@pytest.mark.parametrize("url", ["", f"imap://news:{PASSWORD}@mail.example.org"])
def test_a_relay_that_is_not_named(office: Office, dns: str, url: str) -> None:
    """A transport without a usable address is failing; what else can be seen still is."""
    found = examined(office, dns, NEWSLETTER_TRANSPORT="smtp", NEWSLETTER_SMTP_URL=url)
    assert found["relay"]["health"] == FAILING
    assert "NEWSLETTER_SMTP_URL" in found["relay"]["found"]
    assert found["SPF"]["health"] == FINE


def test_what_hangs_is_left_behind() -> None:
    """An examination that never ends costs its time only, and one with an error goes on."""
    hanging = threading.Event()

    def refuse() -> list[Any]:
        raise SettingsError("no such thing")

    def hang() -> list[Any]:
        hanging.wait(30)
        return []

    plan = {"A": {"slow": hang, "bad": refuse, "good": lambda: [fine("good", "yes")]}}
    (area,) = examine(plan, seconds=0.3)
    hanging.set()
    assert [each.health for each in area.diagnoses] == [Health.UNKNOWN, Health.FAILING, Health.FINE]
    assert area.diagnoses[1] == failing("bad", "no such thing")
