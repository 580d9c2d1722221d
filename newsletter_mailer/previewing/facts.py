"""What the page is told of an edition, as data for JSON."""

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import cache, partial
from typing import Any

from newsletter_mailer.checking.size import STOP_AT, WARN_AT, bytes_of
from newsletter_mailer.compiling.article_text import article_text
from newsletter_mailer.compiling.calendar import calendar_url
from newsletter_mailer.compiling.email import CompiledEmail
from newsletter_mailer.compiling.merge import IMAGE, Segments, for_html
from newsletter_mailer.compiling.wording import reading_minutes
from newsletter_mailer.findings import Finding, Place
from newsletter_mailer.previewing.anchors import Anchors
from newsletter_mailer.previewing.differences import Given
from newsletter_mailer.previewing.hints import LONGEST_SENTENCE, reading_of
from newsletter_mailer.previewing.readers import SAMPLES, reader_facts
from newsletter_mailer.previewing.state import State
from newsletter_mailer.previewing.workshop import Edition, Trouble
from newsletter_mailer.reading.document import Article
from newsletter_mailer.reading.inline import plain_text
from newsletter_mailer.sending.asking import links_to_nobody
from newsletter_mailer.sending.personal_links import PersonalLinks
from newsletter_mailer.signing_key import signing_key

Facts = dict[str, Any]


def edition_facts(edition: Edition, findings: Sequence[Finding]) -> Facts:
    """All of an edition but its mails: versions, agencies, readers, findings, hints, coverage."""
    issue, registry, settings = edition.issue, edition.registry, edition.settings
    given = Given(issue, registry)
    anchors = Anchors(issue, registry)
    head = issue.head

    @cache
    def counted(article: Article) -> int:
        address = partial(calendar_url, settings, issue.name)
        return article_text(article, address, {}).words

    return {
        "edition": edition.number,
        "issue": {
            "name": issue.name,
            "number": head.number,
            "title": head.title,
            "sender": head.sender.name or settings.sender.name,
            "preheader": plain_text(issue.preheader),
        },
        "default": registry.default.id,
        "agencies": [
            {
                "id": agency.id,
                "name": agency.name,
                "html": for_html({"name": agency.name})["name"],
                "sector": agency.sector_name,
                "version": edition.by_agency[agency.id].name,
            }
            for agency in registry.agencies
        ],
        "versions": [_version(edition, email, given, counted) for email in edition.emails],
        "limits": {"warn": WARN_AT, "stop": STOP_AT},
        "readers": [reader_facts(reader, registry.default, settings) for reader in SAMPLES],
        "articles": [
            {
                "id": article.id,
                "title": plain_text(article.title),
                "file": article.place.file,
                "line": article.place.line,
            }
            for article in issue.every_article
        ],
        "findings": [finding_facts(finding, anchors) for finding in findings],
        "hints": [
            {
                "file": sentence.place.file,
                "line": sentence.place.line,
                "found": f"a sentence of {sentence.words} words: “{sentence.text}”",
                "mend": f"Up to {LONGEST_SENTENCE} words are easy to follow. Could it be two?",
                **_anchored(anchors, sentence.place, ""),
            }
            for sentence in reading_of(issue.every_article).long
        ],
        "coverage": [asdict(row) for row in given.coverage()],
    }


def version_facts(edition: Edition, email: CompiledEmail) -> Facts:
    """One variant, open at its merge fields: the page fills them in for whoever is chosen.

    Links to say "I have read this" lead to nobody, whoever that is.
    """
    links = PersonalLinks(edition.settings.base_url, signing_key(edition.settings))
    known = links_to_nobody(email.html.read_fields, links)
    settled = {field: known[field] for field in email.html.read_fields}
    return {
        "edition": edition.number,
        "name": email.name,
        "subject": _cut(email.subject),
        "html": _cut(email.html.settle(settled.get)),
        "text": _cut(email.text.settle(settled.get)),
        "image": IMAGE,
    }


def trouble_facts(trouble: Trouble | None) -> Facts | None:
    """Why the newest files are not shown."""
    if trouble is None:
        return None
    return {
        "message": trouble.message,
        "findings": [finding.as_dict() for finding in trouble.findings],
    }


def finding_facts(finding: Finding, anchors: Anchors) -> Facts:
    """A finding, and where it is to be seen."""
    return {**finding.as_dict(), **_anchored(anchors, finding.place, finding.found)}


def _anchored(anchors: Anchors, place: Place, found: str) -> Facts:
    anchor = anchors.of(place, found)
    return {
        "article": anchor.article,
        "words": anchor.words,
        "url": anchor.url,
        "readers": anchor.readers,
    }


def _version(
    edition: Edition, email: CompiledEmail, given: Given, counted: Callable[[Article], int]
) -> Facts:
    tailored = given.by_agency[email.agencies[0]]
    words = sum(counted(article) for article in tailored.every_article)
    return {
        "name": email.name,
        "agencies": email.agencies,
        "size": bytes_of(edition.issue, email, edition.registry, edition.settings),
        "articles": given.articles(email),
        "actions": len(tailored.actions),
        "differences": [asdict(difference) for difference in given.differences(email)],
        "reading": {
            "words": words,
            "minutes": reading_minutes(words),  # as the mail itself says
            "age": reading_of(tailored.every_article).age,
        },
    }


def _cut(segments: Segments) -> Facts:
    return {"literals": segments.literals, "fields": segments.fields}


def state_facts(state: State, zone: dt.tzinfo) -> Facts:
    """What the page is told at once of each new state; it asks for the rest."""
    made_at = state.made_at and state.made_at.astimezone(zone)
    return {
        "serial": state.serial,
        "edition": state.edition.number if state.edition else 0,
        "made": f"{made_at:%H:%M:%S}" if made_at else "",
        "looked": state.looked,
        "checking": state.checking,
        "links": {"done": state.links_done, "all": state.links_all, "unlooked": state.unlooked},
        "trouble": trouble_facts(state.trouble),
    }
