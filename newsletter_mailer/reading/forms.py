"""The kinds of `:::` blocks whose body is `key: value` lines."""

import datetime as dt
import re
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from newsletter_mailer.reading.block_reader import BlockReader, Directive, untitled
from newsletter_mailer.reading.checked import Model, checked
from newsletter_mailer.reading.document import (
    Block,
    Contact,
    Event,
    EventDate,
    NamedLink,
    Resource,
    Resources,
)
from newsletter_mailer.reading.fields import refuse_fields
from newsletter_mailer.reading.headers import Email, Lines, Words, day, wrong
from newsletter_mailer.reading.urls import WEB, safe_url
from newsletter_mailer.reading.yaml_lines import Marked, read_yaml

_DATE = re.compile(r"(\S+)(?:\s+(\d{1,2}:\d{2})(?:\s*(?:-|–|to)\s*(\d{1,2}:\d{2}))?)?")


def _url(value: str) -> str:
    try:
        return safe_url(value, WEB)
    except ValueError as error:
        raise wrong(
            "a whole address such as https://example.org/page", "Write the address in full."
        ) from error


def _event_date(value: Any) -> EventDate:  # noqa: ANN401 - any YAML value
    match = _DATE.fullmatch(value.strip()) if isinstance(value, str) else None
    if not match:
        raise wrong(
            "2019-01-31, or 2019-01-31 09:30-12:30 with the times",
            "Write the date first, then the times.",
        )
    start, end = (_time(part) for part in match.groups()[1:])
    if start and end and end <= start:
        raise wrong("an end after the start", "Mend the times.")
    return EventDate(day(match[1]), start, end)


def _time(part: str | None) -> dt.time | None:
    if part is None:
        return None
    try:
        return dt.time.fromisoformat(part.zfill(5))
    except ValueError as error:
        raise wrong("a time from 00:00 to 23:59", "Mend the time.") from error


Url = Annotated[str, AfterValidator(_url)]
When = Annotated[EventDate, BeforeValidator(_event_date)]


class _Form(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)


class EventForm(_Form):
    """What an `event` block may hold."""

    title: Words
    dates: Annotated[tuple[When, ...], Field(min_length=1)]
    place: Words | None = None
    book: Url | None = None
    about: Words | None = None


class ContactForm(_Form):
    """What a `contact` block may hold."""

    name: Words
    role: Words | None = None
    email: Email | None = None
    phone: Words | None = None
    link: Url | None = None
    address: Lines | None = None


class LinkForm(_Form):
    """One more link of a resource."""

    text: Words
    link: Url


class ResourceForm(_Form):
    """One resource in a `resources` block."""

    name: Words
    offers: Words
    link: Url | None = None
    note: Words | None = None
    more: tuple[LinkForm, ...] = ()


@untitled
def read_event(directive: Directive, reader: BlockReader) -> Block | None:
    """`::: event`."""
    form = _form(EventForm, directive, reader)
    if form is None:
        return None
    slug = re.sub(r"[^a-z0-9]+", "-", form.title.lower()).strip("-")[:60].strip("-") or "event"
    while slug in reader.slugs:
        slug += "-again"
    reader.slugs.add(slug)
    return Event(
        form.title,
        form.dates,
        form.place or "",
        form.book or "",
        form.about or "",
        slug,
        place=directive.place,
    )


@untitled
def read_contact(directive: Directive, reader: BlockReader) -> Block | None:
    """`::: contact`."""
    form = _form(ContactForm, directive, reader)
    if form is None:
        return None
    if not (form.email or form.phone or form.link):
        reader.report(
            directive.place,
            "contact-way",
            "a contact without a way to reach them",
            "email, phone or link",
            "Add one.",
        )
    return Contact(
        form.name,
        form.role or "",
        form.email or "",
        form.phone or "",
        form.link or "",
        form.address or "",
        place=directive.place,
    )


@untitled
def read_resources(directive: Directive, reader: BlockReader) -> Block | None:
    """`::: resources`: a list, each item with the keys of a resource."""
    marked = _marked(directive, reader)
    if marked is None:
        return None
    if not isinstance(marked.data, list) or not marked.data:
        reader.report(
            directive.place,
            "not-a-list",
            "`::: resources` whose body is not a list",
            "`- name: …` with its other keys indented below",
            "Begin each with `- name: `.",
        )
        return None
    resources: list[Resource] = []
    for index, data in enumerate(marked.data):
        lines = {path[1:]: line for path, line in marked.lines.items() if path[:1] == (index,)}
        form = checked(ResourceForm, Marked(data, lines), reader.source, reader.findings)
        if form is not None:
            more = tuple(NamedLink(link.text, link.link) for link in form.more)
            place = reader.source.at(lines[()])
            resources.append(
                Resource(form.name, form.offers, form.link or "", form.note or "", more, place)
            )
    return Resources(tuple(resources), place=directive.place)


def _marked(directive: Directive, reader: BlockReader) -> Marked | None:
    first_line = directive.place.line + 1
    refuse_fields(directive.body, reader.source.at(first_line), reader.findings)
    return read_yaml(directive.body, reader.source, reader.findings, first_line=first_line)


def _form(model: type[Model], directive: Directive, reader: BlockReader) -> Model | None:
    marked = _marked(directive, reader)
    return checked(model, marked, reader.source, reader.findings) if marked else None
