"""The command `check`: everything that is wrong or doubtful in an issue, its mails, its links."""

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy import Engine

from newsletter_mailer.checking.links import findings as of_links
from newsletter_mailer.checking.links.fixing import Fixed, fix, replacements
from newsletter_mailer.checking.links.mentions import mentions
from newsletter_mailer.checking.links.newest import now, store_for_links
from newsletter_mailer.cli.console import counted, err, out, plural, print_findings, print_json, say
from newsletter_mailer.cli.links import print_link_findings, say_links
from newsletter_mailer.cli.looking import LinkLook, look_at_links
from newsletter_mailer.cli.options import AsJson, IssueName
from newsletter_mailer.cli.project import Project
from newsletter_mailer.compiling.email import CompiledEmail
from newsletter_mailer.errors import UsageError
from newsletter_mailer.findings import Finding, errors_in
from newsletter_mailer.reading.document import Issue


@dataclass(frozen=True, slots=True)
class _Checked:
    issue: Issue
    emails: tuple[CompiledEmail, ...]
    findings: tuple[Finding, ...]
    look: LinkLook
    fixed: Fixed | None = None


def check(
    context: typer.Context,
    issue: IssueName,
    *,
    links: Annotated[
        bool, typer.Option("--links/--offline", help="Look at where links lead, or use no network.")
    ] = True,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Look again at links that were good within a day.")
    ] = False,
    fix_: Annotated[
        bool, typer.Option("--fix", help="Write safe replacements of links into the files.")
    ] = False,
    strip_tracking: Annotated[
        bool, typer.Option("--strip-tracking", help="With --fix: take tracking out of links too.")
    ] = False,
    report: Annotated[
        Path | None, typer.Option(metavar="FILE.html", help="Write a report of all links.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Read and compile an issue, and list what is wrong or doubtful in it, its mails and links."""
    if strip_tracking and not fix_:
        raise UsageError("--strip-tracking changes files. Add --fix if that is meant.")
    project = context.ensure_object(Project)
    offline = not links or not project.settings.links.check
    with nullcontext() if offline else store_for_links(project.settings) as engine:
        checked = _checked(project, issue, engine, offline=not links, fresh=fresh, quiet=as_json)
        if fix_:
            checked = _fixed(
                project,
                issue,
                engine,
                checked,
                strip=strip_tracking,
                offline=not links,
                quiet=as_json,
            )
    failed = bool(errors_in(checked.findings))
    if report:
        from newsletter_mailer.checking.links.report import write_report  # noqa: PLC0415

        write_report(
            report,
            checked.issue,
            checked.look.links,
            {email.name: _names(project, email) for email in checked.emails},
            now=now().astimezone(project.settings.office.zone),
            unlooked=checked.look.unlooked,
        )
    if as_json:
        print_json(_facts(project, checked, failed=failed))
    else:
        _print(project, checked, failed=failed, report=report)
    if failed:
        raise typer.Exit(1)


def _checked(
    project: Project,
    name: str,
    engine: Engine | None,
    *,
    offline: bool,
    fresh: bool,
    quiet: bool,
    before: LinkLook | None = None,
) -> _Checked:
    issue, findings = project.issue(name)
    emails = project.compiled(issue)
    look = look_at_links(
        issue,
        emails,
        project.settings,
        engine=engine,
        offline=offline,
        fresh=fresh,
        quiet=quiet,
        before=before,
    )
    from newsletter_mailer.checking.mail import look_over  # noqa: PLC0415 - see project.py

    looked = look_over(
        issue,
        emails,
        project.registry,
        project.settings,
        links=look.findings,
        answering=look.answering,
    )
    return _Checked(issue, emails, tuple(sorted([*findings, *looked.findings])), look)


def _fixed(
    project: Project,
    name: str,
    engine: Engine | None,
    checked: _Checked,
    *,
    strip: bool,
    offline: bool,
    quiet: bool,
) -> _Checked:
    """Mend the files, and check again what they hold then."""
    look = checked.look
    wanted = replacements(mentions(checked.issue), look.results, strip_tracking=strip)
    fixed = fix(project.settings.root, lambda: project.issue(name)[0], wanted)
    if fixed.changes:
        checked = _checked(
            project, name, engine, offline=offline, fresh=False, quiet=quiet, before=look
        )
    return replace(checked, fixed=fixed)


def _names(project: Project, email: CompiledEmail) -> str:
    """The agencies of a variant, as people know them."""
    return ", ".join(project.registry.agency(id_).name for id_ in email.agencies)


def _facts(project: Project, checked: _Checked, *, failed: bool) -> dict[str, object]:
    facts: dict[str, object] = {"error": counted(checked.findings)} if failed else {}
    facts |= {
        "issue": checked.issue.name,
        "articles": len(checked.issue.every_article),
        "variants": len(checked.emails),
        "agencies": len(project.registry.agencies),
        "findings": [finding.as_dict() for finding in checked.findings],
        "links": [link.as_dict() for link in checked.look.links],
    }
    if checked.fixed:
        facts["fixed"] = [
            {
                "file": change.place.file,
                "line": change.place.line,
                "old": change.old,
                "new": change.new,
            }
            for change in checked.fixed.changes
        ]
    return facts


def _print(project: Project, checked: _Checked, *, failed: bool, report: Path | None) -> None:
    if checked.fixed:
        _say_fixed(checked.fixed)
    console = err if failed else out
    findings: Sequence[Finding] = checked.findings
    plain = [finding for finding in findings if finding.rule not in of_links.RULES]
    print_findings(plain, console=console)
    of_link = [finding for finding in findings if finding.rule in of_links.RULES]
    print_link_findings(of_link, checked.issue, checked.look.links, console=console)
    found = f"{counted(findings)}." if findings else "no findings."
    read = checked.issue
    say(
        f"Issue {read.head.number}, {read.head.title}: {found}",
        f"{plural(len(read.every_article), 'article')}, {plural(len(checked.emails), 'variant')} "
        f"for {plural(len(project.registry.agencies), 'agency')}.",
    )
    say_links([link.result for link in checked.look.links], checked.look.unlooked)
    if report:
        say(f"The report of all links is in {report}")


def _say_fixed(fixed: Fixed) -> None:
    say(*(str(change) for change in fixed.changes))
    if not fixed.changes:
        say("Nothing to mend that would be safe.")
    for mention in fixed.left:
        say(f"{mention.place} {mention.url} could not be changed by itself; change it by hand.")
