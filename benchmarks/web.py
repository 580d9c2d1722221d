"""The web application: sign-ups, and the archive, each beside a bare FastAPI route."""

import benchmarks.web_archive
import benchmarks.web_signup


def measure() -> None:
    """Measure sign-ups, then the archive."""
    benchmarks.web_signup.measure()
    benchmarks.web_archive.measure()
