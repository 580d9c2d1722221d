"""Other senders to measure beside: Postfix's smtp-source, nodemailer, django-newsletter."""

import json
import shutil
import subprocess
import tempfile
import venv
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter

from sqlalchemy import Connection, select

from benchmarks.mailing import SENDER
from benchmarks.node_tools import nodemailer_command
from benchmarks.report import ROOT
from newsletter_mailer.sending.campaign import Campaign, variants_of
from newsletter_mailer.sending.ledger import Delivery
from newsletter_mailer.sending.letters import Letters
from newsletter_mailer.sending.rules import wall_clock
from newsletter_mailer.store.tables import delivery

DJANGO = {"django-newsletter": "1.2.1", "django": "5.2.19", "sorl-thumbnail": "13.4.0"}
"""The packages, at the versions the figures in README.md were measured with."""

_FOLDER = ROOT / "var" / "bench-django"
_PATIENCE = 600
"""Seconds for pip."""


class PeerError(Exception):
    """A sender cannot be measured here; the message says why."""


def write_mails(
    connection: Connection, campaign: Campaign, letters: Letters, people: int, path: Path
) -> bytes:
    """Write variants and values for the first so many readers; the first reader's message."""
    rows = connection.execute(
        select(delivery).order_by(delivery.c.subscriber_id).limit(people)
    ).all()
    now = wall_clock()
    claimed = [Delivery(r.subscriber_id, r.variant, r.email, r.name, r.agency, 1) for r in rows]
    made = [letters.of(each, now) for each in claimed]
    variants = variants_of(connection, campaign.id)
    mails = {
        "sender": SENDER,
        "variants": {
            each.name: {
                "subject": str(each.subject),
                "text": str(each.text),
                "html": str(each.html),
            }
            for each in variants
        },
        "people": [
            {
                "email": letter.recipient,
                "name": letter.name,
                "variant": letter.variant,
                "values": dict(letter.values),
            }
            for letter in made
        ],
    }
    path.write_text(json.dumps(mails), encoding="utf-8")
    return made[0].content()


def smtp_source(message: Path, messages: int, connections: int, port: int) -> dict[str, float]:
    """Send one message so many times with smtp-source, over sessions that stay.

    Raises:
        PeerError: it is not installed.
    """
    program = shutil.which("smtp-source") or shutil.which("smtp-source", path="/usr/sbin:/sbin")
    if program is None:
        raise PeerError("smtp-source is not installed; it comes with Postfix")
    command = [program, "-d", "-s", str(connections), "-m", str(messages), "-F", str(message)]
    command += ["-f", SENDER, "-t", "reader@example.org", f"127.0.0.1:{port}"]
    begin = perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.PIPE)
    return {"sent": messages, "seconds": perf_counter() - begin}


def nodemailer(mails: Path, connections: int, port: int) -> dict[str, float]:
    """Send the mails with nodemailer's pool.

    Raises:
        NodeError: node or npm is not there, or the package cannot be installed.
    """
    return _answer(nodemailer_command(str(mails), str(port), str(connections)))


def django_newsletter(mails: Path, port: int) -> dict[str, float]:
    """Send the mails with django-newsletter's own command.

    Raises:
        PeerError: the packages cannot be installed.
    """
    python = _django_python()
    script = Path(__file__).parent / "django_once.py"
    with tempfile.TemporaryDirectory(prefix="bench-django-", dir=_FOLDER) as folder:
        return _answer([str(python), str(script), folder, str(mails), str(port)])


def _django_python() -> Path:
    """The Python of a virtual environment that has the packages; made where it is missing."""
    place = _FOLDER / "-".join(DJANGO.values())
    python = place / "bin" / "python"
    done = place / "installed"
    if not done.is_file():
        venv.create(place, with_pip=True, clear=True)
        wanted = [f"{name}=={version}" for name, version in DJANGO.items()]
        command = [str(python), "-m", "pip", "install", "--quiet", *wanted]
        try:
            subprocess.run(command, check=True, capture_output=True, text=True, timeout=_PATIENCE)
        except subprocess.CalledProcessError as error:
            lines = error.stderr.strip().splitlines() or [f"exit code {error.returncode}"]
            raise PeerError(f"pip install failed: {lines[-1]}") from error
        except subprocess.TimeoutExpired as error:
            raise PeerError(f"pip install took more than {_PATIENCE} seconds") from error
        done.touch()
    return python


def _answer(command: Sequence[str]) -> dict[str, float]:
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    answer: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return answer
