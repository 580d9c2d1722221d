"""Classes: what each load is taken for, by which rule, and how often that is wrong."""

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter_mailer.tracking.agents import Class, known_agents
from newsletter_mailer.tracking.classing import Classed, Load, classify
from tests.confusion import labelled, matrix

DOCS = Path(__file__).parent.parent / "docs" / "tracking.md"

BROWSER = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/121.0.0.0 Safari/537.36"
)


def test_the_confusion_matrix_is_the_one_in_the_docs() -> None:
    """Over 60 labelled loads the rules are right and wrong as often as docs/tracking.md states."""
    loads = labelled()
    print(matrix(loads))  # noqa: T201 - the claim itself
    assert len(loads) >= 60
    assert len({each.what for each in loads}) == len(loads)
    docs = DOCS.read_text(encoding="utf-8")
    assert matrix(loads) in docs
    assert known_agents().dated in docs
    missed = [each.what for each in loads if each.truth is not each.found.class_]
    for what in missed:
        assert what in docs, "the limits name each load that is classed wrongly"


def test_scanners_are_rarely_taken_for_people() -> None:
    """Of the labelled scanners nine in ten are not counted as human-likely."""
    machines = Counter(e.found.class_ for e in labelled() if e.truth is Class.MACHINE)
    assert machines[Class.HUMAN] <= machines.total() / 10


@pytest.mark.parametrize(
    ("load", "classed"),
    [
        (Load(BROWSER, flagged=True), Classed(Class.PROXIED, "provider flag")),
        (Load(BROWSER, head=True), Classed(Class.MACHINE, "HEAD")),
        (Load(BROWSER, prefetch=True), Classed(Class.MACHINE, "prefetch")),
        (Load(BROWSER, links=3), Classed(Class.MACHINE, "burst")),
        (Load("curl/8"), Classed(Class.MACHINE, "agent: a tool")),
        (Load(BROWSER, "64.235.150.9"), Classed(Class.MACHINE, "network: Barracuda")),
        (Load("GoogleImageProxy", seconds=1), Classed(Class.PROXIED, "agent: Gmail proxy")),
        (Load(BROWSER, "17.1.2.3", 1), Classed(Class.PROXIED, "network: Apple proxy")),
        (Load(BROWSER, seconds=9.9), Classed(Class.MACHINE, "too soon")),
        (Load("", seconds=9.9), Classed(Class.MACHINE, "too soon")),
        (Load(BROWSER, seconds=10), Classed(Class.HUMAN, "agent: a browser")),
        (Load("  ", seconds=10), Classed(Class.UNKNOWN, "no agent")),
        (Load("?", "not an address", 10), Classed(Class.UNKNOWN, "strange agent")),
    ],
)
def test_each_rule_decides_in_its_turn(load: Load, classed: Classed) -> None:
    """Every rule of docs/tracking.md, by the load that it decides."""
    assert classify(load, known_agents()) == classed


@given(
    st.builds(
        Load,
        agent=st.text(max_size=600),
        address=st.text(max_size=50) | st.ip_addresses().map(str),
        seconds=st.none() | st.floats(allow_nan=False),
        links=st.integers(0, 100),
        head=st.booleans(),
        prefetch=st.booleans(),
        flagged=st.booleans(),
    )
)
def test_any_load_gets_a_class_and_a_rule(load: Load) -> None:
    """Whatever somebody sends, there is a class and a rule, and the rule repeats nothing of it."""
    found = classify(load, known_agents())
    assert found.class_ in Class
    agents = known_agents()
    names = {known.name for _, known in agents.agents} | {net[3].name for net in agents.networks}
    assert found.rule.partition(": ")[2] in {"", *names}
