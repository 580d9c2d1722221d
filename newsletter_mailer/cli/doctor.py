"""The command `doctor`."""

import datetime as dt
from collections.abc import Sequence
from typing import Annotated

import typer
from rich.text import Text

from newsletter_mailer.cli.console import out, plural, print_json, say
from newsletter_mailer.cli.options import AsJson
from newsletter_mailer.cli.project import Project
from newsletter_mailer.doctor.diagnosis import Area, Health, count
from newsletter_mailer.settings import find_root

_LOOK = {
    Health.FINE: ("fine", "green"),
    Health.WARNING: ("look", "yellow"),
    Health.FAILING: ("failing", "bold red"),
    Health.UNKNOWN: ("cannot check", "dim"),
}
_WIDTH = max(len(mark) for mark, _ in _LOOK.values()) + 2


def doctor(
    context: typer.Context,
    nameserver: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS[:PORT]",
            help="Ask this name server, such as the domain's own after a change.",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Check machine, database, sender's domain, list headers and transport. Sends nothing."""
    # They bring DNS and cryptography with them, which no other command needs.
    from newsletter_mailer.doctor.checkup import check_up  # noqa: PLC0415
    from newsletter_mailer.doctor.names import Names, NameServer  # noqa: PLC0415

    project = context.ensure_object(Project)
    server = NameServer.of(nameserver) if nameserver else None
    areas = check_up(
        find_root(project.start), lambda: Names(server), lambda: dt.datetime.now(dt.UTC)
    )
    numbers = {health: count(areas, health) for health in Health}
    if as_json:
        diagnoses = [
            {"area": area.title, **each.as_dict()} for area in areas for each in area.diagnoses
        ]
        print_json({**{str(health): n for health, n in numbers.items()}, "diagnoses": diagnoses})
    else:
        _show(areas)
        say(
            "",
            f"{plural(sum(numbers.values()), 'thing')} looked at: "
            + ", ".join(f"{n} {_LOOK[health][0]}" for health, n in numbers.items())
            + ".",
        )
    if numbers[Health.FAILING]:
        raise typer.Exit(1)


def _show(areas: Sequence[Area]) -> None:
    for index, area in enumerate(areas):
        say(*([""] if index else []))
        out.print(Text(area.title, style="bold"))
        for each in area.diagnoses:
            mark, style = _LOOK[each.health]
            line = Text(f"  {mark:<{_WIDTH}}", style=style)
            if each.health is Health.FINE:
                out.print(line.append(f"{each.name}: {each.found}", style="default"))
                continue
            out.print(line.append(each.name, style="default"))
            for text in (*each.found.splitlines(), *each.mend.splitlines()):
                out.print(Text(" " * (_WIDTH + 4) + text))
