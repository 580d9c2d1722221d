"""The commands that prove what became of everyone: certificate, in-doubt."""

import hashlib
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from newsletter_mailer.cli.console import err, plural, print_json, say, shown_path, table
from newsletter_mailer.cli.options import AsJson, ByName, CampaignName, who
from newsletter_mailer.cli.project import Project
from newsletter_mailer.cli.summary import kinds
from newsletter_mailer.errors import UsageError
from newsletter_mailer.mailbox import address_key
from newsletter_mailer.sending import doubt
from newsletter_mailer.sending.campaign import Campaign, find_campaign
from newsletter_mailer.sending.certificate import Certificate, certify
from newsletter_mailer.sending.certificate_page import certificate_page
from newsletter_mailer.sending.doubt import Doubtful, Settlement
from newsletter_mailer.sending.progress import ErrorKind
from newsletter_mailer.sending.rules import wall_clock
from newsletter_mailer.store.engine import reading, writing
from newsletter_mailer.whole import whole_file


def certificate(
    context: typer.Context,
    campaign: CampaignName,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="The folder to write into.", show_default="var/certificates"
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Write a page and a JSON that say what became of everyone, and prove that it adds up."""
    project = context.ensure_object(Project)
    with project.store() as engine, reading(engine) as connection:
        made = certify(connection, find_campaign(connection, campaign))
    content = made.as_json()
    digest = hashlib.sha256(content).hexdigest()
    page = certificate_page(made, digest, project.settings, wall_clock())
    folder = out or project.settings.state / "certificates"
    stem = f"certificate-{made.campaign.name}"
    files = {folder / f"{stem}.html": page.encode(), folder / f"{stem}.json": content}
    _write(files)
    if as_json:
        shown = {path.suffix[1:]: str(path) for path in files}
        print_json(made.as_dict() | {"files": shown, "sha256": digest})
    else:
        _show(made, digest, list(files))
    if not made.sound:
        raise typer.Exit(1)


def in_doubt(
    context: typer.Context,
    campaign: CampaignName,
    *,
    emails: Annotated[
        list[str] | None, typer.Argument(metavar="[EMAIL]...", help="Only these addresses.")
    ] = None,
    settle: Annotated[
        Settlement | None, typer.Option(help="What you know or decide of them.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Send again without asking.")] = False,
    by: ByName = None,
    as_json: AsJson = False,
) -> None:
    """List the letters of which nobody knows whether they arrived, and settle them."""
    project = context.ensure_object(Project)
    with project.store() as engine:
        with reading(engine) as connection:
            known = find_campaign(connection, campaign)
            found = _chosen(doubt.in_doubt(connection, known.id), emails or [], known)
        if settle is None or not found:
            _list(project, known, found, as_json=as_json)
            return
        if settle is Settlement.RESEND and not (yes or as_json) and not _agreed(len(found)):
            say("Nothing was changed.")
            raise typer.Exit(1)
        with writing(engine) as connection:
            settled = doubt.settle(
                connection,
                known.id,
                settle,
                wall_clock(),
                emails=[each.email for each in found] if emails else [],
                by=who(by),
            )
            left = len(doubt.in_doubt(connection, known.id))
    if as_json:
        print_json({"name": known.name, "settled": settled, "as": settle, "in_doubt": left})
        return
    say(f"{plural(settled, 'letter')} settled as {settle}; {left:,} still in doubt.")
    if settle is Settlement.RESEND:
        say(f"To send them: newsletter send {known.number}")
    elif not left:
        say(f"The record of it: newsletter certificate {known.name}")


def _chosen(
    found: Sequence[Doubtful], emails: Sequence[str], known: Campaign
) -> Sequence[Doubtful]:
    """Those with these addresses, all where none is named."""
    if not emails:
        return found
    by_key = {address_key(each.email): each for each in found}
    missing = [email for email in emails if address_key(email) not in by_key]
    if missing:
        raise UsageError(
            f"Not in doubt in campaign {known.name}: {', '.join(missing)}. "
            f"`newsletter in-doubt {known.name}` lists those that are. Nothing was changed."
        )
    return [by_key[key] for key in dict.fromkeys(address_key(email) for email in emails)]


def _agreed(number: int) -> bool:
    if not sys.stdin.isatty():
        raise UsageError(
            "Nobody is there to be asked, and whoever had the letter gets it twice. "
            "Add --yes to send again without asking."
        )
    return typer.confirm(
        f"Send {plural(number, 'letter')} again? Some of them may have arrived: "
        "those readers get it twice."
    )


def _list(project: Project, known: Campaign, found: Sequence[Doubtful], *, as_json: bool) -> None:
    if as_json:
        rows = [
            {
                "email": each.email,
                "since": each.since.isoformat() if each.since else None,
                "why": each.error,
            }
            for each in found
        ]
        print_json({"name": known.name, "in_doubt": rows})
        return
    if not found:
        say(f"Nothing in campaign {known.name} is in doubt.")
        return
    zone = project.settings.office.zone
    table(
        f"Campaign {known.name}: {plural(len(found), 'letter')} in doubt",
        "address",
        "why",
        "since",
        rows=[
            (
                each.email,
                each.error,
                f"{each.since.astimezone(zone):%-d %b %Y %H:%M:%S}" if each.since else "",
            )
            for each in found
        ],
    )
    say(
        "",
        "Nobody knows whether these arrived. Look in the mail server's log, then settle them:",
        f"  newsletter in-doubt {known.name} --settle sent|failed|resend|skip [EMAIL ...]",
    )


def _write(files: dict[Path, bytes]) -> None:
    """Write each file whole or not at all."""
    for path, content in files.items():
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with whole_file(path) as draft:
                draft.write_bytes(content)
        except OSError as error:
            raise UsageError(
                f"{path} cannot be written: {error.strerror}. Name a folder with --out."
            ) from error


def _show(made: Certificate, digest: str, files: Sequence[Path]) -> None:
    known = made.campaign
    if not made.sound:
        for line in _faults(made):
            err.print(Text(line, style="bold red"))
    elif not made.finished:
        say(f"Not finished: campaign {known.name} is {known.state}, {made.counts.open:,} open.")
    parts = [f"{number:,} {word}" for word, number in made.outcomes.items()]
    if made.counts.open:
        parts.append(f"{made.counts.open:,} still open")
    sign = "=" if made.adds_up else "≠"
    say(f"{made.eligible:,} eligible {sign} {' + '.join(parts)}")
    say(*kinds(ErrorKind("failed", each.code, each.words, each.times) for each in made.failures))
    if made.in_doubt:
        say(f"Those in doubt are named in it. To settle them: newsletter in-doubt {known.name}")
    say("", *(shown_path(path.absolute()) for path in files), f"SHA-256 of the JSON: {digest}")


def _faults(made: Certificate) -> list[str]:
    found = ["THIS CERTIFICATE DOES NOT HOLD: the ledger was changed outside the program."]
    if not made.adds_up:
        found.append(f"The outcomes do not add up to {made.eligible:,}.")
    found += [f"Changed after it was frozen: {what}." for what in made.changed]
    return found
