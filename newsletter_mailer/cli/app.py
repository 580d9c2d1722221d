"""The commands, put together."""

from pathlib import Path
from typing import Annotated

import typer

from newsletter_mailer import __version__
from newsletter_mailer.cli import (
    campaigns,
    doctor,
    drafts,
    issues,
    links,
    proof,
    queues,
    report,
    sending,
    subscribers,
    worker,
)
from newsletter_mailer.cli.check import check
from newsletter_mailer.cli.console import say
from newsletter_mailer.cli.inbound import inbound
from newsletter_mailer.cli.preview import preview
from newsletter_mailer.cli.project import Project
from newsletter_mailer.cli.serve import serve

app = typer.Typer(
    help="Write, check and send a newsletter that fits each reader's agency.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _version(wanted: bool) -> None:
    if wanted:
        say(f"newsletter {__version__}")
        raise typer.Exit


@app.callback()
def begin(
    context: typer.Context,
    project: Annotated[
        Path,
        typer.Option(help="A folder inside the newsletter project.", show_default="this folder"),
    ] = Path(),
    version: Annotated[  # noqa: ARG001 - the callback answers
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Write, check and send a newsletter that fits each reader's agency."""
    context.obj = Project(project)


app.command()(drafts.new)
app.command("import")(drafts.import_)
app.command()(drafts.blocks)
app.command()(issues.schema)
app.command()(check)
app.command()(issues.build)
app.command()(preview)
app.command()(issues.clients)
app.add_typer(subscribers.app, name="subscribers")
app.command()(sending.send)
app.command()(campaigns.status)
app.command()(campaigns.pause)
app.command()(campaigns.resume)
app.command()(campaigns.cancel)
app.command("in-doubt")(proof.in_doubt)
app.command()(proof.certificate)
app.command()(report.report)
app.command()(report.bounces)
app.command()(doctor.doctor)
app.command()(queues.tidy)
app.command()(worker.worker)
app.command()(worker.migrate)
app.command()(worker.adopt)
app.add_typer(links.app, name="links")
app.command()(serve)
app.command()(inbound)
