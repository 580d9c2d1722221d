"""Two hosts, each with a relay of its own; one is cut off from the database and comes back."""

import json
import os
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import func, select

from newsletter_mailer.sending.campaign import find_campaign
from newsletter_mailer.store.engine import reading
from newsletter_mailer.store.tables import batch, delivery
from tests.databases import URL, Server
from tests.databases import server as postgres_server
from tests.fake_smtp import relay
from tests.mailroom import small_office
from tests.office import COMMAND, Office
from tests.projects import copied_project
from tests.torture import CONNECTIONS, environment
from tests.under_way import store

PEOPLE = 700
RATE = 100
HERE, THERE, NETWORK = "10.231.77.1", "10.231.77.2", "10.231.77.0/24"
_LONGEST = 60.0


@pytest.fixture
def namespace() -> Iterator[str]:
    """A network namespace that reaches this one over one wire, `<name>-a`; skips without one."""
    name = f"nl{os.getpid() % 100_000}"
    steps = (
        f"ip netns add {name}",
        f"ip link add {name}-a type veth peer name {name}-b netns {name}",
        f"ip address add {HERE}/24 dev {name}-a",
        f"ip link set {name}-a up",
        f"ip -n {name} address add {THERE}/24 dev {name}-b",
        f"ip -n {name} link set {name}-b up",
        f"ip -n {name} link set lo up",
    )
    try:
        for step in steps:
            subprocess.run(step.split(), check=True, capture_output=True, text=True)
    except (OSError, subprocess.CalledProcessError) as error:
        _remove(name)
        said = getattr(error, "stderr", "") or str(error)
        pytest.skip(f"no network namespace can be made here: {said.strip()}")
    yield name
    _remove(name)


@pytest.fixture
def postgres_on_the_wire(namespace: str) -> Iterator[Server]:  # noqa: ARG001 - it has the address
    """A server that also answers at the wire."""
    with postgres_server() as running:
        running.listen(HERE, NETWORK)
        yield running


def test_a_host_that_was_cut_off_and_comes_back(
    project: Path,
    namespace: str,
    postgres_on_the_wire: Server,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its work is taken over while it is away; nobody is skipped, and nobody is served twice.

    Its relay stays within its reach all the time. At most a letter a connection is in doubt.
    """
    local = postgres_on_the_wire.fresh()
    name = local.partition("?")[0].rpartition("/")[2]
    far = f"postgresql://postgres@{HERE}/{name}"
    office, other = small_office(project, 0), small_office(_second(project, tmp_path), 0)
    inside = ("ip", "netns", "exec", namespace)
    truths = [tmp_path / "near.jsonl", tmp_path / "far.jsonl"]
    with relay(truths[0]) as near_port, relay(truths[1], inside=inside) as far_port:
        monkeypatch.setenv(URL, local)
        for key, value in environment(near_port, RATE).items():
            monkeypatch.setenv(key, value)
        monkeypatch.setenv("NEWSLETTER_SEND__BATCH_SIZE", "100")
        monkeypatch.setenv("NEWSLETTER_SECRET_KEY", "the same on both hosts, and nobody's secret")
        office.subscribe(PEOPLE)
        theirs = {URL: far, "NEWSLETTER_SMTP_URL": f"smtp://127.0.0.1:{far_port}"}
        with (
            _worker(other, *inside, **theirs) as cut_off,
            _worker(office) as stayed,
        ):
            office.ok("send", "6", "--yes", "--json", "--no-wait", "--accept-unknown", "all")
            _until(lambda: _lines(truths[1]) > 50)
            subprocess.run(["ip", "link", "set", f"{namespace}-a", "down"], check=True)
            _until(lambda: not _batches_of(office, cut_off.pid))
            at_the_cut = _lines(truths[1])
            time.sleep(1)
            assert _lines(truths[1]) - at_the_cut <= 1  # it claims nothing, so it sends nothing
            subprocess.run(["ip", "link", "set", f"{namespace}-a", "up"], check=True)
            _until(lambda: _state(office) == "done")
            assert (cut_off.poll(), stayed.poll()) == (None, None)
        taken = Counter(
            json.loads(line)["recipient"]
            for truth in truths
            for line in truth.read_text(encoding="utf-8").splitlines()
        )
        with store(office) as engine, reading(engine) as connection:
            rows = connection.execute(select(delivery.c.email, delivery.c.status)).all()
            epoch = connection.scalar(select(func.max(batch.c.epoch))) or 0
    assert epoch > 1
    assert set(taken.values()) == {1}
    assert len(rows) == PEOPLE
    assert {status for _, status in rows} <= {"sent", "in_doubt"}
    assert [email for email, status in rows if status == "sent" and not taken[email]] == []
    assert sum(status == "in_doubt" for _, status in rows) <= CONNECTIONS


def _second(project: Path, folder: Path) -> Path:
    """The same project on another host, with a state folder of its own."""
    other = copied_project(folder / "other-host")
    (other / "newsletter.toml").write_bytes((project / "newsletter.toml").read_bytes())
    return other


@contextmanager
def _worker(office: Office, *inside: str, **settings: str) -> Iterator[subprocess.Popen[str]]:
    with (office.folder / "worker.log").open("w") as log:
        process = subprocess.Popen(
            [*inside, *COMMAND, "worker"],
            cwd=office.folder,
            env={**os.environ, **settings},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            text=True,
        )
        try:
            yield process
            process.terminate()
            assert process.wait(_LONGEST) == 0
        finally:
            process.kill()
            process.wait()


def _batches_of(office: Office, process: int) -> int:
    with store(office) as engine, reading(engine) as connection:
        owner = batch.c.owner.contains(f"-{process}-")
        return connection.scalar(select(func.count()).select_from(batch).where(owner)) or 0


def _state(office: Office) -> str:
    with store(office) as engine, reading(engine) as connection:
        return find_campaign(connection, "6").state


def _lines(path: Path) -> int:
    return path.read_bytes().count(b"\n") if path.exists() else 0


def _until(happened: Callable[[], bool]) -> None:
    until = time.monotonic() + _LONGEST
    while not happened():
        assert time.monotonic() < until
        time.sleep(0.05)


def _remove(name: str) -> None:
    for step in (f"ip link del {name}-a", f"ip netns del {name}"):
        subprocess.run(step.split(), check=False, capture_output=True)
