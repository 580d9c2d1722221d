"""An office at work: the `newsletter` command, run in a project folder as its users run it."""

import contextlib
import io
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.parser import BytesHeaderParser
from pathlib import Path
from typing import Any, TextIO

import pytest

from newsletter_mailer.cli import main
from tests.databases import empty_database

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
        """Start `newsletter …` as a process of its own, and let it run."""
        return subprocess.Popen(
            [*COMMAND, *words],
            cwd=self.folder,
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def start_into(self, file: TextIO, *words: str) -> subprocess.Popen[str]:
        """The same, and all that it says goes into a file."""
        return subprocess.Popen(
            [*COMMAND, *words],
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, *words: str, **environment: str) -> Result:
        """Run `newsletter …` to its end inside this process, which spares starting Python.

        An exception that is not turned into a message fails the test.
        """
        out, err = io.StringIO(), io.StringIO()
        code = self.run_with(io.StringIO(), out, err, *words, **environment)
        return Result(code, out.getvalue(), err.getvalue())

    def run_with(
        self, stdin: TextIO, out: TextIO, err: TextIO, *words: str, **environment: str
    ) -> int:
        """The same with files for what it reads and says; its exit code."""
        code = 0
        with pytest.MonkeyPatch.context() as world:
            world.chdir(self.folder)
            world.setattr(sys, "argv", ["newsletter", *words])
            world.setattr(sys, "stdin", stdin)
            for name, value in environment.items():
                world.setenv(name, value)
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
                try:
                    main()
                except SystemExit as end:
                    code = end.code if isinstance(end.code, int) else 1
        return code

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

    def subscribe(self, number: int) -> None:
        """Import so many subscribers; a database that is not there yet is a copy of an empty one.

        Making one takes longer than importing people.
        """
        database = self.folder / "var" / "newsletter.db"
        if "NEWSLETTER_DATABASE_URL" not in os.environ and not database.exists():
            database.parent.mkdir(exist_ok=True)
            database.write_bytes(empty_database())
        self.ok("subscribers", "import", str(self.write_people(number)))

    @property
    def outbox(self) -> Path:
        """The outbox of issue 6."""
        return self.folder / "var" / "outbox" / "06-autumn-2018"

    def mails(self) -> list[EmailMessage]:
        """Every message in the outbox of issue 6."""
        return [read_mail(path) for path in sorted(self.outbox.glob("*.eml"))]

    def readers(self) -> list[str]:
        """Whom every message in the outbox of issue 6 is to; only their headers are parsed."""
        parser = BytesHeaderParser(policy=policy.default)
        found = []
        for path in sorted(self.outbox.glob("*.eml")):
            with path.open("rb") as file:
                found.append(parser.parse(file)["To"].addresses[0].addr_spec)
        return found


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
