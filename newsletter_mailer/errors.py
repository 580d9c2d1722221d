"""Every error this program raises on purpose.

    NewsletterError                 exit code 1 unless said otherwise
    ├── UsageError                  wrong usage or configuration: exit code 2
    │   └── SettingsError           newsletter.toml or the environment
    ├── ContentError                mistakes in the user's files, each a finding
    │   ├── IssueError              an issue's folder
    │   ├── RegistryError           agencies.yaml
    │   └── TemplateError           templates/: mails, pages, reports, the preview
    ├── CompileError                the e-mail toolchain refused or damaged its input
    ├── StoreError                  the database is locked, read-only, full or damaged
    ├── DraftError                  a document that cannot become articles
    ├── AudienceError               a CSV file that cannot be read as subscribers
    └── SendingError                a campaign that cannot go on
        └── TransportError          a transport that cannot take any message

Each message says what was found, where, what was expected and what to do.
"""

from collections.abc import Sequence

from newsletter_mailer.findings import Finding


class NewsletterError(Exception):
    """The root of the tree. The command line prints its message without a traceback."""

    exit_code = 1


class UsageError(NewsletterError):
    """The command cannot be carried out as it was given, whatever the files hold."""

    exit_code = 2


class SettingsError(UsageError):
    """A setting is missing, unknown or malformed."""


class ContentError(NewsletterError):
    """One or more mistakes in files that the user writes; `findings` holds them all."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        self.findings = tuple(sorted(findings))
        super().__init__("\n".join(str(finding) for finding in self.findings))


class IssueError(ContentError):
    """An issue cannot be read."""


class RegistryError(ContentError):
    """The registry of agencies cannot be read."""


class TemplateError(ContentError):
    """A template in `templates/` is missing, holds mistakes, or cannot be rendered.

    The mail's, the web pages', the reports' and the preview's alike.
    """


class CompileError(NewsletterError):
    """The e-mail toolchain refused its input, or would have damaged it."""


class StoreError(NewsletterError):
    """The database cannot be opened, read or written."""


class DraftError(NewsletterError):
    """A draft cannot be read, or holds nothing that an article could be made of."""


class AudienceError(NewsletterError):
    """A file of subscribers cannot be read at all."""


class SendingError(NewsletterError):
    """A campaign cannot be frozen or cannot go on."""


class TransportError(SendingError):
    """The transport can take no message at all; nothing was marked as sent for it."""
