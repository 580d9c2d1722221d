"""DKIM: the public key that receivers check signatures with (RFC 6376, 3.6.1; 8301; 8463)."""

import base64
import binascii
from dataclasses import dataclass

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_public_key,
    load_pem_private_key,
)

from newsletter_mailer.doctor.diagnosis import Diagnosis, failing, fine, unknown, warning
from newsletter_mailer.doctor.names import Names, Reply
from newsletter_mailer.doctor.tag_list import read_tags

NAME = "DKIM"

SHORTEST = 1024
"""Bits of an RSA key below which no receiver may accept a signature (RFC 8301, 3.2)."""

LONG_ENOUGH = 2048
"""Bits of an RSA key as they should be today (RFC 8301, 3.2; Google asks for it)."""

Public = RSAPublicKey | Ed25519PublicKey


@dataclass(frozen=True, slots=True)
class Signing:
    """How messages are signed: for which domain, under which selector, with whose public key."""

    domain: str
    selector: str
    key: Public | None

    @property
    def name(self) -> str:
        """Where the record of the key is (RFC 6376, 3.6.2.1)."""
        return f"{self.selector}._domainkey.{self.domain}"


def public_of(pem: bytes) -> Public | None:
    """The public half of a private key in PEM; None where it is none that DKIM can use."""
    try:
        key = load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return None
    if isinstance(key, RSAPrivateKey | Ed25519PrivateKey):
        return key.public_key()
    return None


def dkim(signing: Signing, names: Names) -> list[Diagnosis]:
    """How the key record of `signing` is, and whether it is the half of the key that signs."""
    found = names.texts(signing.name)
    if found.reply is Reply.UNANSWERED:
        return [unknown(NAME, f"The record at {signing.name} is not known: {found.reason}.")]
    if not found.records:
        return [
            failing(
                NAME,
                f"There is no record at {signing.name}, so receivers cannot check signatures.",
                f"Publish this TXT record there: {_wanted(signing)}. Or mend domain and selector "
                "in the section [dkim] of the settings.",
            )
        ]
    if len(found.records) > 1:
        return [
            failing(
                NAME,
                f"There are {len(found.records)} TXT records at {signing.name}; which of them "
                "counts is not defined (RFC 6376, 3.6.2.2).",
                "Leave one, the key that the settings name. Give another key another selector.",
            )
        ]
    return [_judged(signing, found.records[0])]


def _judged(signing: Signing, text: str) -> Diagnosis:
    tags = read_tags(text)
    renew = f"Publish this TXT record at {signing.name}: {_wanted(signing)}."
    if tags is None or "p" not in tags or tags.get("v", "DKIM1") != "DKIM1":
        return failing(NAME, f"The record at {signing.name} is not a DKIM key.", renew)
    packed = "".join(tags["p"].split())
    if not packed:
        return failing(
            NAME,
            f"The key at {signing.name} is revoked: its p= is empty.",
            "Make a new key, publish it under a new selector, and name both in the settings.",
        )
    kind = tags.get("k", "rsa").lower()
    key = _public(kind, packed)
    if key is None:
        return failing(
            NAME, f"The key at {signing.name} cannot be read as one of the kind {kind!r}.", renew
        )
    if "sha256" not in tags.get("h", "sha256").lower().split(":"):
        return failing(
            NAME, f"The record at {signing.name} does not allow SHA-256 (h={tags['h']}).", renew
        )
    if not {"*", "email"} & set(tags.get("s", "*").lower().split(":")):
        return failing(
            NAME, f"The record at {signing.name} is not for e-mail (s={tags['s']}).", renew
        )
    if isinstance(key, RSAPublicKey) and key.key_size < SHORTEST:
        return failing(
            NAME,
            f"The key at {signing.name} has {key.key_size} bits; receivers refuse fewer than "
            f"{SHORTEST} (RFC 8301, 3.2).",
            f"Make a new key of {LONG_ENOUGH} bits and publish it under a new selector.",
        )
    if signing.key is not None and key != signing.key:
        return failing(
            NAME,
            f"The key at {signing.name} is not the half of the private key that signs, so every "
            "signature would be found broken.",
            f"{renew} Or name the right key file in the settings.",
        )
    return _doubts(signing, key, tags)


def _doubts(signing: Signing, key: Public, tags: dict[str, str]) -> Diagnosis:
    if "y" in tags.get("t", "").lower().split(":"):
        return warning(
            NAME,
            f"The record at {signing.name} says that the domain is only testing (t=y), so "
            "receivers may treat signed messages as unsigned.",
            "Take t=y out of the record.",
        )
    if isinstance(key, RSAPublicKey) and key.key_size < LONG_ENOUGH:
        return warning(
            NAME,
            f"The key at {signing.name} has {key.key_size} bits.",
            f"Make one of {LONG_ENOUGH} bits, publish it under a new selector, then name both in "
            "the settings.",
        )
    if isinstance(key, Ed25519PublicKey):
        return warning(
            NAME,
            f"The key at {signing.name} is of the kind Ed25519, which many receivers cannot "
            "check yet.",
            f"Sign with an RSA key of {LONG_ENOUGH} bits.",
        )
    if signing.key is None:
        return unknown(
            NAME,
            f"{signing.name} holds an RSA key of {key.key_size} bits; whether it is the half of "
            "the private key could not be seen, since that could not be read.",
        )
    return fine(NAME, f"{signing.name}: RSA, {key.key_size} bits, the half of the key that signs")


def _public(kind: str, packed: str) -> Public | None:
    """The key of a record; None where it cannot be read."""
    try:
        raw = base64.b64decode(packed, validate=True)
        if kind == "ed25519":
            return Ed25519PublicKey.from_public_bytes(raw)
        # RFC 6376 names RSAPublicKey, and everybody publishes SubjectPublicKeyInfo; OpenSSL's
        # reader takes both.
        key = load_der_public_key(raw) if kind == "rsa" else None
    except (binascii.Error, ValueError, UnsupportedAlgorithm):
        return None
    return key if isinstance(key, RSAPublicKey) else None


def _wanted(signing: Signing) -> str:
    """The record that belongs to the private key."""
    if signing.key is None:
        return '"v=DKIM1; k=rsa; p=" and the public key in base64'
    if isinstance(signing.key, Ed25519PublicKey):
        kind, raw = "ed25519", signing.key.public_bytes(Encoding.Raw, PublicFormat.Raw)
    else:
        kind = "rsa"
        raw = signing.key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return f'"v=DKIM1; k={kind}; p={base64.b64encode(raw).decode("ascii")}"'
