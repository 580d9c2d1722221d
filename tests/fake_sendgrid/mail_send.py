"""Mail Send: read, checked and taken, or one of the ways in which that goes wrong."""

import gzip
import json
import time
from collections.abc import Sequence
from typing import Any

from tests.fake_sendgrid.answering import WORDS, Answering, errors
from tests.fake_sendgrid.checks import Error, wrong_with


class MailSend(Answering):
    """The one call that everything is about."""

    def send_mail(self) -> None:
        """Take the mail, or do what the mood of the moment is."""
        fake = self.server_side
        with fake.lock:
            do = fake.moods.at("send")
            limits = fake.limited()
        if do.endswith("-unread"):
            fake.broken_off += 1
            if not do.startswith("drop"):
                self.answer(int(do[:3]), errors("Internal error"))
            self.hang_up()
            return
        length = int(self.headers.get("Content-Length", 0))
        if length > fake.largest:
            self.drain(length)
            self.answer(413, errors("Payload too large"))
            return
        raw = self.rfile.read(length)
        if len(raw) < length:
            self.hang_up()
            return
        if fake.latency:
            time.sleep(fake.latency)
        if not self.let_in():
            return
        if limits is None:
            headers = fake.limit_headers(0) if fake.tells_limits else {}
            self.answer(429, errors("too many requests"), headers)
            return
        mail = self._read_mail(raw)
        if mail is None:
            return
        fake.sizes.append(len(mail["personalizations"]))
        if do:
            self._misbehave(do, mail)
            return
        self._accept(mail, limits)

    def _read_mail(self, raw: bytes) -> dict[str, Any] | None:
        """The request where it is right; else it is answered."""
        fake = self.server_side
        if not str(self.headers.get("Content-Type")).startswith("application/json"):
            self.answer(415, errors("Unsupported Media Type"))
            return None
        if self.headers.get("Content-Encoding") == "gzip":
            raw = gzip.decompress(raw)
        try:
            mail: dict[str, Any] = json.loads(raw)
        except ValueError:
            self.answer(400, errors("Bad Request"))
            return None
        if fake.checks:
            wrong = wrong_with(mail, fake.provider.now())
            if not wrong and fake.refused:
                wrong = _objections(mail, fake.refused)
            if not wrong and "batch_id" in mail and mail["batch_id"] not in fake.provider.batches:
                wrong = [("The batch_id is not valid.", "batch_id")]
            if wrong:
                fake.errors.append(wrong)
                found = [{"message": words, "field": at, "help": None} for words, at in wrong]
                self.answer(400, {"errors": found})
                return None
        return mail

    def _accept(self, mail: dict[str, Any], headers: dict[str, str]) -> None:
        fake = self.server_side
        people = mail["personalizations"]
        if mail.get("mail_settings", {}).get("sandbox_mode", {}).get("enable"):
            fake.sandboxed += len(people)
            self.answer(200, None, headers)
            return
        message_id = fake.take(mail, people)
        self.answer(202, None, {"X-Message-Id": message_id, **headers})

    def _misbehave(self, do: str, mail: dict[str, Any]) -> None:
        fake = self.server_side
        people = mail["personalizations"]
        if do.endswith("-taken"):
            fake.take(mail, people)
        elif do == "half":
            fake.take(mail, people[: len(people) // 2])
        if do == "slow":
            time.sleep(1)
            self._accept(mail, {})
        elif do.startswith("hang"):
            fake.stopped.wait(600)
            self.hang_up()
        elif do.startswith(("drop", "half")):
            self.hang_up()
        elif do == "429":
            self.answer(429, errors("too many requests"), fake.limit_headers(0))
        else:
            self.answer(int(do[:3]), errors(WORDS.get(do[:3], "Internal error")))


def _objections(mail: dict[str, Any], refused: Sequence[str]) -> list[Error]:
    return [
        ("Does not contain a valid address.", f"personalizations.{at}.to.0.email")
        for at, one in enumerate(mail["personalizations"])
        if one["to"][0]["email"] in refused
    ]
