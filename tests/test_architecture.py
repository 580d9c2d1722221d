"""The rules of docs/architecture.md hold in the code."""

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "newsletter_mailer"

BASE = {"findings", "errors", "mailbox", "settings", "signing_key", "theme", "whole"}
STAGES = [
    *("store", "reading", "compiling", "checking", "drafting", "audience", "sending", "tracking"),
    *("reporting", "doctor", "previewing", "archive", "web", "cli"),
]

_PROJECT = tomllib.loads((PACKAGE.parent / "pyproject.toml").read_text(encoding="utf-8"))["project"]

ROOMS = {
    "mjml": {"compiling"},
    "premailer": {"compiling"},
    "jinja2": {"compiling", "checking", "drafting", "sending", "reporting", "web"},
    "fastapi": {"previewing", "web"},
    "uvicorn": {"cli", "previewing"},
    "tinycss2": {"compiling"},
    "icalendar": {"compiling"},
    "markdown_it": {"reading", "drafting"},
    "mammoth": {"drafting"},
    "yaml": {"reading"},
    "PIL": {"reading"},
    "aiohttp": {"checking"},
    "alembic": {"store"},
    "typer": {"cli"},
    "rich": {"cli"},
    "itsdangerous": {"sending", "tracking", "web"},
    "sendgrid": {"sending"},
    "dns": {"doctor"},
    "watchfiles": {"previewing"},
    "procrastinate": {"sending"},
    "psycopg": {"sending"},
    "prometheus_client": {"sending"},
}


def imports(path: Path) -> set[str]:
    """The modules that a file imports, by their full names."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return found


FILES = sorted(PACKAGE.rglob("*.py"))


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.relative_to(PACKAGE).as_posix())
def test_imports_point_one_way(path: Path) -> None:
    """A stage imports from itself, from stages before it, and from the modules beside them."""
    room = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    if room in {"__init__", "__main__"}:
        return
    allowed = BASE if room in BASE else BASE | set(STAGES[: STAGES.index(room) + 1])
    ours = {name.split(".")[1] for name in imports(path) if name.startswith("newsletter_mailer.")}
    assert ours <= allowed


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.relative_to(PACKAGE).as_posix())
def test_other_peoples_packages_stay_in_their_room(path: Path) -> None:
    """MJML and premailer are used by compiling only, Jinja where pages are made, and so on."""
    room = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    for name in imports(path):
        top = name.split(".")[0]
        assert room in ROOMS.get(top, {room}), f"{path.name} imports {name}"


def test_one_module_knows_the_queue() -> None:
    """Procrastinate stands behind one adapter, and could be replaced there."""
    users = [path for path in FILES if any("procrastinate" in name for name in imports(path))]
    assert [path.name for path in users] == ["queue.py"]


def test_every_package_that_is_imported_is_declared() -> None:
    """What the program imports is installed with it, and not only by chance."""
    declared = {
        re.split(r"[<>=\[ ]", line)[0].lower().replace("_", "-")
        for line in _PROJECT["dependencies"]
    }
    imported = {name.split(".")[0] for path in FILES for name in imports(path)}
    theirs = imported - set(sys.stdlib_module_names) - {"newsletter_mailer"}
    owners = packages_distributions()
    for name in theirs:
        assert {owner.lower().replace("_", "-") for owner in owners[name]} & declared, name
