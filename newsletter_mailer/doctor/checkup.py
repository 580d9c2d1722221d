"""The whole check-up: what is looked at, and in which area it is shown."""

import datetime as dt
from collections.abc import Callable, Sequence
from pathlib import Path

from newsletter_mailer.doctor import clock, machine, transports
from newsletter_mailer.doctor.database import Looked, look
from newsletter_mailer.doctor.diagnosis import Area, Diagnosis, failing, fine, unknown
from newsletter_mailer.doctor.dkim_record import Signing, dkim, public_of
from newsletter_mailer.doctor.dmarc import dmarc
from newsletter_mailer.doctor.examining import Examination, examine
from newsletter_mailer.doctor.mail import letterhead
from newsletter_mailer.doctor.names import Names
from newsletter_mailer.doctor.reachable import mail_in, mta_sts, web_host
from newsletter_mailer.doctor.sample import sample
from newsletter_mailer.doctor.spf import spf
from newsletter_mailer.errors import SettingsError
from newsletter_mailer.sending.transports.smtp.connecting import relay_of
from newsletter_mailer.settings import SETTINGS_FILE, Office, Settings, load_settings

Clock = Callable[[], dt.datetime]

_OTHER_SIDE = {"outbox": "outbox", "smtp": "relay", "sendgrid": "provider"}


def check_up(root: Path, names: Callable[[], Names], now: Clock) -> list[Area]:
    """Look at all that a campaign of the project in `root` leans on; change and send nothing.

    Settings that cannot be read are a diagnosis of their own, and what can be seen without
    them is looked at. `names` is called when the DNS is first needed, since its time
    runs from then.
    """
    try:
        settings = load_settings(root)
    except SettingsError as error:
        return _without_settings(root, str(error), now)
    looked = look(settings)
    dns = names()
    sender = _domain(settings.sender.address)
    return examine(
        {
            "This machine": _machine(settings, looked, now),
            f"The domain {sender}": _domain_of(settings, dns),
            "The mails": {"list headers": lambda: letterhead(sample(settings, now()))},
            f"The transport {settings.transport}": {
                _OTHER_SIDE[settings.transport]: lambda: _transport(settings, looked, now)
            },
        }
    )


def _without_settings(root: Path, mistakes: str, now: Clock) -> list[Area]:
    usual = str(Office.model_fields["timezone"].default)
    seen = [
        failing("settings", mistakes),
        *machine.folders(root),
        machine.disk(root, people=0, mail=0, outbox=False),
        clock.year(now()),
        clock.zone(usual),
    ]
    rest = unknown(
        "database, domain, mails, transport",
        "What they should be stands in the settings.",
        f"Mend {SETTINGS_FILE} first.",
    )
    return [Area("This machine", tuple(seen)), Area("The rest", (rest,))]


def _machine(settings: Settings, looked: Looked, now: Clock) -> dict[str, Examination]:
    outbox = settings.transport == "outbox"
    mail = looked.mail or machine.USUAL_MAIL
    return {
        "settings": lambda: [
            fine("settings", f"{settings.root / SETTINGS_FILE} and the environment")
        ],
        "secret key": lambda: [machine.secret_key(settings)],
        "DKIM key file": lambda: (
            [machine.dkim_key(settings.root / settings.dkim.key_file)] if settings.dkim else []
        ),
        "folders": lambda: machine.folders(settings.root),
        "database": lambda: looked.diagnoses,
        "disk space": lambda: [
            machine.disk(settings.root, people=looked.people, mail=mail, outbox=outbox)
        ],
        "clock": lambda: [
            clock.year(now()),
            clock.zone(settings.office.timezone),
            clock.newest(now(), looked.newest),
        ],
        "clock and web server": lambda: [clock.against(settings.base_url, now)],
    }


def _domain_of(settings: Settings, names: Names) -> dict[str, Examination]:
    sender = _domain(settings.sender.address)
    replies = _domain(settings.sender.reply_to or settings.sender.address)
    bounces = _domain(_return_path(settings))
    signs_for = settings.dkim.domain.lower() if settings.dkim else ""
    taking = {replies: "Replies"}
    taking.setdefault(bounces, "Bounces")
    return {
        "SPF": lambda: spf(bounces, names, _relay(settings)),
        "DKIM": lambda: _dkim(settings, names),
        "DMARC": lambda: dmarc(sender, names, return_path=bounces, signs_for=signs_for),
        "MX": lambda: [mail_in(domain, names, what=what) for domain, what in taking.items()],
        "MTA-STS": lambda: [mta_sts(replies, names)],
        "host of base_url": lambda: [web_host(settings.base_url, names)],
    }


def _dkim(settings: Settings, names: Names) -> list[Diagnosis]:
    if settings.dkim is None:
        return [
            unknown(
                "DKIM",
                "The settings name no DKIM key, so it is not known under which selector one is.",
                "Set domain, selector and key_file in the section [dkim], unless your relay signs.",
            )
        ]
    path = settings.root / settings.dkim.key_file
    try:
        key = public_of(path.read_bytes())
    except OSError:
        key = None
    return dkim(Signing(settings.dkim.domain.lower(), settings.dkim.selector, key), names)


def _transport(settings: Settings, looked: Looked, now: Clock) -> Sequence[Diagnosis]:
    match settings.transport:
        case "smtp":
            return transports.smtp(settings, mail=looked.mail or machine.USUAL_MAIL, now=now())
        case "sendgrid":
            return transports.sendgrid(settings)
        case "outbox":
            return transports.outbox(settings)


def _return_path(settings: Settings) -> str:
    own = settings.smtp.return_path if settings.transport == "smtp" else None
    return own or settings.sender.address


def _relay(settings: Settings) -> str:
    """The relay's host; empty where none is named, which the transport's own check tells."""
    if settings.transport != "smtp":
        return ""
    try:
        return relay_of(settings).host
    except SettingsError:
        return ""


def _domain(address: str) -> str:
    return address.rpartition("@")[2].lower()
