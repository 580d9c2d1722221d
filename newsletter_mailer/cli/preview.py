"""The command `preview`: an issue in the browser, as every reader will see it."""

import datetime as dt
import re
import sys
import webbrowser
from pathlib import Path
from typing import Annotated

import typer

from newsletter_mailer.cli.console import err, plural, print_json, say
from newsletter_mailer.cli.options import AsJson
from newsletter_mailer.cli.project import Project
from newsletter_mailer.errors import ContentError, NewsletterError, UsageError
from newsletter_mailer.reading.issue import number_in

_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


def preview(
    context: typer.Context,
    issue: Annotated[
        str | None,
        typer.Argument(
            metavar="[ISSUE]", help="An issue's number or folder. Left out: the newest issue."
        ),
    ] = None,
    *,
    export: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Write a folder that opens without this program."),
    ] = None,
    host: Annotated[str, typer.Option(help="Where to listen.")] = "127.0.0.1",
    port: Annotated[
        int | None,
        typer.Option(min=0, max=65_535, help="The port.", show_default="the first free from 8420"),
    ] = None,
    open_: Annotated[
        bool | None,
        typer.Option("--open/--no-open", help="Open the page.", show_default="on a terminal"),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show an issue in the browser as each reader gets it, and follow its files."""
    project = context.ensure_object(Project)
    settings = project.settings
    folder = project.folder(issue or _newest(settings.issues))
    if export:
        _export(project, folder, export, as_json=as_json)
        return
    # A web server is a lot to import, and no other command has a use for it.
    from newsletter_mailer.previewing.page import ASSETS, asset  # noqa: PLC0415
    from newsletter_mailer.previewing.serving import address_of, listen, serve  # noqa: PLC0415

    for name in ASSETS:
        asset(settings, name)
    listening = listen(host, port)
    address = address_of(listening, host)

    def ready() -> None:
        if as_json:
            print_json({"issue": folder.name, "url": address})
            sys.stdout.flush()
        else:
            say(f"{folder.name} is shown at {address}", "Press Ctrl-C to end the preview.")
            if host not in _LOOPBACK:
                err.print("Whoever reaches this machine can read it there, and send tests.")
        if open_ or (open_ is None and sys.stdout.isatty()):
            webbrowser.open(address)

    serve(settings, folder, listening, host, clock=_now, ready=ready)
    if not as_json:
        say("The preview has ended.")


def _export(project: Project, folder: Path, target: Path, *, as_json: bool) -> None:
    from newsletter_mailer.checking.coverage import coverage  # noqa: PLC0415 - see project.py
    from newsletter_mailer.checking.mail import check_mail  # noqa: PLC0415
    from newsletter_mailer.previewing.exporting import write_folder  # noqa: PLC0415
    from newsletter_mailer.previewing.facts import edition_facts  # noqa: PLC0415
    from newsletter_mailer.previewing.workshop import Trouble, Workshop  # noqa: PLC0415

    settings = project.settings
    workshop = Workshop(settings.root, folder)
    made = workshop.make()
    if isinstance(made, Trouble):
        raise ContentError(made.findings) if made.findings else NewsletterError(made.message)
    found = [
        *made.findings,
        *coverage(made.issue, made.registry),
        *check_mail(made.issue, made.emails, made.registry, settings),
    ]
    facts = edition_facts(made, sorted(found))
    page = write_folder(made, facts, workshop.web_pages(made), target, _now())
    if as_json:
        print_json({"issue": folder.name, "page": str(page), "versions": len(made.emails)})
    else:
        say(
            f"{plural(len(made.emails), 'variant')} of {folder.name} in {target}/.",
            f"Hand the folder on; {page.name} in it opens in any browser.",
        )


def _newest(issues: Path) -> str:
    """The folder of the issue with the highest number."""
    numbered = {
        folder: int(number)
        for folder in issues.glob("*/")
        if (number := number_in(folder.name)) and re.match("[0-9]", folder.name)
    }
    if not numbered:
        raise UsageError(f"There is no issue in {issues} yet. Start one: newsletter new 1")
    return max(numbered, key=lambda folder: numbered[folder]).name


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)
