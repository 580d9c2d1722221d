"""What most commands begin with: the project's settings, registry, issue and store.

What reads, compiles and checks issues is imported where that is done: it takes a second and
forty megabytes, and `status` or a campaign that is resumed have no use for it.
"""

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Engine

from newsletter_mailer.errors import IssueError
from newsletter_mailer.findings import Finding, errors_in
from newsletter_mailer.reading.agencies import Registry, read_registry
from newsletter_mailer.reading.document import Issue
from newsletter_mailer.reading.issue import find_issue, read_issue
from newsletter_mailer.settings import Settings, find_root, load_settings
from newsletter_mailer.store.engine import open_store

if TYPE_CHECKING:
    from newsletter_mailer.checking.mail import Looked
    from newsletter_mailer.compiling.compiler import Compiler
    from newsletter_mailer.compiling.email import CompiledEmail


@dataclass
class Project:
    """A project folder, opened piece by piece as a command needs it."""

    start: Path

    @cached_property
    def settings(self) -> Settings:
        """The settings."""
        return load_settings(find_root(self.start))

    @cached_property
    def registry(self) -> Registry:
        """The registry of agencies."""
        file = self.settings.agencies_file
        return read_registry(file, file.relative_to(self.settings.root).as_posix())

    @cached_property
    def compiler(self) -> "Compiler":
        """The compiler, with the project's templates."""
        from newsletter_mailer.compiling.compiler import Compiler  # noqa: PLC0415

        return Compiler(self.settings)

    def folder(self, name: str) -> Path:
        """The folder of the issue that `name` names."""
        return find_issue(self.settings.issues, name)

    def issue(self, name: str) -> tuple[Issue, list[Finding]]:
        """An issue and every finding in it that is not an error.

        Raises:
            IssueError: there are errors in it.
        """
        from newsletter_mailer.checking.coverage import coverage  # noqa: PLC0415
        from newsletter_mailer.checking.mail import WAIVABLE  # noqa: PLC0415

        folder = self.folder(name)
        root = self.settings.root
        shown = folder.relative_to(root) if folder.is_relative_to(root) else folder
        issue, findings = read_issue(
            folder, self.registry, shown=shown.as_posix(), waivable=WAIVABLE
        )
        findings = [*findings, *coverage(issue, self.registry)]
        if errors_in(findings):
            raise IssueError(findings)
        return issue, findings

    def compiled(self, issue: Issue) -> "tuple[CompiledEmail, ...]":
        """Every variant of an issue."""
        return self.compiler.compile(issue, self.registry)

    def looked_over(
        self,
        issue: Issue,
        findings: Sequence[Finding],
        emails: "Sequence[CompiledEmail]",
        *,
        links: Sequence[Finding] = (),
        answering: Collection[str] = (),
    ) -> "Looked":
        """What the checks of finished mails find in those of an issue, after `findings` in it.

        `links` is what was found where its links lead, `answering` those that lead to a page.

        Raises:
            IssueError: there are errors left that nobody waived.
        """
        from newsletter_mailer.checking.mail import look_over  # noqa: PLC0415

        looked = look_over(
            issue, emails, self.registry, self.settings, links=links, answering=answering
        )
        if errors_in(looked.findings):
            raise IssueError([*findings, *looked.findings])
        return looked

    @contextmanager
    def store(self) -> Iterator[Engine]:
        """The database, its schema up to date."""
        engine = open_store(self.settings)
        try:
            yield engine
        finally:
            engine.dispose()
