"""The commands of the office that concern subscribers."""

import datetime as dt
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from newsletter_mailer.audience.exporting import export_csv
from newsletter_mailer.audience.importing import Change, Rejected, import_subscribers
from newsletter_mailer.audience.leaving import unsubscribe as unsubscribe_address
from newsletter_mailer.audience.listing import count_by_agency, list_subscribers
from newsletter_mailer.cli import people, queues
from newsletter_mailer.cli.console import err, plural, print_json, progress, say, table
from newsletter_mailer.cli.options import AsJson, ByName, who
from newsletter_mailer.cli.project import Project
from newsletter_mailer.errors import AudienceError, UsageError
from newsletter_mailer.signing_key import signing_keys
from newsletter_mailer.store.engine import reading, writing
from newsletter_mailer.whole import whole_file

app = typer.Typer(help="Import, list, export, change and erase subscribers.", no_args_is_help=True)
app.command()(people.show)
app.command()(people.add)
app.command()(people.move)
app.command()(people.suppress)
app.command()(people.erase)
app.command("mismatches")(queues.list_mismatches)
app.command()(queues.dedupe)
app.command()(queues.reconfirm)

_SHOWN = 50
"""Rejected rows that are printed one by one; a file of nothing else would flood a terminal."""

Agency = Annotated[str | None, typer.Option(help="Only this agency (its id).")]


@app.command("import")
def import_(
    context: typer.Context,
    file: Annotated[
        Path, typer.Argument(help="A CSV file with the header email,name,agency,role.")
    ],
    dry_run: Annotated[
        bool, typer.Option(help="Show what would change, and change nothing.")
    ] = False,
    by: ByName = None,
    as_json: AsJson = False,
) -> None:
    """Add and update subscribers from a CSV file. Nobody who left is brought back."""
    project = context.ensure_object(Project)
    rejected: list[Rejected] = []
    changes: list[Change] = []

    def on_change(change: Change) -> None:
        if len(changes) < _SHOWN:
            changes.append(change)

    def on_rejected(row: Rejected) -> None:
        if len(rejected) < _SHOWN:
            rejected.append(row)
            if not as_json:
                err.print(str(row), markup=False)

    with project.store() as engine, progress("Importing", None, quiet=as_json) as done:
        result = import_subscribers(
            engine,
            file,
            project.registry,
            now=dt.datetime.now(dt.UTC),
            dry_run=dry_run,
            on_rejected=on_rejected,
            progress=done,
            on_change=on_change if dry_run else None,
            keys=signing_keys(project.settings),
            by=who(by),
        )
    left_out = result.rejected + result.duplicates
    if as_json:
        rows = [{"line": row.line, "reason": row.reason} for row in rejected]
        changed = [
            {"line": each.line, "email": each.email, "change": each.words} for each in changes
        ]
        shown = {"dry_run": dry_run, "rejected_rows": rows}
        print_json({**asdict(result), **shown, **({"changes": changed} if dry_run else {})})
    else:
        if left_out > _SHOWN:
            err.print(f"… and {left_out - _SHOWN:,} more rows.")
        for each in changes:
            say(str(each))
        unseen = result.added + result.updated - len(changes) if dry_run else 0
        if unseen:
            say(f"… and {unseen:,} more.")
        would = "would be " if dry_run else ""
        erased = f"{result.kept_erased:,} left alone because they were erased, "
        say(
            f"{plural(result.read, 'row')} read: {result.added:,} {would}added, "
            f"{result.updated:,} {would}updated, {result.unchanged:,} unchanged, "
            f"{result.kept_unsubscribed:,} left alone because they unsubscribed, "
            f"{erased if result.kept_erased else ''}"
            f"{result.duplicates:,} repeated, {result.rejected:,} rejected."
        )
    if left_out:
        raise typer.Exit(1)


@app.command("list")
def list_(
    context: typer.Context,
    agency: Agency = None,
    everyone: Annotated[bool, typer.Option("--all", help="Also those who unsubscribed.")] = False,
    as_json: AsJson = False,
) -> None:
    """List subscribers, one a line."""
    project = context.ensure_object(Project)
    _check_agency(project, agency)
    with project.store() as engine, reading(engine) as connection:
        status = None if everyone else "active"
        found = list_subscribers(connection, agency=agency, status=status)
        if as_json:
            print_json([asdict(one) for one in found])
            return
        for one in found:
            sys.stdout.write(f"{one.email}\t{one.name}\t{one.agency}\t{one.role}\t{one.status}\n")
        counts = count_by_agency(connection)
        total = counts.get(agency, 0) if agency else sum(counts.values())
    err.print(f"{plural(total, 'active subscriber')}.", markup=False)


@app.command()
def count(context: typer.Context, as_json: AsJson = False) -> None:
    """Show how many subscribers each agency has."""
    project = context.ensure_object(Project)
    with project.store() as engine, reading(engine) as connection:
        counts = count_by_agency(connection)
    if as_json:
        print_json(counts)
        return
    agencies = project.registry.agencies
    table(
        "Active subscribers",
        "agency",
        "people",
        rows=[(agency.name, f"{counts.get(agency.id, 0):,}") for agency in agencies],
    )


@app.command()
def export(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="The CSV file to write, or - for standard output.")],
    agency: Agency = None,
) -> None:
    """Write subscribers to a CSV file that `import` reads back."""
    project = context.ensure_object(Project)
    _check_agency(project, agency)
    with project.store() as engine, reading(engine) as connection:
        if str(file) == "-":
            export_csv(connection, sys.stdout, agency=agency)
            return
        try:
            with (
                whole_file(file) as draft,
                draft.open("w", encoding="utf-8", newline="") as stream,
            ):
                export_csv(connection, stream, agency=agency)
        except OSError as error:
            raise AudienceError(f"{file} cannot be written: {error.strerror}.") from error
    err.print(f"Written to {file}.", markup=False)


@app.command()
def unsubscribe(
    context: typer.Context,
    address: Annotated[str, typer.Argument(help="The address of somebody who wants to leave.")],
) -> None:
    """Unsubscribe somebody who asked by mail or by phone."""
    project = context.ensure_object(Project)
    with project.store() as engine, writing(engine) as connection:
        known = unsubscribe_address(connection, address, now=dt.datetime.now(dt.UTC))
    if not known:
        raise UsageError(f"Nobody is subscribed as {address!r}. Check its spelling.")
    say(f"{address} is unsubscribed, and no import brings them back.")


def _check_agency(project: Project, agency: str | None) -> None:
    if agency is not None and agency not in project.registry.by_id:
        known = ", ".join(project.registry.by_id)
        raise UsageError(f"There is no agency {agency!r}. Agencies: {known}.")
