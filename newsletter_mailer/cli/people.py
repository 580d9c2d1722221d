"""The commands for single subscribers: show, add, move, suppress, erase."""

import contextlib
import datetime as dt
import json
import sys
from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy import Connection

from newsletter_mailer.audience import editing
from newsletter_mailer.audience.agency_names import agency_names
from newsletter_mailer.audience.candidate import Candidate, candidate
from newsletter_mailer.audience.csv_rows import Row
from newsletter_mailer.audience.editing import Added
from newsletter_mailer.audience.personal_data import PersonalData, find_person, personal_data
from newsletter_mailer.cli.console import print_json, say, shown_path
from newsletter_mailer.cli.options import AsJson, ByName, who
from newsletter_mailer.cli.project import Project
from newsletter_mailer.errors import UsageError
from newsletter_mailer.mailbox import address_key, checked_address
from newsletter_mailer.sending.erasing import erase as erase_people
from newsletter_mailer.sending.erasing import outbox_copies
from newsletter_mailer.sending.rules import wall_clock
from newsletter_mailer.signing_key import signing_keys
from newsletter_mailer.store.engine import reading, writing
from newsletter_mailer.store.scrubbing import scrub

WAY = "newsletter subscribers"

Address = Annotated[str, typer.Argument(metavar="ADDRESS", help="Somebody's e-mail address.")]

_WHY_NOT = {
    Added.KNOWN: "is on the list already. `newsletter subscribers show` says what is known.",
    Added.LEFT: "left the list, so only they can come back: through the sign-up page.",
    Added.ERASED: "left and asked to be erased, so only they can come back: through the "
    "sign-up page. If this is a mistake: newsletter subscribers suppress ADDRESS --lift",
    Added.KEPT_OFF: "is kept off the list. To change that: "
    "newsletter subscribers suppress ADDRESS --lift",
}


def show(
    context: typer.Context,
    address: Address,
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Write it as a page and as JSON, to be handed over."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show all that is held about somebody, and who changed what of it."""
    project = context.ensure_object(Project)
    with project.store() as engine, reading(engine) as connection:
        data = personal_data(connection, person(connection, address), project.registry)
    if data is None:
        raise nobody(address)
    if out is not None:
        _write(project, data, out)
    if as_json:
        print_json(data.as_dict())
    elif out is None:
        _say(project, data)


def add(
    context: typer.Context,
    address: Address,
    *,
    consent: Annotated[
        str, typer.Option(metavar="WORDS", help="How they agreed, such as: by phone on 3 May.")
    ],
    name: Annotated[str, typer.Option(help="Their name.")] = "",
    agency: Annotated[str, typer.Option(help="Their agency: its id or its name.")] = "",
    role: Annotated[str, typer.Option(help="Their role.")] = "",
    by: ByName = None,
) -> None:
    """Add somebody who agreed by phone or in person. Nobody who left is brought back."""
    project = context.ensure_object(Project)
    if not consent.strip():
        raise UsageError("--consent is empty. Say how they agreed; it is kept with their record.")
    somebody = _candidate(project, address, name, agency, role)
    with project.store() as engine, writing(engine) as connection:
        added = editing.add(
            connection,
            somebody,
            consent.strip(),
            keys=signing_keys(project.settings),
            way=f"{WAY} add",
            by=who(by),
            now=wall_clock(),
        )
    if added is not Added.DONE:
        raise UsageError(f"{somebody.email} {_WHY_NOT[added]}".replace("ADDRESS", somebody.email))
    say(f"{somebody.email} is on the list, under {project.registry.agency(somebody.agency).name}.")


def move(
    context: typer.Context,
    address: Address,
    agency: Annotated[str, typer.Argument(metavar="AGENCY", help="Its id or its name.")],
    by: ByName = None,
) -> None:
    """Move somebody to another agency."""
    project = context.ensure_object(Project)
    try:
        id_ = agency_names(project.registry).id_of(agency)
    except ValueError as error:
        raise UsageError(f"{str(error)[0].upper()}{str(error)[1:]}.") from error
    with project.store() as engine, writing(engine) as connection:
        before = editing.move(
            connection,
            person(connection, address),
            id_,
            way=f"{WAY} move",
            by=who(by),
            now=wall_clock(),
        )
    known = project.registry
    if before == id_:
        say(f"{address} is at {known.agency(id_).name} already.")
    else:
        say(
            f"{address} is at {known.agency(id_).name} now, and was at {known.agency(before).name}."
        )


def suppress(
    context: typer.Context,
    address: Address,
    reason: Annotated[
        str, typer.Option(metavar="WORDS", help="Why, for the office. No names.")
    ] = "",
    lift: Annotated[bool, typer.Option("--lift", help="Let the address get mail again.")] = False,
    by: ByName = None,
) -> None:
    """Keep an address off the list, whoever asks; it need not be on it."""
    project = context.ensure_object(Project)
    key = address_key(_checked(address))
    way, now = f"{WAY} suppress", wall_clock()
    with project.store() as engine, writing(engine) as connection:
        if lift:
            keys = signing_keys(project.settings)
            held = editing.lift(connection, key, keys=keys, way=way, by=who(by), now=now)
            new = False
        else:
            held = None
            new = editing.suppress(connection, key, reason, way=way, by=who(by), now=now)
    if held == "complaint":
        raise UsageError(
            f"{address} complained to their mail provider. Writing to them again would harm "
            "all other mail; this cannot be lifted."
        )
    if lift:
        say(
            f"{address} may get mail again ({held})."
            if held
            else f"Nothing kept {address} off the list."
        )
    else:
        say(
            f"{address} gets nothing from now on."
            if new
            else f"{address} was kept off the list before."
        )


def erase(
    context: typer.Context,
    address: Address,
    yes: Annotated[bool, typer.Option("--yes", help="Erase without asking.")] = False,
    by: ByName = None,
) -> None:
    """Erase somebody for good. Only a keyed hash of the address stays, so nobody adds it again."""
    project = context.ensure_object(Project)
    settings = project.settings
    with project.store() as engine:
        with reading(engine) as connection:
            id_ = person(connection, address)
        if not yes:
            if not sys.stdin.isatty():
                raise UsageError("Nobody is there to be asked. Add --yes to erase without asking.")
            if not typer.confirm(f"Erase everything about {address}? It cannot be taken back."):
                say("Nothing was changed.")
                raise typer.Exit(1)
        with writing(engine) as connection:
            copies = list(outbox_copies(connection, settings, id_))
            key = signing_keys(settings)[0]
            erase_people(connection, [id_], key, f"{WAY} erase", who(by), wall_clock())
        for path in copies:
            with contextlib.suppress(OSError):
                path.unlink()
        scrub(engine)
    say(
        f"Number {id_} is erased: from the list, every campaign's ledger, and the outbox.",
        "Copies outside remain yours to see to: backups, lists in spreadsheets, certificates "
        "that name who was in doubt.",
    )


def person(connection: Connection, address: str) -> int:
    """The number of the subscriber with this address.

    Raises:
        UsageError: there is none.
    """
    id_ = find_person(connection, address)
    if id_ is None:
        raise nobody(address)
    return id_


def nobody(address: str) -> UsageError:
    """What to say where nobody has this address."""
    return UsageError(f"Nobody is known as {address!r}. Check its spelling.")


def _checked(address: str) -> str:
    try:
        return checked_address(address)
    except ValueError as error:
        raise UsageError(f"{error}") from error


def _candidate(project: Project, address: str, name: str, agency: str, role: str) -> Candidate:
    names = agency_names(project.registry)
    try:
        found = candidate(Row(0, address, name, agency, role), names)
    except ValueError as error:
        raise UsageError(f"Found {error}.") from error
    return found._replace(agency=found.agency or names.default)


def _write(project: Project, data: PersonalData, folder: Path) -> None:
    """Write the page and the JSON."""
    # The web framework, which the templates of pages belong to, takes a while to import.
    from newsletter_mailer.web.pages import Pages  # noqa: PLC0415
    from newsletter_mailer.web.personal_page import personal_page  # noqa: PLC0415

    settings = project.settings
    page = personal_page(Pages(settings), settings, data, now=wall_clock())
    text = json.dumps(data.as_dict(), ensure_ascii=False, indent=2) + "\n"
    for name, content in (("personal-data.html", page), ("personal-data.json", text)):
        path = folder / name
        try:
            folder.mkdir(parents=True, exist_ok=True)
            path.write_text(content, encoding="utf-8")
        except OSError as error:
            raise UsageError(f"{path} cannot be written: {error.strerror}.") from error
        say(shown_path(path.absolute()))


def _say(project: Project, data: PersonalData) -> None:
    one, chosen = data.person, data.preferences
    say(
        f"{one['email']}  {one['name']}".rstrip(),
        f"  number {one['number']}, {one['status']}, {one['agency_name']}"
        + (f", {one['role']}" if one["role"] else ""),
        f"  came from {one['source']} on {_day(project, one['since'])}",
        f"  tracking: {'allowed' if chosen['tracking'] else 'no'}",
    )
    if chosen["paused_until"]:
        say(f"  paused until {_day(project, chosen['paused_until'])}")
    if data.kept_off:
        say(f"  kept off the list: {data.kept_off['reason']} {data.kept_off['words']}".rstrip())
    for each in data.consents:
        verb = "agreed to" if each["given"] else "withdrew"
        say(f"  {_day(project, each['at'])}: {verb} {each['kind']} ({each['source']})")
    say("Issues:" if data.mails else "No issue was sent to them yet.")
    for each in data.mails:
        say(f"  {each['campaign']}: {each['outcome']}")
    say("Who changed what:" if data.history else "Nothing was changed since they came.")
    for each in data.history:
        say(f"  {_day(project, each['at'])}  {each['change']}; by {each['by']}, {each['way']}")


def _day(project: Project, moment: str) -> str:
    when = dt.datetime.fromisoformat(moment)
    return f"{when.astimezone(project.settings.office.zone):%-d %B %Y, %H:%M}"
