"""Making editions: an issue's files are read and compiled anew whenever they have changed."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from newsletter_mailer.checking.mail import WAIVABLE
from newsletter_mailer.compiling.compiler import Compiler
from newsletter_mailer.compiling.email import CompiledEmail
from newsletter_mailer.errors import ContentError, IssueError, NewsletterError
from newsletter_mailer.findings import Finding, Place
from newsletter_mailer.reading.agencies import Registry, read_registry
from newsletter_mailer.reading.document import Image, Issue
from newsletter_mailer.reading.issue import ISSUE_FILE, read_issue
from newsletter_mailer.settings import SETTINGS_FILE, Settings, load_settings

_COMPILER_LASTS = 60
"""Editions that one compiler makes. It remembers what it rendered, and would grow for ever."""

_Print = tuple[tuple[str, int, int], ...]
"""Names, times of change in nanoseconds, and sizes in bytes: how files are seen to have changed."""


@dataclass(frozen=True)
class Edition:
    """An issue as its files were at one moment, compiled. Numbers rise with time.

    One that is not `whole` has the mail of one agency only, the one that is looked at.
    """

    number: int
    settings: Settings
    registry: Registry
    issue: Issue
    findings: tuple[Finding, ...]
    emails: tuple[CompiledEmail, ...]
    whole: bool = True

    @cached_property
    def by_agency(self) -> dict[str, CompiledEmail]:
        """The mail that each agency gets."""
        return {id_: email for email in self.emails for id_ in email.agencies}

    @cached_property
    def images(self) -> dict[str, Image]:
        """Every picture of the mails, by the name it has there."""
        return {image.name: image for email in self.emails for image in email.images}


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why the files, as they are, make no edition: findings, or a message where there are none."""

    findings: tuple[Finding, ...] = ()
    message: str = ""


class Workshop:
    """Makes the editions of one issue. It is not for use from several threads at once."""

    def __init__(self, root: Path, folder: Path) -> None:
        self._root = root
        self.folder = folder
        self._number = 0
        self._made = 0
        self._settings: tuple[_Print, Settings] | None = None
        self._registry: tuple[_Print, Registry] | None = None
        self._compiler: tuple[_Print, Compiler] | None = None

    @property
    def shown(self) -> str:
        """How findings name the issue's folder."""
        inside = self.folder.is_relative_to(self._root)
        return (self.folder.relative_to(self._root) if inside else self.folder).as_posix()

    def begin(self, agency: str) -> Edition | Trouble:
        """An edition of the files as they are now, with the mail of one agency. Raises nothing.

        An agency that is not there (any more) gives way to the default one.
        """
        return _attempt(lambda: self._begun(agency))

    def complete(self, edition: Edition) -> Edition | Trouble:
        """The same edition with the mails of all agencies. Raises nothing."""
        return _attempt(lambda: self._completed(edition))

    def make(self) -> Edition | Trouble:
        """A whole edition of the files as they are now. Raises nothing."""
        begun = self.begin("")
        return begun if isinstance(begun, Trouble) else self.complete(begun)

    def web_pages(self, edition: Edition) -> dict[str, str]:
        """Every variant as a page for the archive, by the variant's name.

        Raises:
            NewsletterError: the templates make no such pages.
        """
        pages = self._compiler_for(edition.settings).web_pages(edition.issue, edition.registry)
        return {page.name: page.html for page in pages}

    def renew(self) -> None:
        """Take a new compiler when the old one has remembered enough; for a quiet moment."""
        if self._compiler and self._made >= _COMPILER_LASTS:
            self._compiler = None
            self.make()

    def _begun(self, agency: str) -> Edition:
        settings = self._current_settings()
        registry = self._current_registry(settings)
        outside = leading_out(self.folder, self.shown)
        if outside:
            raise IssueError(outside)
        issue, findings = read_issue(self.folder, registry, shown=self.shown, waivable=WAIVABLE)
        wanted = registry.agency(agency).id
        email = self._compiler_for(settings).compile_for(wanted, issue, registry)
        self._made += 1
        self._number += 1
        found = tuple(findings)
        return Edition(self._number, settings, registry, issue, found, (email,), whole=False)

    def _completed(self, edition: Edition) -> Edition:
        compiler = self._compiler_for(edition.settings)
        return replace(
            edition, emails=compiler.compile(edition.issue, edition.registry), whole=True
        )

    def _current_settings(self) -> Settings:
        now = _print([self._root / SETTINGS_FILE])
        if self._settings is None or self._settings[0] != now:
            self._settings = (now, load_settings(self._root))
            self._compiler = None
        return self._settings[1]

    def _current_registry(self, settings: Settings) -> Registry:
        file = settings.agencies_file
        now = _print([file])
        if self._registry is None or self._registry[0] != now:
            shown = file.relative_to(settings.root).as_posix()
            self._registry = (now, read_registry(file, shown))
        return self._registry[1]

    def _compiler_for(self, settings: Settings) -> Compiler:
        logo = [settings.root / "images" / settings.logo.file] if settings.logo else []
        now = _print([*sorted(settings.email_templates.rglob("*")), *logo])
        if self._compiler is None or self._compiler[0] != now:
            self._compiler = (now, Compiler(settings))
            self._made = 0
        return self._compiler[1]


def _attempt(work: Callable[[], Edition]) -> Edition | Trouble:
    try:
        return work()
    except ContentError as error:
        return Trouble(error.findings)
    except NewsletterError as error:
        return Trouble(message=str(error))
    except OSError as error:
        return Trouble(message=f"{error.filename} cannot be read: {error.strerror}.")
    except Exception as error:  # a preview must outlive even a fault of the program
        return Trouble(
            message="The program could not cope with these files, which is a fault of its "
            f"own: {type(error).__name__}: {error}. Undo the last change, and report it."
        )


def leading_out(folder: Path, shown: str) -> list[Finding]:
    """A finding for each text file of an issue that is a link to somewhere outside its folder.

    An issue is handed on and kept as a folder, and nothing else of a machine may get into it.
    """
    home = folder.resolve()
    findings = []
    for path in (folder / ISSUE_FILE, *sorted((folder / "articles").glob("*.md"))):
        try:
            inside = path.resolve().is_relative_to(home)
        except (OSError, RuntimeError):  # links that lead round in a circle
            inside = False
        if not inside:
            name = path.relative_to(folder).as_posix()
            findings.append(
                Finding(
                    Place(f"{shown}/{name}"),
                    "outside-issue",
                    "a link to a file outside the issue's folder",
                    "a file in the folder",
                    "Copy the file there in place of the link.",
                )
            )
    return findings


def _print(paths: Iterable[Path]) -> _Print:
    found = []
    for path in paths:
        try:
            stat = path.stat()
        except OSError:
            continue
        found.append((str(path), stat.st_mtime_ns, stat.st_size))
    return tuple(found)
