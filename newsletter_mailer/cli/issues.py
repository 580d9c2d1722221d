"""The commands of editors: schema, clients, build."""

from pathlib import Path
from typing import Annotated

import typer

from newsletter_mailer.checking.data import caniemail
from newsletter_mailer.cli.console import plural, print_json, say, table
from newsletter_mailer.cli.options import AsJson, IssueName
from newsletter_mailer.cli.project import Project
from newsletter_mailer.compiling.build import write_build
from newsletter_mailer.reading.schema import write_schemas


def schema(
    context: typer.Context,
    out: Annotated[Path, typer.Option(help="The folder to write them into.")] = Path("schemas"),
    as_json: AsJson = False,
) -> None:
    """Write JSON Schemas for issue.yaml, the front matter and agencies.yaml."""
    context.ensure_object(Project)
    files = [path.as_posix() for path in write_schemas(out)]
    if as_json:
        print_json({"files": files})
    else:
        say(*files)


def clients(
    context: typer.Context,
    refresh: Annotated[
        bool, typer.Option("--refresh", help="Fetch the newest data first; needs npm.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show the mail programs that `check` goes by, and how old what is known of them is."""
    audience = context.ensure_object(Project).settings.clients.audience
    known = caniemail.refresh() if refresh else caniemail.support()
    if as_json:
        print_json(
            {
                "version": known.version,
                "date": known.date,
                "features": len(known.features),
                "audience": {client.name: client.weight for client in audience},
            }
        )
        return
    say(f"Data of {known.date}, version {known.version}: {len(known.features)} features.")
    table(
        "Mail programs of the audience",
        "program",
        "share",
        rows=[(client.name, f"{client.weight:.0%}") for client in audience],
    )


def build(
    context: typer.Context,
    issue: IssueName,
    out: Annotated[Path, typer.Option(help="The folder to write into.")],
    as_json: AsJson = False,
) -> None:
    """Compile an issue: .html, .txt and a web page for each variant, and a manifest."""
    project = context.ensure_object(Project)
    read, findings = project.issue(issue)
    emails = project.compiled(read)
    project.looked_over(read, findings, emails)
    pages = project.compiler.web_pages(read, project.registry)
    manifest = write_build(read, emails, pages, out)
    if as_json:
        print_json(manifest)
        return
    for email in emails:
        names = ", ".join(project.registry.agency(id_).name for id_ in email.agencies)
        say(f"{email.name}.html  {len(str(email.html).encode()):,} bytes  for {names}")
    say(f"{plural(len(emails), 'variant')} in {out}/")
