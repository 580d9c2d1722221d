"""The registry of agencies: what it holds, and each mistake in it."""

from pathlib import Path

import pytest

from newsletter_mailer.errors import RegistryError
from newsletter_mailer.findings import Finding, Place
from newsletter_mailer.reading.agencies import Agency, Registry, read_registry
from tests.projects import AGENCIES, registry_of, small_registry


def test_registry_is_read_in_the_order_of_its_file() -> None:
    """Agencies keep the file's order, and know their sector, name and domains."""
    registry = small_registry()
    assert [agency.id for agency in registry.agencies] == [
        *("gp", "ccg", "primary-schools", "secondary-schools", "early-years", "police", "other"),
    ]
    assert registry.agencies[0] == Agency("gp", "GP practices", "health", "Health", ("nhs.net",))
    assert registry.default.id == "other"
    assert registry.agency("ccg").name == "Commissioners"
    assert registry.agency("closed-since") == registry.default


def test_words_name_agencies_sectors_and_groups() -> None:
    """An agency's, a sector's and a group's id and `everyone` each name their agencies."""
    registry = small_registry()
    findings: list[Finding] = []
    expanded = {
        word: registry.expand([word], Place("a"), findings)
        for word in ("gp", "health", "schools", "everyone")
    }
    assert findings == []
    assert expanded == {
        "gp": {"gp"},
        "health": {"gp", "ccg"},
        "schools": {"primary-schools", "secondary-schools"},
        "everyone": {agency.id for agency in registry.agencies},
    }
    assert registry.expand(["gp", "schools", "gp"], Place("a"), findings) == {
        *("gp", "primary-schools", "secondary-schools"),
    }


@pytest.mark.parametrize(
    ("word", "mend"),
    {
        "polise": "Did you mean police?",
        "GP": "Did you mean gp?",
        "Primary schools": "Did you mean primary-schools?",
        "early_years": "Did you mean early-years?",
        "astronauts": "Check its spelling, or add it there.",
    }.items(),
)
def test_unknown_agency_is_named_with_the_nearest(word: str, mend: str) -> None:
    """An unknown word gives a finding with the nearest id; the known words beside it count."""
    findings: list[Finding] = []
    place = Place("a.md", 3)
    assert small_registry().expand([word, "gp"], place, findings) == {"gp"}
    (finding,) = findings
    assert (finding.place, finding.rule, finding.mend) == (place, "unknown-agency", mend)
    assert finding.found == f"the agency {word!r}"


def test_shipped_registry_holds_no_mistake(registry: Registry) -> None:
    """The shipped registry is read; its groups and sectors name agencies that exist."""
    assert len(registry.agencies) == 33
    assert registry.default.id == "other"
    ids = frozenset(registry.by_id)
    assert all(members and members <= ids for members in registry.members.values())


def changed(old: str, new: str) -> str:
    """The small registry's text with a change."""
    assert AGENCIES.count(old) == 1
    return AGENCIES.replace(old, new)


MISTAKES: dict[str, tuple[str, int, str, str, str]] = {
    "unknown default": (
        changed("default: other", "default: others"),
        1,
        "unknown-agency",
        "'others'",
        "Did you mean other?",
    ),
    "no default": (changed("default: other\n", ""), 1, "missing-key", "no default", "Add the line"),
    "id twice": (
        changed("{id: ccg,", "{id: gp,"),
        7,
        "repeated-id",
        "the id gp a second time",
        "Rename one",
    ),
    "group like a sector": (
        changed("id: schools", "id: health"),
        20,
        "repeated-id",
        "health a second time",
        "Rename one",
    ),
    "everyone": (
        changed("{id: ccg,", "{id: everyone,"),
        7,
        "repeated-id",
        "kept for all",
        "Choose another",
    ),
    "id in capitals": (
        changed("{id: ccg,", "{id: CCG,"),
        7,
        "bad-value",
        "'CCG' as sectors.agencies.id",
        "early-years",
    ),
    "no name": (
        changed(", name: Commissioners", ""),
        7,
        "missing-key",
        "no sectors.agencies.name",
        "`name: …`",
    ),
    "unknown key": (
        changed("domains: [nhs.net]", "domain: [nhs.net]"),
        6,
        "unknown-key",
        "sectors.agencies.domain",
        "Did you mean domains?",
    ),
    "unknown key of a sector": (
        changed("name: Education", "name: Education\n    nmae: a"),
        10,
        "unknown-key",
        "sectors.nmae",
        "Did you mean name?",
    ),
    "domain with an @": (
        changed("[nhs.net]", '["@nhs.net"]'),
        6,
        "bad-value",
        "'@nhs.net' as sectors.agencies.domains",
        "after the @",
    ),
    "domain alone": (changed("[nhs.net]", "nhs.net"), 6, "bad-value", "'nhs.net'", "- item"),
    "unknown agency in a group": (
        changed(
            "[primary-schools, secondary-schools]",
            "\n      - primary-schools\n      - secondary-school",
        ),
        24,
        "unknown-agency",
        "'secondary-school'",
        "Did you mean secondary-schools?",
    ),
    "sector in a group": (
        changed("[primary-schools, secondary-schools]", "[health]"),
        22,
        "unknown-agency",
        "'health'",
        "Check its spelling",
    ),
    "empty group": (
        changed("[primary-schools, secondary-schools]", "[]"),
        22,
        "bad-value",
        "groups.agencies",
        "Name one",
    ),
    "no sector": ("default: other\nsectors: []", 2, "bad-value", "sectors", "Name one"),
    "sector as a word": (
        "default: other\nsectors: [health]",
        2,
        "bad-value",
        "'health' as sectors",
        "indented",
    ),
    "tab": ("default: other\nsectors:\n\t- a", 3, "yaml", "a tab", "two spaces"),
    "nothing": ("", 1, "not-keys", "no `key: value` lines", "a colon"),
    "a list": ("- gp", 1, "not-keys", "no `key: value` lines", "a colon"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistake_in_the_registry_is_reported_once(tmp_path: Path, name: str) -> None:
    """A mistake in agencies.yaml gives one error, with its line and what to do."""
    text, line, rule, found, mend = MISTAKES[name]
    with pytest.raises(RegistryError) as raised:
        registry_of(tmp_path, text)
    (finding,) = raised.value.findings
    assert str(finding.place) == f"subscribers/agencies.yaml:{line}"
    assert finding.rule == rule
    assert found in finding.found
    assert mend in finding.mend
    assert finding.expected
    assert finding.mend


def test_mistakes_in_the_registry_are_reported_at_once(tmp_path: Path) -> None:
    """Several mistakes give as many findings, in the order of the lines."""
    text = changed("{id: ccg,", "{id: gp,").replace("id: schools", "id: health")
    with pytest.raises(RegistryError) as raised:
        registry_of(tmp_path, text.replace("default: other", "default: nobody"))
    assert [finding.place.line for finding in raised.value.findings] == [1, 7, 20]


def test_missing_registry(tmp_path: Path) -> None:
    """A project without agencies.yaml gives a finding that names the file."""
    with pytest.raises(RegistryError, match=r"no file agencies\.yaml"):
        read_registry(tmp_path / "agencies.yaml", "subscribers/agencies.yaml")
