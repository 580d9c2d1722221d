"""An office at work: the program run as its users run it, as processes in a project folder."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

COMMAND = [sys.executable, "-m", "newsletter_mailer"]


@dataclass(frozen=True)
class Result:
    """How a command ended, and what it printed."""

    code: int
    out: str
    err: str

    @property
    def data(self) -> Any:  # noqa: ANN401 - any JSON
        """What `--json` printed."""
        return json.loads(self.out)


@dataclass(frozen=True)
class Office:
    """A project folder, and the commands in it."""

    folder: Path

    def start(self, *words: str, **environment: str) -> subprocess.Popen[str]:
        """Start `newsletter …` and let it run."""
        return subprocess.Popen(
            [*COMMAND, *words],
            cwd=self.folder,
            env={**os.environ, "COLUMNS": "120", **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *words: str, **environment: str) -> Result:
        """Run `newsletter …` to its end; a traceback fails the test."""
        with self.start(*words, **environment) as process:
            out, err = process.communicate(timeout=120)
        assert "Traceback" not in err, err
        return Result(process.returncode, out, err)

    def ok(self, *words: str, **environment: str) -> Result:
        """Run `newsletter …`, which must succeed."""
        result = self.run(*words, **environment)
        assert result.code == 0, result
        return result

    def write_people(self, number: int) -> Path:
        """A CSV file of so many subscribers, over several agencies."""
        agencies = ("gp", "police", "primary-schools", "housing", "voluntary")
        rows = (
            f"reader{n}@example.org,Reader {n},{agencies[n % len(agencies)]}" for n in range(number)
        )
        path = self.folder / "people.csv"
        path.write_text("email,name,agency\n" + "\n".join(rows) + "\n", encoding="utf-8")
        return path

    @property
    def outbox(self) -> Path:
        """The outbox of issue 6."""
        return self.folder / "var" / "outbox" / "06-autumn-2018"

    def mails(self) -> list[EmailMessage]:
        """Every message in the outbox of issue 6."""
        return [read_mail(path) for path in sorted(self.outbox.glob("*.eml"))]


def read_mail(path: Path) -> EmailMessage:
    """A message as Python's parser reads it."""
    parsed = message_from_bytes(path.read_bytes(), policy=policy.default)
    assert isinstance(parsed, EmailMessage)
    return parsed


def part_of(mail: EmailMessage, kind: str) -> str:
    """The decoded `plain` or `html` part."""
    part = mail.get_body((kind,))
    assert part is not None
    content: str = part.get_content()
    return content
