"""npm's packages to measure beside: mjml and juice in a process that stays, and others."""

import json
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from benchmarks.report import ROOT

VERSIONS = {"mjml": "5.4.1", "juice": "11.1.1"}
"""The packages, at the versions the figures in README.md were measured with."""

LINKINATOR = {"linkinator": "7.6.1"}
"""The same for the benchmark of links."""

NODEMAILER = {"nodemailer": "10.6.0"}
"""The same for the benchmark of sending."""

REACT_EMAIL = {
    "react-email": "6.11.6",
    "@react-email/ui": "6.11.6",
    "react": "19.2.0",
    "react-dom": "19.2.0",
}
MAIZZLE = {"@maizzle/framework": "5.5.0"}
"""The same for the benchmark of previews: the newest that start on Node 20."""

_FOLDER = ROOT / "var" / "bench-node"
_LINKINATOR_FOLDER = ROOT / "var" / "bench-linkinator"
_NODEMAILER_FOLDER = ROOT / "var" / "bench-nodemailer"
_REACT_EMAIL_FOLDER = ROOT / "var" / "bench-react-email"
_MAIZZLE_FOLDER = ROOT / "var" / "bench-maizzle"
"""Folders of their own: npm takes away what one call did not ask for."""
_SCRIPT = Path(__file__).parent / "node" / "mjml_rounds.mjs"
_LINKINATOR_SCRIPT = Path(__file__).parent / "node" / "linkinator_once.mjs"
_PATIENCE = 600
"""Seconds for npm."""


class NodeError(Exception):
    """Node's tools cannot be measured here; the message says why."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of some documents: the time taken, what mjml found wrong, and the HTML's size."""

    seconds: float
    errors: tuple[str, ...]
    bytes: int


@dataclass(frozen=True, slots=True)
class NodeTools:
    """The process. It has mjml and juice loaded, so that their start is not counted."""

    requests: IO[str]
    answers: IO[str]

    def compile(self, documents: Sequence[str], *, css: str | None = None) -> Answer:
        """Compile MJML with mjml; where there is CSS, inline it with juice.

        Raises:
            NodeError: mjml or juice failed.
        """
        request = {"documents": documents} | ({} if css is None else {"css": css})
        try:
            self.requests.write(json.dumps(request) + "\n")
            self.requests.flush()
        except BrokenPipeError as error:
            raise NodeError("the node process ended; it says why above") from error
        answer = json.loads(self.answers.readline() or '{"failure": "node ended"}')
        if "failure" in answer:
            raise NodeError(f"mjml or juice failed: {answer['failure']}")
        return Answer(answer["seconds"], tuple(answer["errors"]), answer["bytes"])


@contextmanager
def node_tools() -> Iterator[NodeTools]:
    """Install what is missing, and start the process.

    Raises:
        NodeError: node or npm is not there, or the packages cannot be installed.
    """
    node = _node_with(VERSIONS, _FOLDER)
    with subprocess.Popen(
        [node, _SCRIPT, _FOLDER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        encoding="utf-8",
    ) as process:
        if process.stdin is None or process.stdout is None:
            raise NodeError("node has no pipes")
        yield NodeTools(process.stdin, process.stdout)


def linkinator_command(page: str, *limits: int) -> list[str]:
    """The command that checks a page's links once, and prints the time and the good links.

    `limits` are the most requests at a time: in all, and to one host.

    Raises:
        NodeError: node or npm is not there, or the package cannot be installed.
    """
    node = _node_with(LINKINATOR, _LINKINATOR_FOLDER)
    return [node, str(_LINKINATOR_SCRIPT), str(_LINKINATOR_FOLDER), page, *map(str, limits)]


def nodemailer_command(mails: str, port: str, connections: str) -> list[str]:
    """The command that sends the mails in a file once, and prints how long it took.

    Raises:
        NodeError: node or npm is not there, or the package cannot be installed.
    """
    node = _node_with(NODEMAILER, _NODEMAILER_FOLDER)
    script = Path(__file__).parent / "node" / "nodemailer_once.mjs"
    return [node, str(script), str(_NODEMAILER_FOLDER), mails, port, connections]


def react_email_command(port: int) -> tuple[list[str], Path]:
    """The command that previews the templates in `emails/`, and the folder to run it below.

    Raises:
        NodeError: node or npm is not there, or the packages cannot be installed.
    """
    node = _node_with(REACT_EMAIL, _REACT_EMAIL_FOLDER)
    program = _REACT_EMAIL_FOLDER / "node_modules" / "react-email" / "dist" / "cli" / "index.mjs"
    return [node, str(program), "dev", "--port", str(port)], _REACT_EMAIL_FOLDER


def maizzle_command() -> tuple[list[str], Path]:
    """The command that previews as `config.js` beside it says, and the folder to run it below.

    Raises:
        NodeError: node or npm is not there, or the package cannot be installed.
    """
    node = _node_with(MAIZZLE, _MAIZZLE_FOLDER)
    program = _MAIZZLE_FOLDER / "node_modules" / "@maizzle" / "framework" / "bin" / "maizzle"
    return [node, str(program), "serve"], _MAIZZLE_FOLDER


def _node_with(versions: Mapping[str, str], folder: Path) -> str:
    """Where node is, once the folder has these packages."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        raise NodeError("node or npm is not installed")
    if any(_installed(name, folder) != version for name, version in versions.items()):
        _install(npm, versions, folder)
    return node


def _installed(name: str, folder: Path) -> str | None:
    try:
        package = (folder / "node_modules" / name / "package.json").read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    version: str = json.loads(package)["version"]
    return version


def _install(npm: str, versions: Mapping[str, str], folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    command = [npm, "install", "--no-save", "--no-package-lock", "--no-audit", "--no-fund"]
    command += ["--loglevel=error", "--prefix", str(folder)]
    command += [f"{name}@{version}" for name, version in versions.items()]
    try:
        subprocess.run(command, check=True, capture_output=True, text=True, timeout=_PATIENCE)
    except subprocess.CalledProcessError as error:
        lines = error.stderr.strip().splitlines() or [f"exit code {error.returncode}"]
        raise NodeError(f"npm install failed: {lines[0]}") from error
    except subprocess.TimeoutExpired as error:
        raise NodeError(f"npm install took more than {_PATIENCE} seconds") from error
