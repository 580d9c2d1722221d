"""The commands of an office with many hosts: `worker` and `migrate`, and `adopt` for everyone."""

import datetime as dt
import os
import sys
from typing import Annotated

import typer

from newsletter_mailer.cli.console import err, plural, print_json, say
from newsletter_mailer.cli.options import AsJson, ByName, who
from newsletter_mailer.cli.project import Project
from newsletter_mailer.cli.stopping import stopped_by_signals
from newsletter_mailer.errors import UsageError
from newsletter_mailer.sending import generation
from newsletter_mailer.sending.rules import wall_clock
from newsletter_mailer.store.engine import open_store, reading, shown, writing
from newsletter_mailer.store.postgres import on_postgres


def worker(
    context: typer.Context,
    metrics_port: Annotated[
        int | None,
        typer.Option(min=0, max=65_535, help="Serve figures for Prometheus at this port."),
    ] = None,
    metrics_host: Annotated[
        str, typer.Option(metavar="ADDRESS", help="And at this address of the host.")
    ] = "127.0.0.1",
) -> None:
    """Send what campaigns on PostgreSQL have to send, beside any number of other workers.

    Runs until it gets SIGTERM or Ctrl-C: then it finishes what is on its way.
    """
    settings = context.ensure_object(Project).settings
    if settings.send.staged:
        raise UsageError(
            "send.staged holds a whole campaign back and releases it at once, which one sender "
            "does and workers cannot. Take it out to send through workers, or send on SQLite."
        )
    engine = open_store(settings, in_turn=False)
    try:
        if not on_postgres(engine):
            raise UsageError(
                "Workers need PostgreSQL, and this project's database is SQLite, where `newsletter "
                "send` sends by itself. To change over, see docs/scaling.md."
            )
        from newsletter_mailer.sending.distributed.metrics import Metrics  # noqa: PLC0415
        from newsletter_mailer.sending.distributed.serving import serve  # noqa: PLC0415

        metrics = Metrics()
        if metrics_port is not None:
            try:
                port = metrics.serve(metrics_host, metrics_port)
            except OSError as error:
                raise UsageError(
                    f"Figures cannot be served at {metrics_host}:{metrics_port}: {error.strerror}. "
                    "Choose another --metrics-port."
                ) from error
            say(f"Figures at http://{metrics_host}:{port}/metrics")
        say(f"Worker {os.getpid()} at {shown(engine)}, transport {settings.transport}.")
        sys.stdout.flush()
        with stopped_by_signals() as stop:
            serve(engine, settings, metrics, stop, lambda words: err.print(words, markup=False))
        say("Stopped. What was on its way is written down.")
    finally:
        engine.dispose()


def migrate(context: typer.Context) -> None:
    """Bring the database to the shape that this version of the program needs.

    On PostgreSQL also the queue's tables. SQLite is brought up to date by any command.
    """
    from newsletter_mailer.store.migrate import migrate as bring_up_to_date  # noqa: PLC0415
    from newsletter_mailer.store.migrations import HEAD  # noqa: PLC0415

    engine = open_store(context.ensure_object(Project).settings, any_version=True)
    try:
        if on_postgres(engine):
            from newsletter_mailer.sending.distributed.queue import (  # noqa: PLC0415
                migrate_queue,
            )

            bring_up_to_date(engine)
            migrate_queue(engine)
        say(f"The database {shown(engine)} is at step {HEAD}, the newest.")
    finally:
        engine.dispose()


def adopt(
    context: typer.Context,
    yes: Annotated[bool, typer.Option("--yes", help="Answer for it without being asked.")] = False,
    by: ByName = None,
    as_json: AsJson = False,
) -> None:
    """Answer for a database that was restored, copied or moved, so that it may be sent from.

    Shows what is in it first. What left after it was saved, it does not know: end campaigns
    that went on since (newsletter cancel) before you adopt it.
    """
    project = context.ensure_object(Project)
    state = project.settings.state
    with project.store() as engine:
        with reading(engine) as connection:
            facts = generation.facts(connection, state)
        if not as_json:
            _show(project, facts, shown(engine))
        if not facts.problems:
            if as_json:
                print_json({"adopted": False, "problems": []})
            return
        if not yes and not (
            sys.stdin.isatty()
            and typer.confirm(
                "Is this the only database that is sent from, and are these figures right?"
            )
        ):
            if not sys.stdin.isatty():
                raise UsageError("Nobody is there to be asked. Add --yes to answer for it.")
            say("Nothing was changed.")
            raise typer.Exit(1)
        with writing(engine) as connection:
            generation.adopt(connection, state, wall_clock(), who(by))
    if as_json:
        print_json({"adopted": True, "problems": list(facts.problems)})
    else:
        say("Adopted. `newsletter send` and `newsletter worker` send from it again.")


def _show(project: Project, facts: generation.Facts, name: str) -> None:
    say(f"The database {name}: {facts.place}.")
    if facts.adopted_at:
        say(f"Answered for by {facts.adopted_by} on {_when(project, facts.adopted_at)}.")
    for campaign, state, left in facts.campaigns:
        say(f"  Campaign {campaign} is {state}: {plural(left, 'letter')} still to come.")
    for problem in facts.problems:
        say(f"Does not match: {problem}")
    if not facts.problems:
        say("All matches: it may be sent from.")
    elif any(left for _, _, left in facts.campaigns):
        say(
            "Letters may have left that it does not know of. To be sure that nobody gets one "
            "twice, end each campaign that has letters to come (newsletter cancel) before you "
            "adopt it, and settle by hand who was left out."
        )


def _when(project: Project, moment: dt.datetime) -> str:
    return f"{moment.astimezone(project.settings.office.zone):%-d %B %Y at %H:%M}"
