"""TLS: what is wrong with a server's certificate, and whether https may take http's place."""

import datetime as dt
import ipaddress
import ssl
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from newsletter_mailer.checking.links.looking import look_at
from newsletter_mailer.checking.links.verdict import LinkResult, Verdict
from newsletter_mailer.settings import Settings
from tests.link_server import (
    NOW,
    LinkServer,
    Names,
    conditions,
    page,
    reply,
    send_to,
    settings_for,
)

TOO_OLD = bytes.fromhex("15030100020246")
"""TLS 1.0's fatal alert that the protocol's version is not taken (RFC 5246, 7.2)."""


def certificate(  # what to write into it
    key: ec.EllipticCurvePrivateKey,
    names: list[str],
    authority: tuple[x509.Name, ec.EllipticCurvePrivateKey],
    ends: dt.datetime,
    *,
    is_authority: bool = False,
) -> x509.Certificate:
    """A certificate for these names, signed by the authority."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])])
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(authority[0])
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(ends - dt.timedelta(days=400))
        .not_valid_after(ends)
        .add_extension(
            x509.SubjectAlternativeName(
                [
                    *(x509.DNSName(name) for name in names),
                    x509.IPAddress(ipaddress.ip_address("127.0.0.1")),
                ]
            ),
            critical=False,
        )
        .add_extension(x509.BasicConstraints(is_authority, None), critical=True)
        .sign(authority[1], hashes.SHA256())
    )


def context(
    folder: Path, name: str, made: x509.Certificate, key: ec.EllipticCurvePrivateKey
) -> ssl.SSLContext:
    """A server's side of TLS with this certificate."""
    file = folder / f"{name}.pem"
    file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + made.public_bytes(serialization.Encoding.PEM)
    )
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(file)
    return tls


@pytest.fixture(scope="module")
def secure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimpleNamespace]:
    """TLS servers with good and wrong certificates, a plain one, and who trusts their authority."""
    folder = tmp_path_factory.mktemp("tls")
    later = dt.datetime.now(dt.UTC) + dt.timedelta(days=30)
    past = later - dt.timedelta(days=60)
    ours, theirs, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(3))
    ours_name, theirs_name = (
        x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]) for name in ("ours", "theirs")
    )
    root = certificate(ours, ["ours"], (ours_name, ours), later, is_authority=True)
    self_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "self.example")])
    contexts = {
        "good": certificate(key, ["safe.example", "fails.example"], (ours_name, ours), later),
        "expired": certificate(key, ["expired.example"], (ours_name, ours), past),
        "self": certificate(key, ["self.example"], (self_name, key), later),
        "unknown": certificate(key, ["unknown.example"], (theirs_name, theirs), later),
    }
    made = {name: context(folder, name, one, key) for name, one in contexts.items()}
    client = ssl.create_default_context()
    client.load_verify_locations(cadata=root.public_bytes(serialization.Encoding.PEM).decode())
    plays = {"safe.example": reply(200, page("Same")), "wrong.example": reply(200, page())}
    plays["fails.example"] = reply(404)
    plain = {
        "safe.example": reply(200, page("Same")),
        "safe.example/other": reply(200, page("Another page")),
        "safe.example/sent": send_to("https://safe.example/sent", 302),
        "fails.example": reply(200, page()),
        "expired.example": reply(200, page()),
    }
    with ExitStack() as stack:
        ports = {
            name: stack.enter_context(LinkServer(plays, one).running()).port
            for name, one in made.items()
        }
        ports["old"] = stack.enter_context(LinkServer({}, to_hello=TOO_OLD).running()).port
        ports["plain"] = stack.enter_context(LinkServer(plain).running()).port
        yield SimpleNamespace(ports=ports, client=client)


def over_tls(
    secure: SimpleNamespace, settings: Settings, which: str, *urls: str
) -> dict[str, LinkResult]:
    """Look at URLs, where port 443 leads to one of the TLS servers."""
    hosts = {url.split("/")[2] for url in urls}
    return look_at(
        urls,
        settings_for(settings, *hosts),
        clock=lambda: NOW,
        resolver=Names(),
        conditions=conditions(secure.ports["plain"], secure.ports[which], tls=secure.client),
    )


@pytest.mark.parametrize(
    ("which", "host", "words"),
    [
        ("expired", "expired.example", "expired"),
        ("good", "wrong.example", "for another name"),
        ("self", "self.example", "self-signed"),
        ("unknown", "unknown.example", "unknown authority"),
        ("old", "safe.example", "old version"),
        ("plain", "safe.example", "does not speak TLS"),
    ],
)
def test_tls_problems_are_named(
    secure: SimpleNamespace, settings: Settings, which: str, host: str, words: str
) -> None:
    """What is wrong with a certificate is said, in words that a site's owner understands."""
    (result,) = over_tls(secure, settings, which, f"https://{host}/x").values()
    assert result.verdict is Verdict.TLS
    assert words in result.reason


def test_https_is_offered_where_it_answers_alike(
    secure: SimpleNamespace, settings: Settings
) -> None:
    """An http link is upgraded only after https gave the same page; else it stays as it is."""
    urls = ["http://safe.example/x#top", "http://safe.example/other", "http://fails.example/x"]
    found = over_tls(secure, settings, "good", *urls)
    assert {result.verdict for result in found.values()} == {Verdict.OK}
    assert [found[url].replacement for url in urls] == ["https://safe.example/x#top", None, None]
    (expired,) = over_tls(secure, settings, "expired", "http://expired.example/x").values()
    assert (expired.verdict, expired.replacement) == (Verdict.OK, None)


def test_https_is_offered_where_http_leads_to_it(
    secure: SimpleNamespace, settings: Settings
) -> None:
    """A temporary redirect from http to the same https address is a safe upgrade too."""
    (result,) = over_tls(secure, settings, "good", "http://safe.example/sent").values()
    assert result.verdict is Verdict.TEMPORARY
    assert result.replacement == "https://safe.example/sent"
