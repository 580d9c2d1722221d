"""The calls of the API, and those by which a person or a test asks the fake itself."""

from http.server import BaseHTTPRequestHandler
from urllib.parse import parse_qs, urlsplit

from tests.fake_sendgrid.answering import errors
from tests.fake_sendgrid.mail_send import MailSend

_SCHEDULED = "/v3/user/scheduled_sends"


class Api(MailSend, BaseHTTPRequestHandler):
    """Every call, by its method and path."""

    def do_POST(self) -> None:
        """Mail Send, a new batch, a batch held back; the clock and events of the fake."""
        fake, path = self.server_side, urlsplit(self.path).path
        if path == "/v3/mail/send":
            self.send_mail()
        elif path == "/v3/mail/batch":
            if self.as_it_should("batch"):
                with fake.lock:
                    made = fake.provider.new_batch()
                self.answer(201, {"batch_id": made})
        elif path == _SCHEDULED:
            if self.as_it_should("schedule"):
                body = self.json()
                self._stop(str(body.get("batch_id")), str(body.get("status")), known=False)
        elif path == "/_fake/clock":
            fake.jump(float(self.json()["ahead"]))
            self.answer(200, {"now": fake.provider.now()})
        elif path == "/_fake/events":
            body = self.json()
            self.answer(200, {"status": fake.tell_events(body["url"], body["events"])})
        else:
            self.answer(404, {"errors": [{"message": "not found", "field": None}]})

    def do_PATCH(self) -> None:
        """Change how a batch is held back."""
        if self.as_it_should("schedule"):
            self._stop(self.path.rpartition("/")[2], str(self.json().get("status")), known=True)

    def do_DELETE(self) -> None:
        """Let a batch go on."""
        if self.as_it_should("schedule"):
            fake = self.server_side
            with fake.lock:
                found = fake.provider.go_on(self.path.rpartition("/")[2])
            self.answer(204 if found else 404, None if found else errors("not found"))

    def do_GET(self) -> None:
        """What the key may, what is held back, and what the fake knows."""
        fake = self.server_side
        parts = urlsplit(self.path)
        asked = parse_qs(parts.query)
        if parts.path == "/v3/scopes":
            if self.as_it_should("scopes"):
                self.answer(200, {"scopes": list(fake.scopes)})
        elif parts.path.startswith(_SCHEDULED):
            if self.as_it_should("schedule"):
                one = parts.path.removeprefix(_SCHEDULED).strip("/")
                with fake.lock:
                    found = [
                        {"batch_id": id_, "status": status}
                        for id_, status in fake.provider.stopped.items()
                        if one in {"", id_}
                    ]
                self.answer(200, found)
        elif parts.path == "/v3/user/webhooks/event/settings/signed":
            self.answer(200, {"public_key": fake.signer.public_key})
        elif parts.path == "/_fake/truth":
            delivered = fake.recipients()
            with fake.lock:
                held, discarded = fake.provider.held, fake.provider.discarded
            twice = sorted(email for email, times in delivered.items() if times > 1)
            self.answer(
                200,
                {
                    "delivered": delivered.total(),
                    "people": len(delivered),
                    "twice": twice,
                    "held": held,
                    "discarded": discarded,
                    "sandboxed": fake.sandboxed,
                },
            )
        elif parts.path == "/_fake/recipients":
            self.answer(200, fake.recipients())
        elif parts.path == "/_fake/messages":
            to = asked.get("to", [""])[0]
            shown: list[dict[str, object]] = [
                {
                    "to": each.to,
                    "subject": each.subject,
                    "headers": each.headers,
                    "custom_args": each.args,
                    "text": each.part("text/plain"),
                    "html": each.part("text/html"),
                }
                for each in fake.messages()
                if to in {"", each.to}
            ]
            self.answer(200, shown[:100])
        else:
            self.answer(404, errors("not found"))

    def _stop(self, batch_id: str, status: str, *, known: bool) -> None:
        fake = self.server_side
        why = "status must be pause or cancel"
        if status in {"pause", "cancel"}:
            with fake.lock:
                why = fake.provider.stop(batch_id, status, known=known)
        if why:
            self.answer(400, errors(why))
        elif known:
            self.answer(204, None)
        else:
            self.answer(201, {"batch_id": batch_id, "status": status})
