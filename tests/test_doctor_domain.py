"""The doctor's look at the sender's domain, against a name server on this machine."""

import base64
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from functools import cache

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from hypothesis import given
from hypothesis import strategies as st

from newsletter_mailer.doctor.diagnosis import Diagnosis, Health
from newsletter_mailer.doctor.dkim_record import Signing, dkim, public_of
from newsletter_mailer.doctor.dmarc import dmarc
from newsletter_mailer.doctor.names import Names, NameServer, Reply
from newsletter_mailer.doctor.reachable import mail_in, mta_sts, web_host
from newsletter_mailer.doctor.spf import spf
from newsletter_mailer.doctor.spf_record import is_spf, read_spf
from newsletter_mailer.doctor.tag_list import read_tags
from newsletter_mailer.errors import UsageError
from tests.fake_dns import REFUSED, SILENT, Zone, dead_dns, fake_dns

FINE, LOOK, FAILING, UNKNOWN = Health.FINE, Health.WARNING, Health.FAILING, Health.UNKNOWN

Ask = Callable[[Zone], Names]


@pytest.fixture
def ask() -> Iterator[Ask]:
    """Makes a name server that knows a zone, and asks it."""
    with ExitStack() as running:

        def names(zone: Zone) -> Names:
            server = running.enter_context(fake_dns(zone))
            return Names(NameServer(server.address, server.port), seconds=4)

        yield names


def txt(*records: str) -> Mapping[str, tuple[str, ...]]:
    """A name's TXT records."""
    return {"TXT": records}


def chain(number: int) -> dict[str, Mapping[str, tuple[str, ...]]]:
    """So many SPF records, each of which includes the next."""
    zone = {f"s{n}.example.org": txt(f"v=spf1 include:s{n + 1}.example.org") for n in range(number)}
    return {**zone, f"s{number}.example.org": txt("v=spf1 ip4:198.51.100.7 -all")}


SPF_CASES: dict[str, tuple[Zone, Health, str]] = {
    "good": (
        {"example.org": txt("other", "v=spf1 include:s0.example.org -all"), **chain(1)},
        FINE,
        "2 of 10 lookups",
    ),
    "in capitals": ({"example.org": txt("V=SPF1 IP4:198.51.100.7 -ALL")}, FINE, "0 of 10"),
    "none": ({"example.org": txt("v=spf10 -all", "other")}, FAILING, "none is there"),
    "no such name": ({}, FAILING, "does not exist"),
    "two": ({"example.org": txt("v=spf1 -all", "v=spf1 mx -all")}, FAILING, "has 2 SPF records"),
    "ten lookups": (
        {"example.org": txt("v=spf1 include:s0.example.org -all"), **chain(9)},
        FINE,
        "10 of 10",
    ),
    "eleven lookups": (
        {"example.org": txt("v=spf1 include:s0.example.org -all"), **chain(10)},
        FAILING,
        "11 DNS lookups",
    ),
    "a hundred lookups": (
        {"example.org": txt("v=spf1 include:s0.example.org -all"), **chain(100)},
        FAILING,
        "10 are allowed",
    ),
    "a loop": (
        {
            "example.org": txt("v=spf1 include:s.example.org -all"),
            "s.example.org": txt("v=spf1 include:example.org"),
        },
        FAILING,
        "include:example.org leads back",
    ),
    "a loop of redirects": (
        {"example.org": txt("v=spf1 redirect=EXAMPLE.org.")},
        FAILING,
        "redirect=EXAMPLE.org. leads back",
    ),
    "an include without a record": (
        {"example.org": txt("v=spf1 include:s.example.org -all"), "s.example.org": txt("other")},
        FAILING,
        "include:s.example.org names a domain with no SPF record",
    ),
    "three voids": (
        {"example.org": txt("v=spf1 a:x.example.org a:y.example.org mx:z.example.org -all")},
        FAILING,
        "3 of its lookups find nothing",
    ),
    "two voids": (
        {"example.org": txt("v=spf1 a:x.example.org mx:z.example.org -all")},
        FINE,
        "2 of 10",
    ),
    "an unknown mechanism": (
        {"example.org": txt("v=spf1 ipv4:198.51.100.7 -all")},
        FAILING,
        "'ipv4:198.51.100.7' is a mechanism that SPF does not have",
    ),
    "a malformed address": (
        {"example.org": txt("v=spf1 ip4:198.51.100.777 -all")},
        FAILING,
        "is malformed",
    ),
    "a mistake in an include": (
        {
            "example.org": txt("v=spf1 include:s.example.org -all"),
            "s.example.org": txt("v=spf1 a:"),
        },
        FAILING,
        "in the record of s.example.org",
    ),
    "ptr": ({"example.org": txt("v=spf1 ptr -all")}, LOOK, "ptr"),
    "what stands after all": (
        {"example.org": txt("v=spf1 -all include:s.example.org")},
        FINE,
        "0 of 10",
    ),
    "a server that cannot tell": ({"example.org": REFUSED}, UNKNOWN, "could not find out"),
    "an include that cannot be told": (
        {"example.org": txt("v=spf1 include:s.example.org -all"), "s.example.org": REFUSED},
        UNKNOWN,
        "could not be followed",
    ),
}


@pytest.mark.parametrize("case", SPF_CASES)
def test_spf(case: str, ask: Ask) -> None:
    """Each way in which an SPF record can be right or wrong is told apart (RFC 7208)."""
    zone, health, words = SPF_CASES[case]
    found = spf("example.org", ask(zone))[0]
    assert found.health is health, found
    assert words in found.found
    assert bool(found.mend) == (health in {LOOK, FAILING})


@pytest.mark.parametrize(
    ("record", "health"),
    [
        ("v=spf1 mx -all", FINE),
        ("v=spf1 mx ~all", FINE),
        ("v=spf1 mx +all", FAILING),
        ("v=spf1 mx all", FAILING),
        ("v=spf1 mx ?all", LOOK),
        ("v=spf1 mx", LOOK),
        ("v=spf1 redirect=open.example.org", FAILING),
        ("v=spf1 redirect=closed.example.org", FINE),
        ("v=spf1 redirect=closed.example.org +all", FAILING),
        ("v=spf1 -all +all", FINE),
    ],
)
def test_spf_for_everybody_else(record: str, health: Health, ask: Ask) -> None:
    """A record that lets anybody send is failing, also where a redirect leads to one."""
    zone: Zone = {
        "example.org": {"TXT": [record], "MX": ["10 mx.example.org."]},
        "mx.example.org": {"A": ["198.51.100.9"]},
        "open.example.org": txt("v=spf1 +all"),
        "closed.example.org": txt("v=spf1 -all"),
    }
    (rest,) = (each for each in spf("example.org", ask(zone)) if each.name.endswith("else"))
    assert rest.health is health, rest


@pytest.mark.parametrize(
    ("record", "health"),
    [
        ("v=spf1 ip4:198.51.100.0/24 ip6:2001:db8::/32 -all", FINE),
        ("v=spf1 ip4:198.51.100.0/24 -all", LOOK),  # the relay has an IPv6 address as well
        ("v=spf1 a:relay.example.net -all", FINE),
        ("v=spf1 a:near.example.net/24//32 -all", FINE),
        ("v=spf1 mx -all", FINE),
        ("v=spf1 include:s.example.net -all", FINE),
        ("v=spf1 redirect=s.example.net", FINE),
        ("v=spf1 ip4:203.0.113.0/24 -all", LOOK),
        ("v=spf1 -include:s.example.net +all", LOOK),
        ("v=spf1 include:closed.example.net ~all", LOOK),
        ("v=spf1 exists:%{i}.example.net -all", UNKNOWN),
        ("v=spf1 a:relay.example.net exists:%{i}.example.net -all", FINE),
    ],
)
def test_spf_and_the_relay(record: str, health: Health, ask: Ask) -> None:
    """Whether every address of the relay may send is worked out as a receiver would."""
    zone: Zone = {
        "example.org": {"TXT": [record], "MX": ["10 relay.example.net."]},
        "relay.example.net": {"A": ["198.51.100.7"], "AAAA": ["2001:db8::7"]},
        "near.example.net": {"A": ["198.51.100.200"], "AAAA": ["2001:db8::200"]},
        "s.example.net": txt("v=spf1 a:relay.example.net -all"),
        "closed.example.net": txt("v=spf1 -all"),
    }
    found = spf("example.org", ask(zone), "relay.example.net")[-1]
    assert found.name == "SPF and the relay"
    assert found.health is health, found


def test_a_relay_on_ones_own_network_is_not_judged(ask: Ask) -> None:
    """The address from which a local relay sends on is not known, so nothing is claimed."""
    found = spf("example.org", ask({"example.org": txt("v=spf1 -all")}), "127.0.0.1")[-1]
    assert found.health is UNKNOWN


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters=" ")), max_size=5))
def test_any_spf_record_can_be_read(terms: list[str]) -> None:
    """Whatever stands in a record, reading it ends in terms and mistakes, never in an error."""
    text = " ".join(["v=spf1", *terms])
    assert is_spf(text)
    record = read_spf(text)
    read = len(record.mechanisms) + len(record.mistakes)
    assert read <= 2 * len(terms)


@given(st.text(max_size=80))
def test_any_tag_list_can_be_read(text: str) -> None:
    """Whatever a record holds, it is a tag list or none; no name stands twice."""
    tags = read_tags(text)
    assert tags is None or all(name == name.lower() for name in tags)


@cache
def key_of(bits: int) -> rsa.RSAPrivateKey:
    """A private key, made once."""
    return rsa.generate_private_key(65537, bits)


def packed(key: rsa.RSAPublicKey, form: PublicFormat = PublicFormat.SubjectPublicKeyInfo) -> str:
    """A public key as a record has it."""
    return base64.b64encode(key.public_bytes(Encoding.DER, form)).decode("ascii")


DKIM_CASES: dict[str, tuple[list[str], Health, str]] = {
    "good": ([f"v=DKIM1; k=rsa; p={packed(key_of(2048).public_key())}"], FINE, "2048 bits"),
    "bare": ([f"p={packed(key_of(2048).public_key())};"], FINE, "2048 bits"),
    "as RFC 6376 has it": (
        [f"v=DKIM1; p={packed(key_of(2048).public_key(), PublicFormat.PKCS1)}"],
        FINE,
        "2048 bits",
    ),
    "missing": ([], FAILING, "no record at s1._domainkey.example.org"),
    "two": (["v=DKIM1; p=x", "v=DKIM1; p=y"], FAILING, "2 TXT records"),
    "revoked": (["v=DKIM1; p="], FAILING, "revoked"),
    "no tag list": (["v=DKIM1 p=abc, x"], FAILING, "not a DKIM key"),
    "another version": (["v=DKIM2; p=abc"], FAILING, "not a DKIM key"),
    "cut off": ([f"v=DKIM1; p={packed(key_of(2048).public_key())[:200]}"], FAILING, "be read"),
    "not base64": (["v=DKIM1; p=%%%"], FAILING, "cannot be read"),
    "another kind": (["v=DKIM1; k=dsa; p=AAAA"], FAILING, "'dsa'"),
    "another key": (
        [f"v=DKIM1; p={packed(key_of(2049).public_key())}"],
        FAILING,
        "not the half of the private key",
    ),
    "SHA-1 only": (
        [f"v=DKIM1; h=sha1; p={packed(key_of(2048).public_key())}"],
        FAILING,
        "SHA-256",
    ),
    "for something else": (
        [f"v=DKIM1; s=tlsrpt; p={packed(key_of(2048).public_key())}"],
        FAILING,
        "not for e-mail",
    ),
    "testing": ([f"v=DKIM1; t=y; p={packed(key_of(2048).public_key())}"], LOOK, "t=y"),
}


@pytest.mark.parametrize("case", DKIM_CASES)
def test_dkim(case: str, ask: Ask) -> None:
    """Each way in which a key record can be right or wrong is told apart (RFC 6376, 3.6.1)."""
    records, health, words = DKIM_CASES[case]
    signing = Signing("example.org", "s1", key_of(2048).public_key())
    (found,) = dkim(signing, ask({signing.name: {"TXT": records}, "example.org": {}}))
    assert found.health is health, found
    assert words in found.found


@pytest.mark.parametrize(("bits", "health"), [(1024, LOOK), (1025, LOOK), (4096, FINE)])
def test_dkim_key_lengths(bits: int, health: Health, ask: Ask) -> None:
    """A key of 1024 bits is doubtful, and one of 2048 or more fine (RFC 8301)."""
    key = key_of(bits).public_key()
    zone = {"s._domainkey.example.org": txt(f"v=DKIM1; p={packed(key)}")}
    (found,) = dkim(Signing("example.org", "s", key), ask(zone))
    assert found.health is health, found
    assert f"{bits} bits" in found.found


SHORT = (
    "MFwwDQYJKoZIhvcNAQEBBQADSwAwSAJBALe5ePhFB/+D4e5yDtRZXsIMb7UnZgdBPkIhXFxJ2KhMLpvK"
    "M6cHAVyTeQCVlYpgHmZPFK2RLlBRCqjFZPYNbIECAwEAAQ=="
)
"""A number of 512 bits where a key's modulus is."""


def test_a_short_dkim_key_is_failing(ask: Ask) -> None:
    """Receivers must not accept a key of fewer than 1024 bits, and 512 are broken in hours."""
    zone = {"s._domainkey.example.org": txt(f"v=DKIM1; p={SHORT}")}
    (found,) = dkim(Signing("example.org", "s", None), ask(zone))
    assert found.health is FAILING
    assert "512 bits" in found.found


def test_dkim_with_ed25519(ask: Ask) -> None:
    """A key of the kind Ed25519 is compared too, and doubtful: few receivers can check it."""
    key = ed25519.Ed25519PrivateKey.generate()
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    raw = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    record = f"v=DKIM1; k=ed25519; p={base64.b64encode(raw).decode()}"
    names = ask({"s._domainkey.example.org": txt(record)})
    (found,) = dkim(Signing("example.org", "s", public_of(pem)), names)
    assert found.health is LOOK
    (other,) = dkim(Signing("example.org", "s", key_of(2048).public_key()), names)
    assert other.health is FAILING


def test_the_wanted_record_is_the_one_that_passes(ask: Ask) -> None:
    """Publishing the record that the doctor asks for heals it."""
    signing = Signing("example.org", "s", key_of(2048).public_key())
    (missing,) = dkim(signing, ask({"example.org": {}}))
    record = missing.mend.split('"')[1]
    assert dkim(signing, ask({signing.name: txt(record)}))[0].health is FINE


DMARC_CASES: dict[str, tuple[Zone, Health, str]] = {
    "good": (
        {"_dmarc.example.org": txt("v=DMARC1; p=reject; rua=mailto:d@example.org")},
        FINE,
        "p=reject",
    ),
    "none": (
        {"_dmarc.example.org": txt("v=DMARC1; p=none; rua=mailto:d@example.org")},
        LOOK,
        "only watches",
    ),
    "no reports": ({"_dmarc.example.org": txt("v=DMARC1; p=reject")}, LOOK, "no reports"),
    "odd reports": (
        {"_dmarc.example.org": txt("v=DMARC1; p=reject; rua=d@example.org")},
        LOOK,
        "'d@example.org'",
    ),
    "missing": ({"example.org": {}}, FAILING, "no DMARC record"),
    "no policy": ({"_dmarc.example.org": txt("v=DMARC1; rua=mailto:d@example.org")}, FAILING, "p="),
    "odd policy": ({"_dmarc.example.org": txt("v=DMARC1; p=monitor")}, FAILING, "p='monitor'"),
    "no tag list": ({"_dmarc.example.org": txt("v=DMARC1; p=none, x")}, FAILING, "p='none, x'"),
    "malformed": ({"_dmarc.example.org": txt("v=DMARC1; none")}, FAILING, "malformed"),
    "no semicolon": ({"_dmarc.example.org": txt("v=DMARC1 p=none")}, FAILING, "semicolon"),
    "two": (
        {"_dmarc.example.org": txt("v=DMARC1; p=none", "v=DMARC1; p=reject")},
        FAILING,
        "2 DMARC records",
    ),
    "odd alignment": (
        {"_dmarc.example.org": txt("v=DMARC1; p=none; adkim=strict")},
        LOOK,
        "adkim=strict",
    ),
    "no answer": ({"_dmarc.example.org": REFUSED}, UNKNOWN, "not known"),
}


@pytest.mark.parametrize("case", DMARC_CASES)
def test_dmarc(case: str, ask: Ask) -> None:
    """Each way in which a DMARC record can be right or wrong is told apart (RFC 7489)."""
    zone, health, words = DMARC_CASES[case]
    found = dmarc("example.org", ask(zone), return_path="example.org", signs_for="")[0]
    assert found.health is health, found
    assert words in found.found


def test_dmarc_of_the_organisation(ask: Ask) -> None:
    """A subdomain without a record of its own has its organisation's, and the `sp` in it."""
    rua = "rua=mailto:d@example.org"
    zone = {"_dmarc.example.org": txt(f"v=DMARC1; p=reject; sp=none; {rua}")}
    found = dmarc(
        "a.news.example.org", ask(zone), return_path="a.news.example.org", signs_for="example.org"
    )
    assert [each.health for each in found] == [LOOK, FINE]
    assert "p=none" in found[0].found


@pytest.mark.parametrize(
    ("tags", "return_path", "signs_for", "health"),
    [
        ("", "example.org", "", FINE),
        ("", "bounces.example.org", "", FINE),
        ("aspf=s", "bounces.example.org", "", FAILING),
        ("", "relay.example.net", "", FAILING),
        ("", "relay.example.net", "example.org", FINE),
        ("", "relay.example.net", "mail.example.org", FINE),
        ("adkim=s", "relay.example.net", "mail.example.org", FAILING),
        ("", "relay.example.net", "example.net", FAILING),
        ("", "example.org", "example.net", LOOK),
        ("", "notexample.org", "", FAILING),
    ],
)
def test_alignment(tags: str, return_path: str, signs_for: str, health: Health, ask: Ask) -> None:
    """From must agree with the return path or the signature, by the record's own strictness."""
    zone = {"_dmarc.example.org": txt(f"v=DMARC1; p=none; {tags}")}
    found = dmarc("example.org", ask(zone), return_path=return_path, signs_for=signs_for)
    assert found[-1].name == "DMARC alignment"
    assert found[-1].health is health, found


@pytest.mark.parametrize(
    ("zone", "health", "words"),
    [
        ({"x.org": {"MX": ["10 m.x.org."]}, "m.x.org": {"A": ["198.51.100.1"]}}, FINE, "m.x.org"),
        ({"x.org": {"MX": ["0 ."]}}, FAILING, "null MX"),
        ({"x.org": {"MX": ["10 m.x.org."]}}, FAILING, "No MX host"),
        (
            {
                "x.org": {"MX": ["20 n.x.org.", "10 m.x.org."]},
                "m.x.org": {"AAAA": ["2001:db8::1"]},
            },
            LOOK,
            "n.x.org",
        ),
        ({"x.org": {"A": ["198.51.100.1"]}}, LOOK, "no MX record"),
        ({"x.org": txt("hello")}, FAILING, "neither"),
        ({}, FAILING, "does not exist"),
        ({"x.org": REFUSED}, UNKNOWN, "not known"),
    ],
)
def test_mail_to_the_domain(zone: Zone, health: Health, words: str, ask: Ask) -> None:
    """Replies can arrive, or the doctor says why not (RFC 5321, 5.1; RFC 7505)."""
    found = mail_in("x.org", ask(zone), what="Replies")
    assert found.health is health, found
    assert words in found.found


@pytest.mark.parametrize(
    ("zone", "health"),
    [
        ({"x.org": {}}, FINE),
        (
            {"_mta-sts.x.org": txt("v=STSv1; id=2019"), "mta-sts.x.org": {"A": ["198.51.100.1"]}},
            FINE,
        ),
        ({"_mta-sts.x.org": txt("v=STSv1; id=2019")}, LOOK),
        ({"_mta-sts.x.org": txt("v=STSv1;")}, LOOK),
        ({"_mta-sts.x.org": txt("v=STSv1; id=1", "v=STSv1; id=2")}, LOOK),
        ({"_mta-sts.x.org": REFUSED}, UNKNOWN),
    ],
)
def test_mta_sts(zone: Zone, health: Health, ask: Ask) -> None:
    """A record of MTA-STS is optional, and looked at where there is one (RFC 8461)."""
    assert mta_sts("x.org", ask(zone)).health is health


@pytest.mark.parametrize(
    ("url", "health"),
    [
        ("https://news.x.org/base", FINE),
        ("https://inner.x.org", LOOK),
        ("https://gone.x.org", FAILING),
        ("https://refused.x.org", UNKNOWN),
        ("https://127.0.0.1:8000", LOOK),
        ("https://198.51.100.1", FINE),
    ],
)
def test_the_host_of_the_web_pages(url: str, health: Health, ask: Ask) -> None:
    """The host that every mail links to has an address that readers reach."""
    zone: Zone = {
        "news.x.org": {"A": ["198.51.100.1"]},
        "inner.x.org": {"A": ["10.0.0.5"]},
        "refused.x.org": REFUSED,
    }
    assert web_host(url, ask(zone)).health is health


def everything(names: Names) -> list[Diagnosis]:
    """All looks at a domain."""
    return [
        *spf("example.org", names, "relay.example.net"),
        *dkim(Signing("example.org", "s", None), names),
        *dmarc("example.org", names, return_path="example.org", signs_for=""),
        mail_in("example.org", names, what="Replies"),
        mta_sts("example.org", names),
        web_host("https://news.example.org", names),
    ]


def test_a_dead_name_server_costs_a_few_seconds_once() -> None:
    """Where nothing answers, nothing is claimed, and the wait is not repeated for each record."""
    with dead_dns() as port:
        begun = time.monotonic()
        found = everything(Names(NameServer("127.0.0.1", port)))
    assert time.monotonic() - begun < 6
    assert {each.health for each in found} == {UNKNOWN}


def test_names_that_are_silent_one_by_one_are_bounded_too(ask: Ask) -> None:
    """A server that answers for some names and not for others cannot use up the whole day."""
    silent = {f"{n}.example.org": SILENT for n in range(20)}
    names = ask({"example.org": txt("x"), **silent})
    assert names.texts("example.org").reply is Reply.FOUND
    begun = time.monotonic()
    for name in silent:
        assert names.texts(name).reply is Reply.UNANSWERED
    assert time.monotonic() - begun < 5


def test_a_name_server_that_denies_everything_is_not_believed() -> None:
    """Networks that are closed off deny every name: that says nothing about the domain."""
    with fake_dns({}) as server:
        closed = Names(NameServer(server.address, server.port), public=True)
        assert {each.health for each in everything(closed)} == {UNKNOWN}
    with fake_dns({".": {"NS": ["a.root-servers.net."]}}) as server:
        joined = Names(NameServer(server.address, server.port), public=True)
        assert spf("example.org", joined)[0].health is FAILING


def test_long_records_arrive_whole(ask: Ask) -> None:
    """A record in several strings is put together without spaces (RFC 7208, 3.3)."""
    text = "v=spf1 " + " ".join(f"ip4:198.51.100.{n}" for n in range(120)) + " -all"
    assert ask({"example.org": txt(text)}).texts("example.org").records == (text,)


def test_a_question_is_asked_once() -> None:
    """What several looks need is asked of the name server once."""
    with fake_dns({"example.org": txt("v=spf1 include:example.net include:example.net -all")}) as d:
        spf("example.org", Names(NameServer(d.address, d.port)))
        assert sorted(d.asked) == [("example.net", "TXT"), ("example.org", "TXT")]


@pytest.mark.parametrize(
    ("text", "address", "port"),
    [
        ("192.0.2.53", "192.0.2.53", 53),
        ("192.0.2.53:5353", "192.0.2.53", 5353),
        ("2001:db8::53", "2001:db8::53", 53),
        ("[2001:db8::53]", "2001:db8::53", 53),
        ("[2001:db8::53]:5353", "2001:db8::53", 5353),
    ],
)
def test_a_name_server_is_written_as_usual(text: str, address: str, port: int) -> None:
    """IPv4 and IPv6 addresses, with a port or without."""
    assert NameServer.of(text) == NameServer(address, port)


@pytest.mark.parametrize(
    "text", ["dns.example.org", "192.0.2.53:", "192.0.2.53:99999", "[::1]5", ""]
)
def test_what_is_no_name_server_is_refused(text: str) -> None:
    """The message says what an address looks like."""
    with pytest.raises(UsageError, match="Expected an IP address"):
        NameServer.of(text)
