"""The commands that begin an issue: new, import, blocks."""

import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from newsletter_mailer.cli.console import (
    counted,
    plural,
    print_findings,
    print_json,
    say,
    shown_path,
)
from newsletter_mailer.cli.options import AsJson
from newsletter_mailer.cli.project import Project
from newsletter_mailer.drafting.scaffold import Before, scaffold
from newsletter_mailer.drafting.target import target_of
from newsletter_mailer.errors import UsageError
from newsletter_mailer.findings import Finding
from newsletter_mailer.settings import Settings

_MENDABLE = frozenset({"link-wrapped", "link-tracking"})
"""Rules whose mend `newsletter check --fix` writes by itself."""


def new(
    context: typer.Context,
    number: Annotated[int, typer.Argument(min=0, max=99_999, help="The new issue's number.")],
    from_: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="ISSUE",
            help="Take the title, language and sender of this issue.",
        ),
    ] = None,
    keep: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="With --from: take this article along; repeatable."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Start an issue: a folder with commented files to change, and every block as an example."""
    if keep and not from_:
        raise UsageError("--keep takes articles of another issue. Add --from with its number.")
    project = context.ensure_object(Project)
    settings = project.settings
    before = None
    if from_:
        before = Before(project.folder(from_), project.issue(from_)[0], tuple(keep or ()))
    folder = scaffold(settings, number, _today(settings), before)
    shown = folder.relative_to(settings.root).as_posix()
    if as_json:
        print_json({"issue": folder.name, "folder": shown, "kept": list(keep or ())})
    else:
        say(f"Issue {number} is in {shown}/.")
        if (folder / "examples").is_dir():
            say(f"Every block to copy from is in {shown}/examples/.")
        say(f"Write, then look it over: newsletter check {number}")


def import_(
    context: typer.Context,
    draft: Annotated[Path, typer.Argument(metavar="DRAFT", help="A .docx, .html or .md file.")],
    issue: Annotated[
        str | None,
        typer.Option(
            metavar="ISSUE",
            help="The issue to put the articles into; a new number makes it.",
            show_default="the next number",
        ),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace articles and pictures of the same names.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Turn a Word document, a web page or a Markdown text into the articles of an issue."""
    from newsletter_mailer.drafting.importing import plan, read_draft, write  # noqa: PLC0415
    from newsletter_mailer.drafting.looking import to_mend  # noqa: PLC0415

    project = context.ensure_object(Project)
    settings, registry = project.settings, project.registry
    target = target_of(settings, issue, _today(settings))
    planned = plan(read_draft(draft), draft, target)
    written = write(planned, target, overwrite=overwrite)
    found = to_mend(target.folder, target.shown, registry, settings)
    if as_json:
        print_json(
            {
                "issue": target.folder.name,
                "folder": target.shown,
                "written": list(written),
                "articles": list(planned.articles),
                "notes": [note.as_dict() for note in planned.notes],
                "findings": [finding.as_dict() for finding in found],
            }
        )
        return
    say(*(f"{target.shown}/{name}" for name in written))
    pictures = sum(name.startswith("images/") for name in planned.files)
    say(
        f"{plural(len(planned.articles), 'article')} and {plural(pictures, 'picture')} from "
        f"{shown_path(draft)} are in {target.shown}/."
    )
    _say_notes(draft, planned.notes)
    _say_to_mend(target.number, found)


def _today(settings: Settings) -> dt.date:
    return dt.datetime.now(settings.office.zone).date()


def blocks(
    context: typer.Context,
    out: Annotated[Path, typer.Option(metavar="FILE.html", help="The page to write.")] = Path(
        "blocks.html"
    ),
    as_json: AsJson = False,
) -> None:
    """Write a page that shows every block as it looks in a mail, with its source to copy."""
    from newsletter_mailer.drafting.gallery import gallery  # noqa: PLC0415

    project = context.ensure_object(Project)
    page = gallery(project.settings, project.registry, project.compiler)
    try:
        out.write_text(page, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{out} cannot be written: {error.strerror}.") from error
    if as_json:
        print_json({"page": out.as_posix(), "bytes": len(page.encode())})
    else:
        say(f"Every block, with its source to copy: {shown_path(out)}")


def _say_notes(draft: Path, notes: Sequence[Finding]) -> None:
    """What the import left out or took over in another form."""
    if not notes:
        return
    say("", f"Left out of {draft.name}, or put into another form:")
    for note in notes:
        line = f" (line {note.place.line})" if note.place.line > 1 else ""
        say(f"  {note.found}{line}.{f' {note.mend}' if note.mend else ''}")


def _say_to_mend(number: int, found: Sequence[Finding]) -> None:
    """What is still to be mended, and how to go on."""
    say("")
    if found:
        say("To mend before it can go out:")
        print_findings(found)
        say(f"{counted(found)}.")
    fixable = [finding for finding in found if finding.rule in _MENDABLE]
    if fixable:
        say(
            f"Links that a mail program wrapped ({len(fixable)}) are mended by: "
            f"newsletter check {number} --fix"
            f"{' --strip-tracking' if any(f.rule == 'link-tracking' for f in fixable) else ''}"
        )
    say(f"Then look it over: newsletter check {number}")
