"""The commands as their users run them: results, help, exit codes and messages."""

import hashlib
import json
from pathlib import Path

import pytest

from tests.office import Office

EVERY_COMMAND = [
    "new",
    "schema",
    "check",
    "build",
    "clients",
    "subscribers",
    "subscribers import",
    "subscribers list",
    "subscribers count",
    "subscribers export",
    "subscribers unsubscribe",
    "send",
    "status",
    "pause",
    "resume",
    "cancel",
    "in-doubt",
    "certificate",
    "report",
    "bounces",
    "doctor",
    "links",
    "links watch",
    "import",
    "blocks",
    "preview",
    "serve",
    "inbound",
    "tidy",
    "worker",
    "migrate",
    "adopt",
    "subscribers show",
    "subscribers add",
    "subscribers move",
    "subscribers suppress",
    "subscribers erase",
    "subscribers mismatches",
    "subscribers dedupe",
    "subscribers reconfirm",
]


@pytest.fixture
def office(project: Path) -> Office:
    """An office with a copy of the shipped project."""
    return Office(project)


def tree(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, with its bytes."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.mark.parametrize("command", EVERY_COMMAND)
def test_every_command_has_help(office: Office, command: str) -> None:
    """`--help` of each command says in a sentence what it does."""
    result = office.ok(*command.split(), "--help")
    assert "Usage:" in result.out
    about = result.out.split("Usage:")[1].split("\n\n")[1]
    assert len(about.strip()) > 20


def test_check_says_that_the_shipped_issues_are_fine(office: Office) -> None:
    """Issues 1 and 6 have no findings; by number, padded number and folder name alike."""
    for name in ("6", "06", "06-autumn-2018", "1"):
        result = office.ok("check", name)
        assert "no findings" in result.out
    data = office.ok("check", "6", "--json").data
    assert data["findings"] == []
    assert (data["variants"], data["agencies"]) == (22, 33)


def test_check_lists_mistakes_with_their_place(office: Office) -> None:
    """Findings are printed with file and line, exit code 1; as JSON the same facts."""
    articles = office.folder / "issues" / "06-autumn-2018" / "articles"
    welcome = articles / "welcome.md"
    text = welcome.read_text(encoding="utf-8")
    welcome.write_text(text + "\n{{frist_name}}\n", encoding="utf-8")
    line = len(text.split("\n")) + 1
    (articles / "training.md").write_text("---\ntitle: T\n---\n\n::: only gpp\nx\n:::\n")
    result = office.run("check", "6")
    assert result.code == 1
    assert f"issues/06-autumn-2018/articles/welcome.md:{line}" in result.err
    assert "{{first_name}}" in result.err
    assert "Did you mean gp?" in result.err
    data = office.run("check", "6", "--json").data
    assert {f["rule"] for f in data["findings"]} >= {"unknown-merge-field", "unknown-agency"}


@pytest.mark.parametrize("number", ["1", "6"])
def test_build_twice_gives_identical_bytes(office: Office, number: str) -> None:
    """Two builds are equal file by file, and the manifest's sums are right."""
    office.ok("build", number, "--out", "a")
    office.ok("build", number, "--out", "b")
    office.ok("build", number, "--out", "b")
    first, second = tree(office.folder / "a"), tree(office.folder / "b")
    assert first == second
    manifest = json.loads(first["manifest.json"])
    named: dict[str, dict[str, object]] = dict(manifest["files"])
    for variant in manifest["variants"].values():
        assert variant["agencies"]
        named |= variant["files"]
    assert set(named) == set(first) - {"manifest.json"}
    for name, facts in named.items():
        assert facts == {
            "bytes": len(first[name]),
            "sha256": hashlib.sha256(first[name]).hexdigest(),
        }
    htmls = [name for name in first if name.endswith(".html") and "/" not in name]
    assert {f"web/{name}" for name in htmls} <= set(first)
    assert len(htmls) == len(manifest["variants"])
    assert {name.replace(".html", ".txt") for name in htmls} <= set(first)


def test_build_does_not_overwrite_what_is_no_build(office: Office) -> None:
    """A folder that holds other things is left alone: exit code 2."""
    result = office.run("build", "6", "--out", "issues")
    assert result.code == 2
    assert "holds other things than a build" in result.err
    assert (office.folder / "issues" / "06-autumn-2018" / "issue.yaml").exists()


def test_a_build_that_fails_leaves_the_earlier_one(office: Office) -> None:
    """With mistakes in the issue nothing is written, and the last build stays whole."""
    office.ok("build", "6", "--out", "out")
    before = tree(office.folder / "out")
    issue = office.folder / "issues" / "06-autumn-2018" / "issue.yaml"
    issue.write_text("number: 6\n\tdate: x\n", encoding="utf-8")
    result = office.run("build", "6", "--out", "out")
    assert result.code == 1
    assert "issue.yaml:2" in result.err
    assert "tab" in result.err
    assert tree(office.folder / "out") == before
    assert {path.name for path in office.folder.iterdir()} >= {"out"}
    assert not list(office.folder.glob(".out*"))


def test_new_starts_an_issue_that_is_fine(office: Office) -> None:
    """What `new` writes passes `check` and builds; a taken number is refused."""
    made = office.ok("new", "7", "--json").data
    assert made["issue"].startswith("07-")
    assert "no findings" in office.ok("check", "7").out
    office.ok("build", "7", "--out", "out")
    again = office.run("new", "7")
    assert again.code == 2
    assert "there already" in again.err


def test_schema_writes_json_schemas(office: Office) -> None:
    """Three schemas are written, and each names the keys that are needed."""
    office.ok("schema", "--out", "schemas")
    schemas = {
        path.name: json.loads(path.read_text(encoding="utf-8"))
        for path in (office.folder / "schemas").iterdir()
    }
    assert set(schemas) == {"issue.schema.json", "article.schema.json", "agencies.schema.json"}
    assert {"number", "title", "date", "subject"} <= set(schemas["issue.schema.json"]["required"])
    assert set(schemas["article.schema.json"]["properties"]) == {
        "title",
        "summary",
        "for",
        "first_for",
        "read_button",
    }


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["check", "99"], 2, "no issue '99'"),
        (["check", "../.."], 1, "issue.yaml"),
        (["status", "99"], 2, "No campaign '99'"),
        (["subscribers", "import", "gone.csv"], 1, "gone.csv"),
        (["subscribers", "list", "--agency", "gpp"], 2, "no agency 'gpp'"),
        (["subscribers", "unsubscribe", "nobody@example.org"], 2, "Nobody is subscribed"),
        (["frobnicate"], 2, "No such command"),
        (["build", "6"], 2, "--out"),
        (["build", "6", "--out", "newsletter.toml/x"], 2, "cannot be written"),
    ],
)
def test_wrong_usage_is_said_in_a_sentence(
    office: Office, words: list[str], code: int, says: str
) -> None:
    """Each mistake of usage gives its exit code and a message that names it."""
    result = office.run(*words)
    assert result.code == code
    assert says in result.err


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (
            'transport = "outbox"',
            'transport = "pigeon"',
            "newsletter.toml:6: transport is 'pigeon'",
        ),
        ("[office]", "[ofice]", "ofice is not a setting"),
        ('"Europe/London"', '"Europe/Lundon"', "not a known time zone"),
        ('address = "lcity', 'adress = "lcity', "sender.address is missing"),
        ("batch_size = 1000", "batch_size = 0", "send.batch_size is 0"),
        ("[send]", "[send]\npassword = 'x'", "found a secret, password"),
        ("[greeting]", "[greeting", "not valid TOML"),
    ],
)
def test_mistakes_in_the_settings_are_named(office: Office, old: str, new: str, says: str) -> None:
    """A wrong, unknown, missing or secret setting is named: exit code 2."""
    path = office.folder / "newsletter.toml"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    result = office.run("check", "6")
    assert result.code == 2
    assert says in result.err


def test_the_environment_stands_over_the_file(office: Office) -> None:
    """A variable overrides the file; a wrong one is named too."""
    office.ok("build", "6", "--out", "a", NEWSLETTER_BASE_URL="https://news.example.com")
    assert b"https://news.example.com/archive/" in (office.folder / "a" / "ccg.html").read_bytes()
    wrong = office.run("check", "6", NEWSLETTER_TRANSPORT="pigeon")
    assert wrong.code == 2
    assert "NEWSLETTER_TRANSPORT" in wrong.err


def test_commands_work_from_a_folder_inside_the_project(office: Office) -> None:
    """The project is found from below it, and not from elsewhere."""
    inside = Office(office.folder / "issues" / "06-autumn-2018")
    assert "no findings" in inside.ok("check", "6").out
    outside = Office(office.folder.parent)
    result = outside.run("check", "6")
    assert result.code == 2
    assert "newsletter.toml" in result.err
    assert "no findings" in outside.ok("--project", str(office.folder), "check", "6").out


def test_subscribers_are_listed_counted_and_exported(office: Office) -> None:
    """List, count and export agree, and the export imports again without a change."""
    office.run("subscribers", "import", "subscribers/sample.csv")
    listed = office.ok("subscribers", "list", "--json").data
    counted = office.ok("subscribers", "count", "--json").data
    assert len(listed) == sum(counted.values()) == 130
    gps = office.ok("subscribers", "list", "--agency", "gp").out.splitlines()
    assert len(gps) == counted["gp"]
    office.ok("subscribers", "export", "out.csv")
    again = office.ok("subscribers", "import", "out.csv", "--json").data
    assert (again["unchanged"], again["added"], again["updated"]) == (130, 0, 0)


def test_a_dry_import_changes_nothing(office: Office) -> None:
    """`--dry-run` says what would change, and changes nothing."""
    dry = office.run("subscribers", "import", "subscribers/sample.csv", "--dry-run", "--json").data
    assert dry["added"] == 130
    assert office.ok("subscribers", "list", "--json").data == []


def test_progress_is_plain_lines_where_no_terminal_is(office: Office) -> None:
    """Redirected output holds no control sequences, and says how far the sending is."""
    office.subscribe(300)
    result = office.ok("send", "6", "--yes")
    assert "\x1b" not in result.out + result.err
    assert "of 300" in result.err
    assert "300 recipients: 300 sent" in result.out


def test_the_documented_commands_exist() -> None:
    """Every `newsletter …` in the README and the docs names a command that there is."""
    root = Path(__file__).parent.parent
    words = {command.split()[0] for command in EVERY_COMMAND}
    for path in [root / "README.md", *sorted((root / "docs").glob("*.md"))]:
        for line in path.read_text(encoding="utf-8").split("\n"):
            stripped = line.strip().removeprefix("$(NEWSLETTER) ")
            if stripped.startswith("newsletter "):
                assert stripped.split()[1] in words, line
