"""What is wrong with an issue's links that shows without any network."""

from collections.abc import Collection, Iterable, Iterator
from collections.abc import Set as AbstractSet
from urllib.parse import urlsplit

from newsletter_mailer.checking.links import (
    hosts,
    mailto,
    mangled,
    phone,
    retired,
    texts,
    wording,
    wrappers,
)
from newsletter_mailer.checking.links.breaks import vocabulary
from newsletter_mailer.checking.links.mangled import mangling
from newsletter_mailer.checking.links.mention import Mention
from newsletter_mailer.checking.links.mentions import Passage, mentions, passages
from newsletter_mailer.checking.links.personal import is_personal
from newsletter_mailer.checking.links.slug_words import SLUG_WORDS
from newsletter_mailer.findings import Finding, Severity, brief, errors_in
from newsletter_mailer.reading.document import Issue
from newsletter_mailer.reading.urls import WEB, either
from newsletter_mailer.settings import Settings

RULES = (
    hosts.RULES
    | mailto.RULES
    | mangled.RULES
    | phone.RULES
    | retired.RULES
    | texts.RULES
    | wording.RULES
    | {"link-personal", "link-tracking", "link-wrapped"}
)
"""Every rule of `written`. An issue may waive each of them."""


def written(issue: Issue, settings: Settings, answering: Collection[str] = ()) -> list[Finding]:
    """What is wrong or doubtful in how links and addresses are written, sorted.

    `answering` are URLs that are known to lead to a page: a doubt about how they are
    written is then settled, and is no finding. Where a link leads is not looked at.
    """
    found = mentions(issue)
    read = passages(issue)
    words = _vocabulary(found, read)
    office = settings.office.email
    reader = texts.TextReader(words, texts.home_pages({each.url for each in found}), office)
    findings: list[Finding] = []
    for mention in found:
        scheme = urlsplit(mention.url).scheme
        own: list[Finding] = []
        if scheme in WEB:
            own += _web(mention, words, settings, answering)
        elif scheme == "mailto":
            own += _mail(mention, office)
        elif scheme == "tel":
            own += phone.phone_findings(mention)
        findings += own
        if not errors_in(own):  # a target that has to change anyway is compared with nothing
            findings += wording.wording_findings(mention)
    for passage in read:
        findings += reader.findings(passage)
    return sorted(set(findings))


def _vocabulary(found: Iterable[Mention], read: Iterable[Passage]) -> AbstractSet[str]:
    """The words to mend addresses with; those of the issue only where one seems broken."""
    if any("%20" in each.url for each in found) or any(texts.has_url(each.text) for each in read):
        return vocabulary({each.text for each in read} | {each.words for each in found})
    return SLUG_WORDS


def _mail(mention: Mention, office: str) -> Iterator[Finding]:
    address = mention.url.removeprefix("mailto:").partition("?")[0]
    gone = retired.retired(mention.place, address, office)
    if gone:
        yield gone
    yield from mailto.mail_findings(mention)


def _web(
    mention: Mention, words: AbstractSet[str], settings: Settings, answering: Collection[str]
) -> Iterator[Finding]:
    url, place = mention.url, mention.place
    shown = f"the link {brief(mention.words, 40)!r} to {brief(url, 120)}"
    damage = mangling(url, words)
    if damage and not (url in answering and damage.severity is Severity.WARNING):
        yield Finding(
            place,
            damage.rule,
            f"{shown}, with {damage.found}",
            "the address as the page itself has it",
            f"Try {either(damage.urls)}.",
            damage.severity,
        )
        return
    if wrapped := _wrapped(mention, shown):
        yield wrapped
        return
    if host := hosts.inner_host(url, settings.links_allow):
        yield Finding(
            place,
            "link-local",
            f"{shown}, which opens inside one network only ({host})",
            "an address that every reader can open",
            "Put the page or the file on a public website, and link to it there.",
        )
        return
    gone = retired.retired(place, urlsplit(url).hostname or "", settings.office.website)
    if gone:
        yield gone
    elif is_personal(url):
        yield Finding(
            place,
            "link-personal",
            f"{shown}, which looks like one person's own link",
            "a page that is the same for all readers",
            "Link the page itself; {{unsubscribe_url}} gives each reader their own link to leave.",
            Severity.WARNING,
        )
    elif names := wrappers.personal_parameters(url):
        yield Finding(
            place,
            "link-tracking",
            f"{shown}, which tells who copied it ({', '.join(names)})",
            "the address alone",
            f"Write {wrappers.without_tracking(url)}.",
            Severity.WARNING,
        )


def _wrapped(mention: Mention, shown: str) -> Finding | None:
    name = wrappers.wrapper(mention.url)
    if not name:
        return None
    inner = wrappers.unwrapped(mention.url)
    host = wrappers.hidden_host(mention.url)
    mend = f"Write {inner}."
    if inner is None:
        mend = "It cannot be read: open it, and copy the address of the page that appears"
        mend += f" (it is on {host})." if host else "."
    return Finding(
        mention.place,
        "link-wrapped",
        f"{shown}, which {name} has wrapped",
        "the address that it was made from",
        mend,
        Severity.WARNING,
    )
