"""Sending notices: each is looked at once more, compiled, and handed to the transport."""

import datetime as dt
import email.utils
import html
import logging
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import chain

from sqlalchemy import Connection, Engine, select

from newsletter_mailer.audience import joining, notices
from newsletter_mailer.audience.notices import Notice
from newsletter_mailer.audience.subscriber import ACTIVE, first_name
from newsletter_mailer.compiling.merge import Segments, one_line
from newsletter_mailer.compiling.notice import CompiledNotice, NoticeCompiler, NoticeText
from newsletter_mailer.errors import TransportError
from newsletter_mailer.mailbox import address_key
from newsletter_mailer.sending import headers
from newsletter_mailer.sending.personal_links import PersonalLinks, signer
from newsletter_mailer.sending.quoted_printable import encoded
from newsletter_mailer.sending.transports.choosing import transport_of
from newsletter_mailer.sending.transports.contract import Letter, Message, Outcome, Transport
from newsletter_mailer.sending.transports.sendgrid.mailing import Mailing, VariantContent
from newsletter_mailer.settings import Settings
from newsletter_mailer.store.engine import reading, writing
from newsletter_mailer.store.tables import subscriber

log = logging.getLogger(__name__)

FOLDER = "notices"
"""Of the outbox."""

_NO_CAMPAIGN = 0


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of notice: its words, and where its button leads. None: it is of no use any more."""

    words: NoticeText
    leads_to: Callable[[Connection, Notice, dt.datetime], str | None]


class NoticePost:
    """Sends the notices that are due. For one thread at a time."""

    def __init__(self, settings: Settings, key: str) -> None:
        """`key` signs the links in them.

        Raises:
            SettingsError: the transport's settings are missing or malformed.
            TemplateError: there are mistakes in the templates of mails.
        """
        self._settings = settings
        self._key = key
        self._links = PersonalLinks(settings.base_url, key)
        self._compiler = NoticeCompiler(settings)
        self._kinds = self._known_kinds()
        self._compiled: dict[str, CompiledNotice] = {}
        self._transport: Transport = transport_of(
            settings, _NO_CAMPAIGN, settings.outbox / FOLDER, key, mailing=self._mailing
        )

    def send_due(self, engine: Engine, now: dt.datetime) -> int:
        """Send what is due; how many were taken in hand, 0 when there is nothing left.

        Raises:
            StoreError: the database refused.
        """
        with writing(engine) as connection:
            due = notices.take_due(connection, now)
        letters: dict[int, Notice] = {}
        ready: list[Letter] = []
        with reading(engine) as connection:
            for notice in due:
                letter = self._letter(connection, notice, now)
                if letter:
                    letters[notice.id] = notice
                    ready.append(letter)
        with writing(engine) as connection:
            for notice in due:
                if notice.id not in letters:
                    notices.drop(connection, notice.id)
        failed = self._hand_over(ready)
        with writing(engine) as connection:
            for id_, notice in letters.items():
                if id_ not in failed:
                    notices.drop(connection, id_)
                elif not notices.put_off(connection, notice, failed[id_], now):
                    log.error("The %s notice %d was given up: %s", notice.kind, id_, failed[id_])
        return len(due)

    def _hand_over(self, letters: list[Letter]) -> dict[int, str]:
        """Why letters did not leave, by their number. What is refused for good has an end."""
        if not letters:
            return {}
        failed = {letter.subscriber_id: "no answer" for letter in letters}
        try:
            told = self._transport.send(iter(letters), lambda *_: None)
            for receipt in chain.from_iterable(told):
                if receipt.outcome in {Outcome.ACCEPTED, Outcome.REJECTED}:
                    failed.pop(receipt.subscriber_id)
                else:
                    failed[receipt.subscriber_id] = f"{receipt.outcome}: {receipt.detail}"
        except TransportError as error:
            log.error("Notices wait: %s", error)
            failed = dict.fromkeys(failed, str(error))
        return failed

    def _letter(self, connection: Connection, notice: Notice, now: dt.datetime) -> Letter | None:
        kind = self._kinds.get(notice.kind)
        url = kind.leads_to(connection, notice, now) if kind else None
        if kind is None or url is None:
            return None
        self._made(notice.kind)
        greeting = self._settings.greeting
        first = first_name(notice.name)
        named = greeting.named.replace("{{first_name}}", first) if first else greeting.unnamed
        values = {"greeting": named, "action_url": url}
        domain = self._settings.sender.address.rpartition("@")[2]
        message_id = f"<notice.{notice.id}.{secrets.token_hex(8)}@{domain}>"
        make = partial(self._message, notice, message_id, now)
        return Letter(notice.id, notice.email, "", notice.kind, values, make)

    def _made(self, kind: str) -> CompiledNotice:
        if kind not in self._compiled:
            self._compiled[kind] = self._compiler.compile(self._kinds[kind].words)
        return self._compiled[kind]

    def _mailing(self) -> Mailing:
        """What notices say, for a provider that merges by itself."""
        sender = self._settings.sender
        variants = {}
        for kind in self._kinds:
            made = self._made(kind)
            subject = Segments((made.subject,), ())
            variants[kind] = VariantContent(subject, made.html, made.text)
        token = secrets.token_hex(16)
        return Mailing(token, sender.name, sender.address, sender.reply_to, "", variants)

    def _message(
        self, notice: Notice, message_id: str, now: dt.datetime, letter: Letter
    ) -> Message:
        """The message. It answers what somebody did, and says so (RFC 3834, 5)."""
        made, sender = self._made(notice.kind), self._settings.sender
        plain = {name: one_line(value) for name, value in letter.values.items()}
        in_html = {name: html.escape(value) for name, value in plain.items()}
        boundary = f"=_notice_{secrets.token_hex(12)}"
        parts = (("plain", made.text.fill(plain)), ("html", made.html.fill(in_html)))
        whole = (
            headers.mailbox("From", sender.name, sender.address),
            headers.mailbox("Reply-To", "", sender.reply_to) if sender.reply_to else b"",
            headers.mailbox("To", "", notice.email),
            headers.field("Subject", made.subject),
            headers.verbatim("Date", email.utils.format_datetime(now.replace(microsecond=0))),
            headers.verbatim("Message-ID", message_id),
            headers.verbatim("Auto-Submitted", "auto-generated"),
            headers.verbatim("MIME-Version", "1.0"),
            f'Content-Type: multipart/alternative; boundary="{boundary}"\r\n'.encode("ascii"),
            *(
                (
                    f"\r\n--{boundary}\r\nContent-Type: text/{kind}; charset=utf-8\r\n"
                    "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
                ).encode("ascii")
                + encoded(text)
                for kind, text in parts
            ),
            f"\r\n--{boundary}--\r\n".encode("ascii"),
        )
        return Message.of(b"".join(whole))

    def _known_kinds(self) -> dict[str, Kind]:
        name = self._settings.office.name
        ignore = (
            "If you did not ask for this, do nothing: nobody is signed up, and we delete the "
            "address after some days."
        )
        asked = f"Somebody, most likely you, entered this address to get the newsletter of {name}."
        return {
            "confirm": Kind(
                NoticeText(
                    "Confirm that you want our newsletter",
                    "One more step, and you are signed up.",
                    (
                        asked,
                        "Open the link and press the button on the page. It works for 7 days.",
                    ),
                    "Confirm my sign-up",
                    (ignore,),
                    "You get this because your address was entered on our website. Without an "
                    "answer one reminder follows, and no more.",
                ),
                self._to_confirm,
            ),
            "reminder": Kind(
                NoticeText(
                    "You have not yet confirmed our newsletter",
                    "A reminder, and the only one.",
                    (asked, "One step is left: open the link and press the button on the page."),
                    "Confirm my sign-up",
                    (ignore, "We do not write again about this."),
                    "You get this because your address was entered on our website.",
                ),
                self._to_confirm,
            ),
            "reconfirm": Kind(
                NoticeText(
                    "Do you still want our newsletter?",
                    "One click keeps you on the list.",
                    (
                        f"You are on the list for the newsletter of {name}.",
                        "We have not heard from you for long. To go on, follow the link.",
                        "The link works for 90 days.",
                    ),
                    "Yes, keep sending it",
                    ("We ask this only once. To leave, use the link at the end of any issue.",),
                    "You get this because you are on our list, and have been for long.",
                ),
                self._to_confirm,
            ),
            "already": Kind(
                NoticeText(
                    "You already get our newsletter",
                    "There is nothing that you need to do.",
                    (
                        asked,
                        "You are on our list already, and nothing was changed.",
                        "On your own page you can see what we hold about you, and change it.",
                    ),
                    "See or change my preferences",
                    ("If it was not you, you need do nothing.",),
                    "You get this because your address was entered on our website.",
                ),
                self._to_preferences,
            ),
        }

    def _to_confirm(self, connection: Connection, notice: Notice, now: dt.datetime) -> str | None:
        """The page that confirms, as long as this link is the newest and nobody has used it."""
        id_, nonce = int(notice.details["signup"]), str(notice.details["nonce"])
        if joining.look(connection, id_, nonce, now) is not joining.Joined.CONFIRMED:
            return None
        if joining.kept_off(connection, address_key(notice.email)):
            return None
        token = signer(self._key, "confirm").dumps([id_, nonce])
        return f"{self._settings.base_url}/confirm/{token}"

    def _to_preferences(
        self, connection: Connection, notice: Notice, _now: dt.datetime
    ) -> str | None:
        id_ = int(notice.details["subscriber"])
        status = connection.scalar(select(subscriber.c.status).where(subscriber.c.id == id_))
        return self._links.preferences(_NO_CAMPAIGN, id_) if status == ACTIVE else None
