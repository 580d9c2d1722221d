"""What the tests share: the shipped project, read and compiled once."""

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck
from hypothesis import settings as trying
from typer.testing import CliRunner

from newsletter_mailer.compiling.compiler import Compiler
from newsletter_mailer.compiling.email import CompiledEmail
from newsletter_mailer.reading.agencies import Registry, read_registry
from newsletter_mailer.reading.document import Issue
from newsletter_mailer.reading.issue import find_issue, read_issue
from newsletter_mailer.settings import Settings, load_settings
from tests.databases import database, postgres
from tests.projects import copied_project

__all__ = ["database", "postgres"]

ROOT = Path(__file__).parent.parent

# How long an example takes says how busy the machine is, and nothing about the claim.
trying.register_profile("office", deadline=None, suppress_health_check=[HealthCheck.too_slow])
trying.load_profile("office")


_IN_MEMORY = Path("/dev/shm")  # noqa: S108 - its folders are made by pytest, for this user only

if _IN_MEMORY.is_dir() and shutil.disk_usage(_IN_MEMORY).free > 4 << 30:
    # Databases wait for the disk at every commit; no test cuts the power.
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(_IN_MEMORY))


LONGEST = (
    "test_preview_browser.py",
    "test_sending.py",
    "test_send_options.py",
    "test_browser.py",
    "test_sendgrid_staged.py",
    "test_web_browser.py",
    "test_smtp_misbehaving.py",
    "test_send_misbehaving.py",
    "test_campaigns.py",
    "test_conformance.py",
    "test_import.py",
    "test_sendgrid_misbehaving.py",
    "test_running_controls.py",
    "test_certificate.py",
    "test_tracking_events.py",
    "test_archive_browser.py",
    "test_workers.py",
    "test_send_frozen.py",
    "test_send_failures.py",
    "test_two_hosts.py",
    "test_theme.py",
    "test_tracking_kills.py",
    "test_web_leaving.py",
    "test_tracking_pixel.py",
    "test_web_archive.py",
)
"""Files that take 20 seconds and more, the longest first, by their times in a whole run. They begin
before all others, so that no worker is left with one at the end while the rest have nothing to do.
"""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest files first; the order of all else stays."""
    turns = {name: turn for turn, name in enumerate(LONGEST)}
    items.sort(key=lambda item: turns.get(item.path.name, len(turns)))


@pytest.fixture(autouse=True, scope="session")
def _own_environment() -> Iterator[None]:
    """No test sees the settings of whoever runs it, or looks at links unless it says so."""
    with pytest.MonkeyPatch.context() as world:
        for name in os.environ:
            if name.startswith("NEWSLETTER_") and not name.startswith("NEWSLETTER_TESTS_"):
                world.delenv(name)
        world.setenv("NEWSLETTER_LINKS__CHECK", "false")
        yield


@pytest.fixture(scope="session")
def settings() -> Settings:
    """The settings of the shipped project."""
    return load_settings(ROOT)


@pytest.fixture(scope="session")
def registry(settings: Settings) -> Registry:
    """The shipped registry of agencies."""
    return read_registry(settings.agencies_file, "subscribers/agencies.yaml")


@pytest.fixture(scope="session")
def shipped(settings: Settings, registry: Registry) -> dict[int, Issue]:
    """The shipped issues, by number."""
    return {n: read_issue(find_issue(settings.issues, str(n)), registry)[0] for n in (1, 6)}


@pytest.fixture(scope="session")
def compiled(
    settings: Settings, registry: Registry, shipped: dict[int, Issue]
) -> dict[int, tuple[CompiledEmail, ...]]:
    """Every variant of the shipped issues, by number."""
    return {n: Compiler(settings).compile(issue, registry) for n, issue in shipped.items()}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the shipped project, without its state."""
    return copied_project(tmp_path / "project")


@pytest.fixture
def cli() -> CliRunner:
    """Runs commands inside this process."""
    return CliRunner()


NEWSLETTER = [sys.executable, "-m", "newsletter_mailer"]
