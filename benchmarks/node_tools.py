"""npm's mjml and juice, in a node process that stays while the rounds go by."""

import json
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from benchmarks.report import ROOT

VERSIONS = {"mjml": "5.4.1", "juice": "11.1.1"}
"""The packages, at the versions the figures in README.md were measured with."""

_FOLDER = ROOT / "var" / "bench-node"
_SCRIPT = Path(__file__).parent / "node" / "mjml_rounds.mjs"
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
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        raise NodeError("node or npm is not installed")
    if any(_installed(name) != version for name, version in VERSIONS.items()):
        _install(npm)
    with subprocess.Popen(
        [node, _SCRIPT, _FOLDER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        encoding="utf-8",
    ) as process:
        if process.stdin is None or process.stdout is None:
            raise NodeError("node has no pipes")
        yield NodeTools(process.stdin, process.stdout)


def _installed(name: str) -> str | None:
    try:
        package = (_FOLDER / "node_modules" / name / "package.json").read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    version: str = json.loads(package)["version"]
    return version


def _install(npm: str) -> None:
    _FOLDER.mkdir(parents=True, exist_ok=True)
    command = [npm, "install", "--no-save", "--no-package-lock", "--no-audit", "--no-fund"]
    command += ["--loglevel=error", "--prefix", str(_FOLDER)]
    command += [f"{name}@{version}" for name, version in VERSIONS.items()]
    try:
        subprocess.run(command, check=True, capture_output=True, text=True, timeout=_PATIENCE)
    except subprocess.CalledProcessError as error:
        lines = error.stderr.strip().splitlines() or [f"exit code {error.returncode}"]
        raise NodeError(f"npm install failed: {lines[0]}") from error
    except subprocess.TimeoutExpired as error:
        raise NodeError(f"npm install took more than {_PATIENCE} seconds") from error
