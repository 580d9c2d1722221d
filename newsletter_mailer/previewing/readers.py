"""Readers to see a mail as: made-up ones, among them awkward names, and subscribers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from sqlalchemy import make_url

from newsletter_mailer.audience.listing import list_subscribers
from newsletter_mailer.audience.subscriber import ACTIVE
from newsletter_mailer.compiling.merge import for_html, for_text
from newsletter_mailer.reading.agencies import Agency
from newsletter_mailer.sending.asking import NOBODY, links_to_nobody
from newsletter_mailer.sending.ledger import Delivery
from newsletter_mailer.sending.letters import merge_values
from newsletter_mailer.sending.personal_links import PersonalLinks
from newsletter_mailer.settings import Settings
from newsletter_mailer.signing_key import signing_key
from newsletter_mailer.store.engine import open_store, reading

MOST = 50
"""Subscribers of an agency that are offered."""

_SHORT_WAIT = 2.0
"""Seconds to wait for a database that somebody else is writing to."""


@dataclass(frozen=True, slots=True)
class Reader:
    """Somebody to see the mail as. `label` says what is special about them."""

    key: str
    label: str
    name: str
    email: str


SAMPLES = (
    Reader("usual", "Asha Patel", "Asha Patel", "asha.patel@example.org"),
    Reader("nameless", "no name", "", "office@example.org"),
    Reader(
        "long",
        "a very long name",
        "Wilhelmina-Anastasia Featherstonehaugh-Cholmondeley de Montmorency",
        "wilhelmina-anastasia.featherstonehaugh-cholmondeley@safeguarding.example.org",
    ),
    Reader("accents", "Zoë O’Neill-Nguyễn", "Zoë O’Neill-Nguyễn", "zoe@example.org"),
    Reader("rtl", "an Arabic name", "أمينة الحسن", "amina@example.org"),
    Reader("capitals", "MORRIS, DR. JOHN", "MORRIS, DR. JOHN", "john.morris@example.org"),
    Reader("title", "Mrs Jones", "Mrs Jones", "jones@example.org"),
    Reader("emoji", "Sam 🌻", "Sam 🌻", "sam@example.org"),
    Reader("markup", "a name with signs", '<b>Robin</b> & "Co"', "robin@example.org"),
)
"""Made-up readers; the first is who the mail is shown to at first."""


def subscribers(settings: Settings, agency: str) -> tuple[Reader, ...]:
    """The first subscribers of an agency; none where nobody was imported yet.

    Raises:
        StoreError: the database cannot be read.
    """
    if not _has_store(settings):
        return ()
    impatient = settings.model_copy(
        update={"database_wait": min(settings.database_wait, _SHORT_WAIT)}
    )
    engine = open_store(impatient)
    try:
        with reading(engine) as connection:
            found = list_subscribers(connection, agency=agency, status=ACTIVE)
            return tuple(
                Reader(f"subscriber-{each.id}", each.name or each.email, each.name, each.email)
                for each in islice(found, MOST)
            )
    finally:
        engine.dispose()


def _has_store(settings: Settings) -> bool:
    """Whether there is a database; a preview is no reason to make one."""
    if settings.database_url is None:
        return (settings.state / "newsletter.db").is_file()
    url = make_url(settings.database_url)
    if url.get_backend_name() != "sqlite":
        return True
    return bool(url.database) and (settings.root / Path(str(url.database))).is_file()


def values(
    reader: Reader, agency: Agency, settings: Settings, asking: Sequence[str] = ()
) -> dict[str, str]:
    """What fills the merge fields for a reader at an agency; the personal links lead to nobody.

    `asking` are the fields of links to say "I have read this".
    """
    links = PersonalLinks(settings.base_url, signing_key(settings))
    urls = links_to_nobody(asking, links)
    delivery = Delivery(NOBODY, "", reader.email, reader.name, agency.id, 1)
    return merge_values(delivery, agency.name, settings.greeting, urls)


def reader_facts(reader: Reader, agency: Agency, settings: Settings) -> Mapping[str, object]:
    """A reader for the page: the values of all fields but the agency's name, for text and HTML."""
    filled = values(reader, agency, settings)
    del filled["agency_name"]
    return {
        "key": reader.key,
        "label": reader.label,
        "name": reader.name,
        "email": reader.email,
        "text": for_text(filled),
        "html": for_html(filled),
    }
