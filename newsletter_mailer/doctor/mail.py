"""The header of a message as it would leave: what mail programs and bulk-sender rules need."""

from collections.abc import Iterable
from email import message_from_bytes, policy
from email.message import Message
from urllib.parse import unquote, urlsplit

from newsletter_mailer.doctor.diagnosis import Diagnosis, failing, fine, warning
from newsletter_mailer.doctor.tag_list import read_tags

ONCE = ("From", "To", "Subject", "Date", "Message-ID", "MIME-Version")
"""Fields that a message has once (RFC 5322, 3.6; Google refuses repeated ones)."""

LIST = ("List-Id", "List-Unsubscribe", "List-Unsubscribe-Post")
"""Fields of a list's mail (RFC 2919, RFC 2369, RFC 8058)."""

ONE_CLICK = "List-Unsubscribe=One-Click"
"""All that List-Unsubscribe-Post may say (RFC 8058, 3.1)."""


def letterhead(content: bytes) -> list[Diagnosis]:
    """How the header of a message is; `content` is whole, as it would leave."""
    # The old policy gives values as they were written.
    message = message_from_bytes(content, policy=policy.compat32)
    return [_present(message), _unsubscribe(message), _covered(message)]


def _present(message: Message) -> Diagnosis:
    name = "list headers"
    counts = {field: len(message.get_all(field, [])) for field in (*ONCE, *LIST)}
    wrong = [
        f"{field} is missing" if not number else f"{field} stands {number} times"
        for field, number in counts.items()
        if number != 1
    ]
    if len(message.get_all("Reply-To", [])) > 1:
        wrong.append("Reply-To stands more than once")
    if wrong:
        return failing(
            name,
            f"In the header of a message: {'; '.join(wrong)}.",
            "This is a fault of the program or of a change to it: report it.",
        )
    return fine(name, f"{', '.join(LIST)} present, each field once")


def _unsubscribe(message: Message) -> Diagnosis:
    name = "one-click unsubscribe"
    post = str(message.get("List-Unsubscribe-Post", ""))
    links = [part.strip() for part in str(message.get("List-Unsubscribe", "")).split(",")]
    addresses = [link[1:-1] for link in links if link.startswith("<") and link.endswith(">")]
    schemes = {urlsplit(address).scheme for address in addresses}
    if "https" not in schemes:
        return failing(
            name,
            "List-Unsubscribe holds no https address, so mail programs show no button "
            f"(RFC 8058, 3.1); it has {', '.join(sorted(schemes)) or 'none'}.",
            "Set base_url to an address that begins with https://.",
        )
    if post != ONE_CLICK:
        return failing(
            name,
            f"List-Unsubscribe-Post is {post!r}; expected {ONE_CLICK!r}.",
            "This is a fault of the program or of a change to it: report it.",
        )
    mails = [urlsplit(address).path for address in addresses if address.startswith("mailto:")]
    also = f", a mail to {unquote(mails[0])}" if mails else ""
    return fine(name, f"an https address{also}, and List-Unsubscribe-Post as RFC 8058 wants it")


def _covered(message: Message) -> Diagnosis:
    """Whether a DKIM signature covers the list's fields, so that receivers heed them."""
    name = "list headers signed"
    signatures = [str(value) for value in message.get_all("DKIM-Signature", [])]
    if not signatures:
        return warning(
            name,
            "Messages leave here without a DKIM signature.",
            "Set domain, selector and key file in the section [dkim] of the settings. If your "
            "relay signs instead, see that its h= names List-Unsubscribe and "
            "List-Unsubscribe-Post (RFC 8058, 4).",
        )
    needed = ("From", "To", "Subject", "Date", "Message-ID", *LIST)
    missing = min((_uncovered(signature, needed) for signature in signatures), key=len)
    if missing:
        return failing(
            name,
            f"The DKIM signature does not cover {', '.join(missing)}.",
            "This is a fault of the program or of a change to it: report it.",
        )
    return fine(name, f"DKIM's h= covers {', '.join(LIST)}")


def _uncovered(signature: str, needed: Iterable[str]) -> list[str]:
    tags = read_tags("".join(signature.splitlines())) or {}
    covered = {field.strip().lower() for field in tags.get("h", "").split(":")}
    return [field for field in needed if field.lower() not in covered]
