"""Messages signed with DKIM are found good by another program, and bad once changed."""

import base64
import hashlib
import re
from pathlib import Path

import dkim
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from dkim.canonicalization import Relaxed
from hypothesis import given, settings
from hypothesis import strategies as st

from newsletter_mailer.errors import SettingsError
from newsletter_mailer.sending.dkim import Signer, canonical_body, signer_of
from newsletter_mailer.settings import Dkim, Settings

RSA = rsa.generate_private_key(65_537, 2048)
ED25519 = Ed25519PrivateKey.generate()

MESSAGE = (
    b'From: "The Office" <office@example.org>\r\n'
    b"Reply-To: replies@example.org\r\n"
    b"List-Id: News <news.example.org>\r\n"
    b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"
    b"MIME-Version: 1.0\r\n"
    b"To: =?utf-8?q?K=C3=A4the?=\r\n <reader@example.org>\r\n"
    b"Subject: A  subject \t with   spaces\r\n\tand a fold\r\n"
    b"Date: Mon, 21 Jan 2019 10:00:00 +0000\r\n"
    b"Message-ID: <a.1@example.org>\r\n"
    b"List-Unsubscribe: <https://news.example.org/u/abc>\r\n"
    b"Feedback-ID: 7:news:office:example\r\n"
    b"Content-Type: text/plain; charset=utf-8\r\n"
    b"Content-Transfer-Encoding: quoted-printable\r\n"
    b"\r\n"
    b"Hello  there, \t\r\n\r\n\tindented =\r\nand more  \r\n\r\n\r\n"
)


def _record(name: bytes, timeout: int = 5) -> bytes:  # noqa: ARG001 - dkimpy's own signature
    assert name == b"news._domainkey.example.org."
    public = RSA.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return b"v=DKIM1; k=rsa; p=" + base64.b64encode(public)


def good(message: bytes) -> bool:
    """What dkimpy says of it."""
    return bool(dkim.verify(message, dnsfunc=_record))


def signed(message: bytes = MESSAGE) -> bytes:
    """Signed with the RSA key."""
    return Signer("example.org", "news", RSA).signed(message)


def covered(message: bytes) -> list[str]:
    """The names in h=."""
    found = re.search(rb"h=([^;]+);", message)
    assert found is not None
    return re.sub(rb"\s", b"", found[1]).decode().split(":")


def test_a_signed_message_is_found_good() -> None:
    """Another program accepts it, and the message itself is unchanged behind the signature."""
    message = signed()
    assert good(message)
    assert message.endswith(MESSAGE)
    assert all(len(line) <= 78 for line in message.split(b"\r\n\r\n")[0].split(b"\r\n")[:10])


def test_every_field_that_matters_is_covered() -> None:
    """All list headers are in h= (RFC 8058, 4), and From once more than it is there."""
    names = covered(signed())
    for name in (
        *("to", "subject", "date", "message-id", "reply-to", "mime-version", "content-type"),
        *("list-id", "list-unsubscribe", "list-unsubscribe-post", "feedback-id"),
    ):
        assert names.count(name) == 1
    assert names.count("from") == 2


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"there", b"where"),
        (b"u/abc", b"u/xyz"),
        (b"One-Click", b"Two-Click"),
        (b"Subject: A", b"Subject: B"),
        (b"Date: Mon", b"From: other@example.net\r\nDate: Mon"),
        (b"7:news", b"8:news"),
    ],
)
def test_a_change_is_found(old: bytes, new: bytes) -> None:
    """Body, list headers, a second From: any change breaks the signature."""
    assert not good(signed().replace(old, new))


_LINES = st.lists(
    st.text(st.characters(codec="ascii", exclude_characters="\r\n\x0b\x0c\x1c\x1d\x1e\x85")).map(
        str.encode
    )
)


@settings(deadline=None)
@given(_LINES)
def test_any_body_is_found_good(lines: list[bytes]) -> None:
    """Spaces, tabs and empty lines anywhere in the body."""
    body = b"".join(line + b"\r\n" for line in lines)
    assert canonical_body(body) == Relaxed.canonicalize_body(body)
    assert good(signed(b"From: office@example.org\r\nSubject: x\r\n\r\n" + body))


def test_ed25519() -> None:
    """RFC 8463: the digest over the canonical fields is what is signed."""
    message = Signer("example.org", "news", ED25519).signed(MESSAGE)
    head, _, body = message.partition(b"\r\n\r\n")
    fields, _ = dkim.rfc822_parse(head + b"\r\n\r\n")
    mine = fields[0][1]
    assert b"a=ed25519-sha256" in mine
    assert base64.b64encode(hashlib.sha256(Relaxed.canonicalize_body(body)).digest()) in mine
    hasher = dkim.HashThrough(hashlib.sha256())
    names = [name.encode() for name in covered(message)]
    dkim.hash_headers(
        hasher, Relaxed, Relaxed.canonicalize_headers(fields[1:]), names, fields[0], {}
    )
    signature = base64.b64decode(re.sub(rb"\s", b"", mine.rpartition(b"b=")[2]))
    ED25519.public_key().verify(signature, hasher.digest())


def _settings_with(settings: Settings, folder: Path, content: bytes | None) -> Settings:
    if content is not None:
        (folder / "dkim.pem").write_bytes(content)
    part = Dkim(domain="example.org", selector="news", key_file="dkim.pem")
    return settings.model_copy(update={"root": folder, "dkim": part})


def _pem(key: rsa.RSAPrivateKey | Ed25519PrivateKey | ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def test_the_key_comes_from_the_settings(settings: Settings, tmp_path: Path) -> None:
    """Without the section nothing is signed; with it, by the key in its file."""
    assert signer_of(settings) is None
    signer = signer_of(_settings_with(settings, tmp_path, _pem(RSA)))
    assert signer is not None
    assert good(signer.signed(MESSAGE))
    assert signer_of(_settings_with(settings, tmp_path, _pem(ED25519))) is not None


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "cannot be read"),
        (b"nonsense", "not a private key in PEM"),
        (_pem(ec.generate_private_key(ec.SECP256R1())), "neither RSA"),
    ],
)
def test_a_key_that_is_no_use(
    settings: Settings, tmp_path: Path, content: bytes | None, words: str
) -> None:
    """The error names the file and what is wrong with it."""
    with pytest.raises(SettingsError, match=words):
        signer_of(_settings_with(settings, tmp_path, content))
