"""The `newsletter` command."""

import sys

from newsletter_mailer.cli.app import app
from newsletter_mailer.cli.console import report_error
from newsletter_mailer.errors import NewsletterError


def main() -> None:
    """Run the command line; errors of ours become a message and an exit code."""
    try:
        app()
    except NewsletterError as error:
        report_error(error, as_json="--json" in sys.argv)
        sys.exit(error.exit_code)
