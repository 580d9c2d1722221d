"""Size: Gmail cuts off a mail of more than 102 KB of HTML, and the unsubscribe link with it.

Google does not document that limit; those who send mail have measured it. What is measured
here is the HTML as the longest reader that is to be expected would get it.
"""

import re
from collections.abc import Sequence

from newsletter_mailer.compiling.email import CompiledEmail
from newsletter_mailer.compiling.merge import IMAGE, READER_FIELDS, Segments, for_html
from newsletter_mailer.findings import Finding, Severity
from newsletter_mailer.reading.agencies import Registry
from newsletter_mailer.reading.document import Issue
from newsletter_mailer.settings import Settings

WARN_AT = 80_000
"""Bytes of HTML from which a mail is doubtful."""

STOP_AT = 95_000
"""Bytes of HTML from which a mail is refused: the last steps of its way add some more."""

NAME_LENGTH = 60
ADDRESS_LENGTH = 80
LINK_LENGTH = 150
"""Characters of a long name, a long address, and a personal link with its token."""

_PATH_AND_TOKEN = 110
"""What a personal link adds to `base_url`, at most."""

_CONTENT_ID = "@" + "0" * 32
"""What stands after a picture's name where it travels inside the mail."""

RULES = frozenset({"mail-size"})

_NAMED = 3
_FOOT = re.compile(r'<div class="foot\b')


def size(
    issue: Issue,
    emails: Sequence[CompiledEmail],
    registry: Registry,
    settings: Settings,
    *,
    link_length: int = LINK_LENGTH,
) -> list[Finding]:
    """Mails that Gmail would clip, or nearly; `link_length` is that of a personal link.

    All that are too big make one finding, and all that are nearly so another: what mends
    one of them mostly mends its neighbours.
    """
    sizes = {
        email.name: bytes_of(issue, email, registry, settings, link_length) for email in emails
    }
    too_big = [email for email in emails if sizes[email.name] >= STOP_AT]
    nearly = [email for email in emails if WARN_AT <= sizes[email.name] < STOP_AT]
    findings = []
    for some, limit, severity in (
        (too_big, STOP_AT, Severity.ERROR),
        (nearly, WARN_AT, Severity.WARNING),
    ):
        if not some:
            continue
        biggest = max(some, key=lambda email: sizes[email.name])
        others = f" ({len(some)} variants are this big)" if len(some) > 1 else ""
        heavy = ", ".join(
            f"{name} {weight:,} bytes" for name, weight in heaviest(issue, biggest)[:_NAMED]
        )
        findings.append(
            Finding(
                issue.place,
                "mail-size",
                f"{sizes[biggest.name]:,} bytes of HTML for {biggest.name}{others}",
                f"less than {limit:,}; Gmail hides what is beyond 102 KB",
                f"Shorten the heaviest articles: {heavy}."
                if heavy
                else "Make the templates lighter.",
                severity,
            )
        )
    return findings


def bytes_of(
    issue: Issue,
    email: CompiledEmail,
    registry: Registry,
    settings: Settings,
    link_length: int = LINK_LENGTH,
) -> int:
    """Bytes of a variant's HTML for the longest reader that is to be expected."""
    values = for_html(_longest_reader(email, registry, settings, link_length))
    return len(_with_pictures(issue, email, settings).fill(values).encode("utf-8", "replace"))


def heaviest(issue: Issue, email: CompiledEmail) -> list[tuple[str, int]]:
    """The articles of a variant by the bytes from one's heading to the next, most first."""
    page = str(email.html)
    found = sorted(
        (at, article.id)
        for article in issue.every_article
        if (at := page.find(f' id="{article.id}"')) >= 0
    )
    if not found:
        return []
    foot = _FOOT.search(page, found[-1][0])
    ends = [at for at, _ in found[1:]] + [foot.start() if foot else len(page)]
    weights = [
        (name, len(page[at:end].encode("utf-8", "replace")))
        for (at, name), end in zip(found, ends, strict=True)
    ]
    return sorted(weights, key=lambda weight: (-weight[1], weight[0]))


def _longest_reader(
    email: CompiledEmail, registry: Registry, settings: Settings, link_length: int
) -> dict[str, str]:
    """The values of the merge fields for a reader with a long name, address and agency."""
    name = "N" * NAME_LENGTH
    domain = "@example.org"
    link = settings.base_url + "/preferences/"
    link = link.ljust(max(link_length, len(settings.base_url) + _PATH_AND_TOKEN), "x")
    named = settings.greeting.named.replace("{{first_name}}", name)
    values = dict.fromkeys(READER_FIELDS, name) | {
        "greeting": max(named, settings.greeting.unnamed, key=len),
        "agency_name": max((registry.agency(id_).name for id_ in email.agencies), key=len),
        "email": "a" * (ADDRESS_LENGTH - len(domain)) + domain,
    }
    values |= dict.fromkeys(email.html.read_fields, link)
    return values | {field: link for field in READER_FIELDS if field.endswith("_url")}


def _with_pictures(issue: Issue, email: CompiledEmail, settings: Settings) -> Segments:
    """The HTML, its pictures at addresses as long as those it is sent with."""
    if settings.send.images == "hosted":
        return email.html_with_images(f"{settings.base_url}/archive/{issue.name}/images/")
    return email.html.settle(
        lambda name: (
            f"cid:{name.removeprefix(IMAGE)}{_CONTENT_ID}" if name.startswith(IMAGE) else None
        )
    )
