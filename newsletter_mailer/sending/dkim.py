"""Signing messages with DKIM (RFC 6376; Ed25519 by RFC 8463), relaxed/relaxed.

dkimpy, which checks the signatures in the tests, needs some 20 ms for 100 KB. A message
here has CRLF line ends and its header fields at the front, so that each canonical form is
a substitution or two over whole bytes.
"""

import base64
import hashlib
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

from newsletter_mailer.errors import SettingsError
from newsletter_mailer.settings import Settings

_SIGNED = (
    b"from",
    b"to",
    b"subject",
    b"date",
    b"message-id",
    b"reply-to",
    b"mime-version",
    b"content-type",
    b"content-transfer-encoding",
    b"list-id",
    b"list-unsubscribe",
    b"list-unsubscribe-post",
    b"list-help",
    b"list-post",
    b"list-owner",
    b"list-archive",
    b"feedback-id",
    b"auto-submitted",
)
"""RFC 6376, 5.4.1, and the list headers; RFC 8058 (4) asks for List-Unsubscribe and its -Post."""

_ONCE_MORE = b"from"
"""Named once more than it is there, so that a second From breaks the signature (8.15)."""

_SMALLEST_RSA = 1024
"""Bits; verifiers take no smaller key (RFC 8301, 3.2)."""

_FIELD = re.compile(rb"([!-9;-~]+)[ \t]*:((?:[^\r\n]|\r\n[ \t])*)\r\n")
_SPACES = re.compile(rb"[\t ]+")
_FOLDED = re.compile(rb"[\t \r\n]+")
_LINE_WIDTH = 72


class Signer:
    """Signs for one domain with one key."""

    def __init__(
        self, domain: str, selector: str, key: rsa.RSAPrivateKey | Ed25519PrivateKey
    ) -> None:
        self._sign: Callable[[bytes], bytes]
        if isinstance(key, Ed25519PrivateKey):
            # RFC 8463, 3: it is the SHA-256 digest that is signed.
            algorithm, self._sign = "ed25519-sha256", key.sign
        else:
            scheme, digest = padding.PKCS1v15(), Prehashed(hashes.SHA256())
            algorithm = "rsa-sha256"
            self._sign = lambda data: key.sign(data, scheme, digest)
        self._start = (
            f"v=1; a={algorithm}; c=relaxed/relaxed; d={domain.lower()}; s={selector};\r\n\th="
        ).encode("ascii")

    def signed(self, content: bytes) -> bytes:
        """The message with a DKIM-Signature in front. It has CRLF line ends."""
        head, _, body = content.partition(b"\r\n\r\n")
        fields: dict[bytes, list[bytes]] = {}
        for found in _FIELD.finditer(head + b"\r\n"):
            fields.setdefault(found[1].lower(), []).append(found[2])
        names = [name for name in _SIGNED for _ in fields.get(name, ())]
        names.append(_ONCE_MORE)
        digest = base64.b64encode(hashlib.sha256(canonical_body(body)).digest())
        value = b"".join(
            (self._start, b":\r\n\t".join(_lines(names)), b";\r\n\tbh=", digest, b";\r\n\tb=")
        )
        hasher = hashlib.sha256()
        seen: Counter[bytes] = Counter()
        for name in names:
            values = fields.get(name, ())
            seen[name] += 1
            # Fields of one name are taken from the bottom up; one too many is as if empty (5.4.2).
            if seen[name] <= len(values):
                hasher.update(_canonical_field(name, values[-seen[name]]) + b"\r\n")
        hasher.update(_canonical_field(b"dkim-signature", value))
        signature = base64.b64encode(self._sign(hasher.digest()))
        folded = b"\r\n\t".join(
            signature[at : at + _LINE_WIDTH] for at in range(0, len(signature), _LINE_WIDTH)
        )
        return b"".join((b"DKIM-Signature: ", value, folded, b"\r\n", content))


def canonical_body(body: bytes) -> bytes:
    """The `relaxed` form of a body (RFC 6376, 3.4.4)."""
    if b"\t" in body or b"  " in body:
        body = _SPACES.sub(b" ", body)
    if b" \r\n" in body:
        body = body.replace(b" \r\n", b"\r\n")
    body = body.removesuffix(b" ") if body.endswith(b" ") else body
    end = len(body)
    while body.endswith(b"\r\n", 0, end):
        end -= 2
    return body[:end] + b"\r\n" if end else b""


def _canonical_field(name: bytes, value: bytes) -> bytes:
    """The `relaxed` form of a header field, its line end left out (RFC 6376, 3.4.2)."""
    return name + b":" + _FOLDED.sub(b" ", value).strip()


def _lines(names: list[bytes]) -> list[bytes]:
    """The names of h=, joined with colons into lines."""
    lines = [names[0]]
    for name in names[1:]:
        if len(lines[-1]) + len(name) < _LINE_WIDTH - 2:
            lines[-1] += b":" + name
        else:
            lines.append(name)
    return lines


def signer_of(settings: Settings) -> Signer | None:
    """The signer that the section `dkim` describes; None where there is none.

    Raises:
        SettingsError: its key cannot be read, or is of a kind that DKIM does not know.
    """
    if settings.dkim is None:
        return None
    path = settings.root / settings.dkim.key_file
    return Signer(settings.dkim.domain, settings.dkim.selector, _read_key(path))


def _read_key(path: Path) -> rsa.RSAPrivateKey | Ed25519PrivateKey:
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except OSError as error:
        raise SettingsError(
            f"The DKIM key {path} cannot be read: {error.strerror}. Check dkim.key_file."
        ) from error
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise SettingsError(
            f"The DKIM key {path} is not a private key in PEM without a passphrase. "
            "Make one with: openssl genrsa -out dkim.pem 2048"
        ) from error
    if isinstance(key, rsa.RSAPrivateKey) and key.key_size >= _SMALLEST_RSA:
        return key
    if isinstance(key, Ed25519PrivateKey):
        return key
    raise SettingsError(
        f"The DKIM key {path} is neither RSA of at least {_SMALLEST_RSA} bits nor Ed25519. "
        "Make one with: openssl genrsa -out dkim.pem 2048"
    )
