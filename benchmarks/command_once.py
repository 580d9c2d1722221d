"""Runs one `newsletter` command in this process, and prints its peak of memory as JSON."""

import json
import sys

from benchmarks.memory import peak_megabytes
from newsletter_mailer.cli import main as newsletter


def main() -> None:
    """Run it; its exit code stays."""
    code: object = 0
    try:
        newsletter()
    except SystemExit as end:
        code = end.code
    print(json.dumps({"megabytes": peak_megabytes()}))
    sys.exit(code if isinstance(code, int) else 1)


if __name__ == "__main__":
    main()
