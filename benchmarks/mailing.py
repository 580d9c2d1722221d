"""A newsletter to measure sending with: a small project, made-up subscribers, a frozen campaign.

The issue is the first three articles of issue 6, personalised, its picture hosted: about
47 KB a message, 31 KB of it HTML, in seven variants for the 33 agencies.
"""

import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from subprocess import PIPE, Popen, run
from sys import executable

from sqlalchemy import Engine, text

from benchmarks.report import ROOT
from newsletter_mailer.audience.segment import Segment
from newsletter_mailer.compiling.compiler import Compiler
from newsletter_mailer.reading.agencies import read_registry
from newsletter_mailer.reading.issue import read_issue
from newsletter_mailer.sending.campaign import Campaign
from newsletter_mailer.sending.freezing import Order, freeze
from newsletter_mailer.sending.recipients import recipients
from newsletter_mailer.sending.rules import wall_clock
from newsletter_mailer.settings import Settings, load_settings
from newsletter_mailer.store.engine import open_store, writing
from newsletter_mailer.store.postgres import on_postgres

ISSUE = "06-autumn-2018"
ARTICLES = ("youth-service", "online-grooming", "operation-encompass")
"""Beside the opening."""

SENDER = "office@example.org"
"""The return path, and what the others give as the sender."""

_PEOPLE = """
WITH RECURSIVE counted(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM counted WHERE n + 1 < :people)
INSERT INTO subscriber
    (email, email_key, name, agency, role, status, source, created_at, changed_at)
SELECT
    'reader.' || n || '@office-' || (n % 400) || '.example.org',
    'reader.' || n || '@office-' || (n % 400) || '.example.org',
    json_extract(:first, '$[' || (n % :firsts) || ']') || ' '
        || json_extract(:last, '$[' || (n / :firsts % :lasts) || ']'),
    json_extract(:agencies, '$[' || (n / :firsts % json_array_length(:agencies)) || ']'),
    'Social worker', 'active', 'import 1: people.csv',
    '2026-01-05 09:00:00.000000', '2026-01-05 09:00:00.000000'
FROM counted
"""
"""As an import of a CSV file would leave them."""

_PEOPLE_ON_POSTGRES = """
INSERT INTO subscriber
    (email, email_key, name, agency, role, status, source, created_at, changed_at)
SELECT
    'reader.' || n || '@office-' || (n % 400) || '.example.org',
    'reader.' || n || '@office-' || (n % 400) || '.example.org',
    (CAST(:first AS json) ->> (n % :firsts)) || ' '
        || (CAST(:last AS json) ->> (n / :firsts % :lasts)),
    CAST(:agencies AS json) ->> (n / :firsts % json_array_length(CAST(:agencies AS json))),
    'Social worker', 'active', 'import 1: people.csv', '2026-01-05 09:00Z', '2026-01-05 09:00Z'
FROM generate_series(0, :people - 1) AS counted(n)
"""

_FIRST = ("Aisling", "Bożena", "Dominik", "Farzana", "Hansa", "Marva", "Nilesh", "Órla", "Zoë")
_LAST = ("Arkwright", "Bhayani", "Cartledge", "Elmi", "Geraghty", "McGarrity", "Qureshi-Lane")


def make_project(folder: Path) -> None:
    """Write the project into an empty folder."""
    shutil.copytree(ROOT / "templates", folder / "templates")
    shutil.copytree(ROOT / "subscribers", folder / "subscribers")
    issue = folder / "issues" / ISSUE
    shutil.copytree(ROOT / "issues" / ISSUE, issue)
    for article in (issue / "articles").glob("*.md"):
        if article.stem not in {"welcome", *ARTICLES}:
            article.unlink()
    head = (issue / "issue.yaml").read_text(encoding="utf-8").partition("articles:")[0]
    head += f"articles: [{', '.join(ARTICLES)}]\n"
    (issue / "issue.yaml").write_text(head, encoding="utf-8")
    shutil.copy(ROOT / "newsletter.toml", folder)


def settings_of(folder: Path) -> Settings:
    """The project's settings: pictures hosted, transport smtp."""
    with _environment(environment(0)):
        return load_settings(folder)


def environment(port: int, connections: int = 10) -> dict[str, str]:
    """The environment in which the project's commands send to a sink at this port."""
    return {
        "NEWSLETTER_TRANSPORT": "smtp",
        "NEWSLETTER_SMTP_URL": f"smtp://127.0.0.1:{port}",
        "NEWSLETTER_SEND__IMAGES": "hosted",
        "NEWSLETTER_SMTP__CONNECTIONS": str(connections),
        "NEWSLETTER_SMTP__RETURN_PATH": SENDER,
        "NEWSLETTER_SECRET_KEY": "only for benchmarks, and nobody's secret",
        "NEWSLETTER_LINKS__CHECK": "false",
    }


def add_people(engine: Engine, settings: Settings, number: int) -> None:
    """Add made-up subscribers, spread over all agencies."""
    registry = read_registry(settings.agencies_file, settings.agencies_file.name)
    with writing(engine) as connection:
        connection.execute(
            text(_PEOPLE_ON_POSTGRES if on_postgres(connection) else _PEOPLE),
            {
                "people": number,
                "first": json.dumps(_FIRST),
                "firsts": len(_FIRST),
                "last": json.dumps(_LAST),
                "lasts": len(_LAST),
                "agencies": json.dumps([each.id for each in registry.agencies]),
            },
        )


def freeze_issue(engine: Engine, settings: Settings) -> Campaign:
    """Freeze the issue for everyone."""
    registry = read_registry(settings.agencies_file, settings.agencies_file.name)
    issue, _ = read_issue(settings.issues / ISSUE, registry)
    emails = Compiler(settings).compile(issue, registry)
    chosen = recipients(issue.name, Segment((), ()), emails, registry, now=wall_clock())
    order = Order(chosen, "benchmarks")
    with writing(engine) as connection:
        return freeze(connection, issue, emails, registry, settings, order=order, now=wall_clock())


def make_frozen(folder: Path, people: int) -> None:
    """Write a project into an empty folder, with a campaign frozen for so many people.

    The campaign is where `newsletter send` stands when it begins to send.
    """
    make_project(folder)
    settings = settings_of(folder)
    engine = open_store(settings)
    add_people(engine, settings, people)
    freeze_issue(engine, settings)
    engine.dispose()  # the last connection brings the write-ahead log home


@contextmanager
def sink(counted: dict[str, int], delay: float = 0.0) -> Iterator[int]:
    """A sink in a process of its own: its port; at the end, what it counted."""
    command = [executable, "-m", "benchmarks.sink", "--delay", str(delay)]
    with Popen(command, stdin=PIPE, stdout=PIPE, text=True, cwd=ROOT) as process:
        if process.stdin is None or process.stdout is None:
            raise RuntimeError("the sink has no pipes")
        try:
            yield int(process.stdout.readline())
        finally:
            process.stdin.close()
            counted.update(json.loads(process.stdout.readline() or "{}"))


def in_child(module: str, *words: str, extra: Mapping[str, str]) -> dict[str, float]:
    """Run a module of benchmarks in a process of its own; what it printed last, as JSON."""
    done = run(
        [executable, "-m", f"benchmarks.{module}", *words],
        check=True,
        stdout=PIPE,
        text=True,
        cwd=ROOT,
        env={**os.environ, **extra},
    )
    answer: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return answer


@contextmanager
def _environment(values: Mapping[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
