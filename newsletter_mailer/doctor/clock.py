"""The clock: signatures, links and the times in the ledger hang on it."""

import datetime as dt
import email.utils
import http.client
import ssl
import zoneinfo
from collections.abc import Callable
from urllib.parse import urlsplit

from newsletter_mailer.doctor.diagnosis import Diagnosis, failing, fine, unknown, warning

EARLIEST = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
"""No machine that runs this version of the program can be in an earlier year."""

LATEST = dt.datetime(2100, 1, 1, tzinfo=dt.UTC)

APART = dt.timedelta(minutes=2)
"""Two clocks may differ by so much; TLS, DKIM and signed links still agree then."""

_PATIENCE = 4.0
"""Seconds for the web server's answer."""


def year(now: dt.datetime) -> Diagnosis:
    """Whether the clock was set at all: a machine without a battery begins in 1970."""
    name = "clock"
    if EARLIEST <= now < LATEST:
        return fine(name, f"{now:%Y-%m-%d %H:%M:%S} UTC")
    return failing(
        name,
        f"This machine's clock says {now:%Y-%m-%d %H:%M} UTC.",
        "Set it, and let it be kept right by NTP (timedatectl set-ntp true).",
    )


def zone(name: str) -> Diagnosis:
    """Whether the machine knows the office's time zone."""
    try:
        zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return failing(
            "time zone",
            f"This machine has no data of the time zone {name}.",
            "Install the system's package tzdata, or: pip install tzdata",
        )
    return fine("time zone", f"{name} is known here")


def newest(now: dt.datetime, written: dt.datetime | None) -> Diagnosis:
    """Whether the clock has gone back behind what it wrote into the database."""
    name = "clock and database"
    if written is None:
        return fine(name, "nothing was written yet")
    if written > now + APART:
        return failing(
            name,
            f"The database holds something of {written:%Y-%m-%d %H:%M:%S} UTC, which is in the "
            "future: the clock is wrong now, or was then.",
            "Set the clock, and let it be kept right by NTP, before you send.",
        )
    return fine(name, f"the newest entry is of {written:%Y-%m-%d %H:%M:%S} UTC")


def against(base_url: str, now: Callable[[], dt.datetime]) -> Diagnosis:
    """The clock beside that of the web server at `base_url`, which says the time in its Date.

    One request is made, without a body, and no redirect is followed.
    """
    name = "clock and web server"
    url = urlsplit(base_url)
    kind = http.client.HTTPSConnection if url.scheme == "https" else http.client.HTTPConnection
    try:
        connection = kind(url.hostname or "", url.port, timeout=_PATIENCE)
        try:
            connection.request("HEAD", f"{url.path or '/'}")
            said = connection.getresponse().getheader("Date", "")
        finally:
            connection.close()
    except ssl.SSLCertVerificationError as error:
        return warning(
            name,
            f"The certificate of {url.hostname} was refused: {error.verify_message}. A clock "
            "that is wrong can be the reason, and readers' programs refuse it too if not.",
            "Look at the clock and at the certificate.",
        )
    except (OSError, ValueError, http.client.HTTPException) as error:
        reason = getattr(error, "strerror", None) or type(error).__name__
        return unknown(name, f"{base_url} gave no answer ({reason}).")
    try:
        theirs = email.utils.parsedate_to_datetime(said)
    except ValueError:
        return unknown(name, f"{base_url} does not say what time it is.")
    return compared(name, now(), theirs if theirs.tzinfo else theirs.replace(tzinfo=dt.UTC))


def compared(name: str, ours: dt.datetime, theirs: dt.datetime) -> Diagnosis:
    """This machine's time beside another's."""
    apart = abs(ours - theirs)
    if apart > APART:
        way = "ahead of" if ours > theirs else "behind"
        return warning(
            name,
            f"This machine's clock is {round(apart.total_seconds()):,} seconds {way} the other.",
            "Let both be kept right by NTP (timedatectl set-ntp true).",
        )
    return fine(name, f"{round(apart.total_seconds())} seconds apart")
