"""The commands that say whom a campaign reached: report, and bounces for the office."""

import io
import sys
from pathlib import Path
from typing import Annotated

import typer

from newsletter_mailer.cli.console import err, plural, print_json, say, shown_path, table
from newsletter_mailer.cli.options import AsJson, CampaignName
from newsletter_mailer.cli.project import Project
from newsletter_mailer.errors import UsageError
from newsletter_mailer.sending.campaign import find_campaign
from newsletter_mailer.sending.rules import wall_clock
from newsletter_mailer.store.engine import reading
from newsletter_mailer.whole import whole_file


def report(  # noqa: PLR0917 - typer passes them by name
    context: typer.Context,
    campaign: CampaignName,
    agency: Annotated[
        list[str] | None,
        typer.Option(metavar="ID", help="Only this agency; may be given several times."),
    ] = None,
    sector: Annotated[
        list[str] | None,
        typer.Option(metavar="ID", help="Only this sector; may be given several times."),
    ] = None,
    csv: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write it for a spreadsheet; - for standard output."),
    ] = None,
    page: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write it as a page with charts, good for printing."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show whom a campaign reached: ranges by agency, without groups of fewer than five."""
    from newsletter_mailer.cli.report_tables import show  # noqa: PLC0415
    from newsletter_mailer.reporting.as_csv import write_csv  # noqa: PLC0415
    from newsletter_mailer.reporting.as_json import as_dict  # noqa: PLC0415
    from newsletter_mailer.reporting.choosing import only  # noqa: PLC0415
    from newsletter_mailer.reporting.drawing_up import draw_up  # noqa: PLC0415

    project = context.ensure_object(Project)
    to_output = csv is not None and str(csv) == "-"
    if to_output and as_json:
        raise UsageError("--json and --csv - both write to standard output. Name a file for --csv.")
    wanted = only(agency or (), sector or (), project.registry)
    with project.store() as engine, reading(engine) as connection:
        made = draw_up(
            connection,
            find_campaign(connection, campaign),
            project.registry,
            wall_clock(),
            zone=project.settings.office.zone,
            only=wanted,
        )
    files: dict[Path, str] = {}
    if csv is not None:
        stream = io.StringIO(newline="")
        write_csv(made, stream)
        if to_output:
            sys.stdout.write(stream.getvalue())
        else:
            # Spreadsheets take a file for UTF-8 only if it begins so.
            files[csv] = "\ufeff" + stream.getvalue()
    if page is not None:
        from newsletter_mailer.reporting.page import page as page_of  # noqa: PLC0415

        files[page] = page_of(made, project.settings)
    for path, text in files.items():
        _write(path, text)
    if as_json:
        print_json(as_dict(made))
    elif not files and not to_output:
        show(made)
    for path in files:
        err.print(f"Written to {shown_path(path.absolute())}.", markup=False)


def bounces(context: typer.Context, campaign: CampaignName, as_json: AsJson = False) -> None:
    """List the addresses that a campaign's mail did not arrive at, and why. For the office."""
    from newsletter_mailer.reporting.bounced import bounced  # noqa: PLC0415
    from newsletter_mailer.reporting.outcomes import NAMES  # noqa: PLC0415

    project = context.ensure_object(Project)
    with project.store() as engine, reading(engine) as connection:
        known = find_campaign(connection, campaign)
        found = list(bounced(connection, known.id))
    if as_json:
        print_json(
            {
                "name": known.name,
                "bounces": [
                    {
                        "email": each.email,
                        "agency": each.agency,
                        "outcome": each.outcome,
                        "code": each.code,
                        "words": each.words,
                    }
                    for each in found
                ],
            }
        )
        return
    if not found:
        say(f"Nothing of campaign {known.name} was refused or came back.")
        return
    table(
        f"Campaign {known.name}: {plural(len(found), 'letter')} did not arrive",
        "address",
        "agency",
        "what became of it",
        "the server's words",
        rows=[
            (
                each.email,
                project.registry.agency(each.agency).name,
                NAMES[each.outcome],
                " ".join(part for part in (each.code, each.words) if part),
            )
            for each in found
        ],
        numbers=0,
    )
    say("", "These are names: keep the list in the office. Mend an address, or end it:")
    say("  newsletter subscribers move ADDRESS AGENCY, newsletter subscribers suppress ADDRESS")


def _write(path: Path, text: str) -> None:
    """Write a file whole or not at all."""
    try:
        with whole_file(path) as draft:
            draft.write_text(text, encoding="utf-8", newline="")
    except OSError as error:
        raise UsageError(
            f"{path} cannot be written: {error.strerror}. Name a file in a folder that you "
            "may write to."
        ) from error
