"""Whether the transport would take messages now. Nothing is sent."""

import contextlib
import datetime as dt
import json
import os
import socket
import ssl
from dataclasses import replace
from http import HTTPStatus

from newsletter_mailer.doctor.diagnosis import Diagnosis, failing, fine, warning
from newsletter_mailer.doctor.machine import standing
from newsletter_mailer.sending.transports.sendgrid.answers import explained
from newsletter_mailer.sending.transports.sendgrid.client import Client, account_of
from newsletter_mailer.sending.transports.smtp.connecting import (
    Failed,
    Opened,
    Opening,
    Relay,
    relay_of,
)
from newsletter_mailer.settings import Settings

EXPIRES_SOON = dt.timedelta(days=14)
"""Before a certificate's end; most are renewed a month before it."""

_PATIENCE = 4.0
"""Seconds for each step of the conversation with the relay, or the provider."""

_TO_HOLD_BACK = {
    "mail.batch.create",
    "user.scheduled_sends.create",
    "user.scheduled_sends.read",
    "user.scheduled_sends.update",
    "user.scheduled_sends.delete",
}
"""What the provider calls the permissions for a staged commit."""


def outbox(settings: Settings) -> list[Diagnosis]:
    """Whether the folder of the outbox can be written, or made."""
    place = standing(settings.outbox)
    if not place.is_dir() or not os.access(place, os.W_OK | os.X_OK):
        return [
            failing(
                "outbox",
                f"{place} is not a folder in which this user may write.",
                f"Let this user write in {settings.outbox}.",
            )
        ]
    return [fine("outbox", f"messages become files in {settings.outbox}; nothing leaves")]


def smtp(settings: Settings, *, mail: int, now: dt.datetime) -> list[Diagnosis]:
    """Whether the relay answers, proves who it is, lets us in, and takes messages of this size.

    Connects, greets, secures and authorises as a campaign would, then says QUIT.

    Args:
        settings: they name the relay.
        mail: bytes of a message.
        now: compared with the end of the relay's certificate.

    Raises:
        SettingsError: the relay's address is not set or malformed.
    """
    relay = relay_of(settings)
    name = settings.smtp.ehlo_name or socket.getfqdn()
    opening = Opening(
        relay, ssl.create_default_context(), name=name, connect=_PATIENCE, reply=_PATIENCE
    )
    result = opening.run()
    if isinstance(result, Failed):
        mend = (
            ""
            if result.lasting
            else (
                "Try again; then look at the network, and at host and port in NEWSLETTER_SMTP_URL."
            )
        )
        return [failing("relay", f"{result.why}.", mend)]
    with result.connection:
        found = [_met(relay, result)]
        if isinstance(result.connection, ssl.SSLSocket):
            found.append(_certificate(relay, result.connection, now))
        found.append(_size(relay, result, mail))
        found.append(_speed(relay, result))
        _leave(result.connection)
    return found


def _met(relay: Relay, opened: Opened) -> Diagnosis:
    login = "lets us in" if relay.user else "asks for no log-in"
    if isinstance(opened.connection, ssl.SSLSocket):
        return fine("relay", f"{relay} answers, by {opened.connection.version()}, and {login}")
    if relay.host in {"localhost", "::1"} or relay.host.startswith("127."):
        return fine("relay", f"{relay} answers and {login}; it is on this machine, without TLS")
    return warning(
        "relay",
        f"{relay} answers and {login}, but without TLS: everybody on the way can read the mails.",
        "Use smtp+starttls:// or smtps:// in NEWSLETTER_SMTP_URL.",
    )


def _certificate(relay: Relay, connection: ssl.SSLSocket, now: dt.datetime) -> Diagnosis:
    name = "relay's certificate"
    certificate = connection.getpeercert() or {}
    seconds = ssl.cert_time_to_seconds(str(certificate["notAfter"]))
    end = dt.datetime.fromtimestamp(seconds, dt.UTC)
    if end - now < EXPIRES_SOON:
        return warning(
            name,
            f"The certificate of {relay} ends on {end:%d %B %Y}.",
            "Tell who runs the relay: after that no campaign can be sent.",
        )
    return fine(name, f"trusted, and good until {end:%d %B %Y}")


def _size(relay: Relay, opened: Opened, mail: int) -> Diagnosis:
    name = "message size"
    most = opened.offer.size
    if not most:
        return fine(name, f"{relay} states no limit")
    if most < mail:
        return failing(
            name,
            f"{relay} takes messages of {most:,} bytes at most; the largest has about {mail:,}.",
            'Have the limit raised, or set send.images = "hosted".',
        )
    return fine(name, f"{relay} takes up to {most:,} bytes; the largest mail has about {mail:,}")


def _speed(relay: Relay, opened: Opened) -> Diagnosis:
    offers = [
        word
        for word, offered in (
            ("PIPELINING", opened.offer.pipelining),
            ("CHUNKING", opened.offer.chunking),
            ("8BITMIME", opened.offer.eight_bit),
        )
        if offered
    ]
    if not opened.offer.pipelining:
        return warning(
            "pipelining",
            f"{relay} does not offer PIPELINING, so each message waits for the network four times.",
            "It works, only slower. More smtp.connections make up for it.",
        )
    return fine("pipelining", f"{relay} offers {', '.join(offers)}")


def _leave(connection: socket.socket) -> None:
    """Say goodbye; whatever comes back, nothing was sent."""
    connection.settimeout(_PATIENCE)
    with contextlib.suppress(OSError):
        connection.sendall(b"QUIT\r\n")
        connection.recv(1024)


def sendgrid(settings: Settings) -> list[Diagnosis]:
    """Whether the provider answers, knows the key, and lets it do what a campaign needs.

    Asks for the key's permissions, and for nothing else.

    Raises:
        SettingsError: there is no key.
    """
    account = replace(account_of(settings), timeout=_PATIENCE)
    answer = Client(account).call("get", "scopes")
    if answer.status != HTTPStatus.OK:
        mend = "Make a new key in the provider's settings, for NEWSLETTER_SENDGRID_API_KEY."
        if answer.status not in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
            mend = "Look at the network, and at NEWSLETTER_SENDGRID_HOST; then try again."
        return [failing("provider", f"{account} answers: {explained(answer)}.", mend)]
    try:
        scopes = set(json.loads(answer.content)["scopes"])
    except (ValueError, KeyError, TypeError):
        return [failing("provider", f"{account} gives an answer that is not the provider's.")]
    found = [fine("provider", f"{account} answers, and knows the key")]
    needed = {"mail.send"}
    if settings.send.staged:
        needed |= _TO_HOLD_BACK
    missing = sorted(needed - scopes)
    if missing:
        found.append(
            failing(
                "permissions",
                f"The key may not do what is needed: {', '.join(missing)}.",
                "Give it Mail Send, and for send.staged Scheduled Sends, or make another key.",
            )
        )
    else:
        found.append(fine("permissions", f"the key may {', '.join(sorted(needed))}"))
    if scopes - needed - _TO_HOLD_BACK - {"mail.batch.read", "sender_verification_eligible"}:
        found.append(
            warning(
                "permissions besides",
                "The key may do more than sending needs.",
                "Whoever gets hold of it could do so too: a key for sending alone is safer.",
            )
        )
    return found
