"""What the preview tells its page: every mail, every finding, and where each is."""

import json
import shutil
from email import message_from_bytes, policy
from email.message import EmailMessage
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from newsletter_mailer.errors import SettingsError
from newsletter_mailer.previewing.readers import SAMPLES
from newsletter_mailer.previewing.state import State
from newsletter_mailer.settings import load_settings
from tests.link_server import LinkServer, page, reply
from tests.office import Office, part_of
from tests.previews import Preview, with_preview
from tests.projects import HEAD, article, write_issue

WRAPPER = "https://eur01.safelinks.protection.outlook.com/?url=https%3A%2F%2Fexample.org%2F"
TRAINING = "issues/06-autumn-2018/articles/training.md"


def filled(cut: dict[str, Any], values: dict[str, str]) -> str:
    """A text with its fields filled, as the page's script does it."""
    rest = zip(cut["fields"], cut["literals"][1:], strict=True)
    return str(cut["literals"][0]) + "".join(values.get(name, "") + text for name, text in rest)


def test_every_agency_s_mail_is_the_one_that_is_sent(project: Path) -> None:
    """Downloads hold what the agency gets, filled in for the reader who was chosen."""

    async def work(preview: Preview) -> None:
        facts = await preview.json("facts.json")
        assert len(facts["agencies"]) == 33
        for agency in ("gp", "police", "primary-schools"):
            name = next(each["name"] for each in facts["agencies"] if each["id"] == agency)
            raw = (await preview.get(f"files/{agency}.eml?reader=usual")).content
            mail = message_from_bytes(raw, policy=policy.default)
            assert isinstance(mail, EmailMessage)
            html = (await preview.get(f"files/{agency}.html")).text
            text = (await preview.get(f"files/{agency}.txt")).text
            assert f"For {name}:" in unescape(html)
            assert "Dear Asha," in html
            assert "Dear Asha," in text
            assert part_of(mail, "plain").split() == text.split()
            assert part_of(mail, "html").count("<table") == html.count("<table")
            assert "data:image/png;base64," in html
            assert mail["To"] == "Asha Patel <asha.patel@example.org>"
            assert (await preview.json(f"message/{agency}.json"))["raw"].encode() == raw

    with_preview(project, work)


def test_readers_with_awkward_names_break_nothing(project: Path) -> None:
    """Each made-up reader's name is in the mail as it is written, and never as markup."""

    async def work(preview: Preview) -> None:
        facts = await preview.json("facts.json")
        version = await preview.json("version/gp.json")
        assert [reader["key"] for reader in facts["readers"]] == [each.key for each in SAMPLES]
        for reader in facts["readers"]:
            html = filled(version["html"], reader["html"])
            assert "<b>Robin</b>" not in html
            assert unescape(reader["html"]["greeting"]) == reader["text"]["greeting"]
            assert reader["html"]["greeting"] in html
            served = (await preview.get(f"files/gp.txt?reader={reader['key']}")).text
            assert reader["text"]["greeting"] in served

    with_preview(project, work)


def test_subscribers_can_be_chosen_as_readers(project: Path) -> None:
    """Those who were imported for an agency are offered; without a database none is made."""

    async def nobody(preview: Preview) -> None:
        assert (await preview.json("readers.json?agency=gp"))["readers"] == []

    async def somebody(preview: Preview) -> None:
        (reader,) = (await preview.json("readers.json?agency=gp"))["readers"]
        assert reader["label"] == "Orla Field"
        text = (await preview.get(f"files/gp.txt?reader={reader['key']}")).text
        assert "Dear Orla," in text
        assert "orla@example.org" in text

    with_preview(project, nobody)
    assert not (project / "var" / "newsletter.db").exists()
    people = project / "people.csv"
    people.write_text("email,name,agency\norla@example.org,Orla Field,gp\n", encoding="utf-8")
    Office(project).ok("subscribers", "import", str(people))
    with_preview(project, somebody)


def test_findings_name_their_file_and_line_and_where_they_are_in_the_mail(project: Path) -> None:
    """What `check` finds is there, by article, with words by which the page finds the place."""
    training = project / TRAINING
    lines = training.read_text(encoding="utf-8").splitlines()
    lines += ["", f"Call [the office]({WRAPPER}one) here.", ""]
    lines += ["::: only gp", f"Write to [us]({WRAPPER}two).", ":::"]
    training.write_text("\n".join(lines) + "\n", encoding="utf-8")

    async def work(preview: Preview) -> list[dict[str, Any]]:
        await preview.looked_over()
        found: list[dict[str, Any]] = (await preview.json("facts.json"))["findings"]
        return found

    findings = with_preview(project, work)
    expected = Office(project).run("check", "6", "--offline", "--json").data["findings"]
    plain = [{key: finding[key] for key in expected[0]} for finding in findings]
    assert plain == expected
    one, two = (finding for finding in findings if "safelinks" in finding["found"])
    assert (one["file"], one["line"]) == (TRAINING, len(lines) - 4)
    assert (one["article"], one["url"]) == ("training", f"{WRAPPER}one")
    assert one["readers"] is None
    assert two["readers"] == ["gp"]
    assert two["words"] == "Write to"


def test_the_table_says_who_gets_what(project: Path) -> None:
    """Articles and actions by agency, and in what each version differs from the default."""
    texts = {
        "all": article("For everybody.\n\n::: actions\n- [gp] Ring us\n:::\n", "All"),
        "some": article("For schools.", "Some", "for: schools"),
        "mixed": article("Words.\n\n::: only police\nMore.\n:::\n", "Mixed", "first_for: gp"),
    }
    write_issue(project / "issues", texts, head=HEAD + "articles: [all, some, mixed]\n")

    async def work(preview: Preview) -> Any:  # noqa: ANN401 - JSON
        return await preview.json("facts.json")

    facts = with_preview(project, work, "7")
    agencies = [agency["id"] for agency in facts["agencies"]]
    rows = {
        row["title"]: dict(zip(agencies, row["cells"], strict=True)) for row in facts["coverage"]
    }
    assert set(rows["All"].values()) == {"whole"}
    assert [id_ for id_, cell in rows["Ring us"].items() if cell == "whole"] == ["gp"]
    assert rows["Some"]["primary-schools"] == "whole"
    assert rows["Some"]["police"] == "none"
    assert (rows["Mixed"]["gp"], rows["Mixed"]["police"]) == ("first", "whole")
    assert rows["Mixed"]["primary-schools"] == "part"
    versions = {agency: v for v in facts["versions"] for agency in v["agencies"]}
    assert versions[facts["default"]]["differences"] == []
    kinds = {id_: [d["kind"] for d in versions[id_]["differences"]] for id_ in agencies}
    assert kinds["gp"] == ["first", "actions"]
    assert kinds["police"] == ["other"]
    assert kinds["primary-schools"] == ["more"]
    assert versions["gp"]["articles"] == ["mixed", "all"]


def test_links_are_looked_at_behind_the_page(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where links lead is found out after the mail is shown, with progress, each link once."""
    monkeypatch.setenv("NEWSLETTER_LINKS__CHECK", "true")
    monkeypatch.setenv("NEWSLETTER_LINKS_ALLOW", "127.0.0.1")
    with LinkServer({"127.0.0.1/good": reply(200, page("Good news"))}).running() as server:
        monkeypatch.setenv("NEWSLETTER_LINKS__PORTS", json.dumps([80, 443, server.port]))
        base = f"http://127.0.0.1:{server.port}"
        body = f"See [the good page]({base}/good) and [the lost page]({base}/lost)."
        issue = write_issue(project / "issues", {"news": article(body)})

        async def work(preview: Preview) -> None:
            counted: set[int] = set()

            def done(state: State) -> bool:
                counted.add(state.links_all)
                return any(finding.rule == "broken-link" for finding in state.findings)

            state = await preview.until(done)
            assert counted >= {0, 2}
            (broken,) = (each for each in state.findings if each.rule == "broken-link")
            assert "/lost" in broken.found
            asked = len(server.requests)
            news = issue / "articles" / "news.md"
            news.write_text(news.read_text(encoding="utf-8") + "\nMore.\n", encoding="utf-8")
            await preview.until(lambda s: s.edition and s.edition.number > 1 and not s.checking)
            assert len(server.requests) == asked
            await preview.post("links")
            await preview.until(lambda s: s.links_all == 1)
            await preview.until(lambda s: s.links_all == 0 and not s.checking)
            assert server.asked("127.0.0.1/lost") > ["GET"]

        with_preview(project, work, "7")


def test_a_test_is_marked_and_goes_to_the_outbox(project: Path) -> None:
    """One letter to oneself, as the agency gets it; an error in the issue stops it."""

    async def work(preview: Preview) -> None:
        await preview.looked_over()
        said = await preview.post("test", address="me@example.org", agency="police")
        assert said["said"].endswith("the test for me@example.org is in var/outbox/test/.")
        (letter,) = (project / "var" / "outbox" / "test").glob("*.eml")
        mail = message_from_bytes(letter.read_bytes(), policy=policy.default)
        assert mail["Subject"].startswith("[TEST] ")
        wrong = await preview.post("test", 400, address="nobody", agency="police")
        assert "nobody" in wrong["error"]
        await preview.post("test", 404, address="me@example.org", agency="nowhere")
        training = project / TRAINING
        text = training.read_text(encoding="utf-8")
        training.write_text(f"{text}\nHer date of birth is 12/03/2011.\n", encoding="utf-8")
        await preview.until(lambda s: any(f.severity == "error" for f in s.findings))
        refused = await preview.post("test", 400, address="me@example.org", agency="police")
        assert refused["findings"]
        assert len(list((project / "var" / "outbox" / "test").glob("*.eml"))) == 1

    with_preview(project, work)


def test_long_sentences_are_hints_and_no_findings(project: Path) -> None:
    """A sentence of more than 25 words is named with its place; nothing is wrong for it."""
    long = "This " + "and that " * 14 + "ends."
    issue = write_issue(project / "issues", {"news": article(f"Short.\n\n{long} Dr. Who came.")})

    async def work(preview: Preview) -> Any:  # noqa: ANN401 - JSON
        await preview.looked_over()
        return await preview.json("facts.json")

    facts = with_preview(project, work, "7")
    (hint,) = facts["hints"]
    assert hint["found"].startswith("a sentence of 30 words")
    assert (hint["file"], hint["line"]) == (f"issues/{issue.name}/articles/news.md", 6)
    assert not any("sentence" in finding["found"] for finding in facts["findings"])


def test_a_folder_for_a_colleague(project: Path) -> None:
    """An export holds the page and every version; it takes the place of nothing else."""
    office = Office(project)
    target = project / "handed-on"
    answer = office.ok("preview", "6", "--export", str(target), "--json").data
    assert answer["versions"] == 22
    facts = (target / "facts.js").read_text(encoding="utf-8").removeprefix("var previewFacts = ")
    told = json.loads(facts.rstrip().removesuffix(";"))
    assert told["live"] is False
    assert str(project) not in facts
    for version in told["versions"]:
        name = version["name"]
        taken = (target / "version" / f"{name}.js").read_text(encoding="utf-8")
        assert taken.startswith(f'previewTake("version/{name}", ')
        assert (target / "files" / f"06-autumn-2018-{name}.eml").is_file()
        assert (target / "web" / f"{name}.js").is_file()
    page_ = (target / "index.html").read_text(encoding="utf-8")
    assert all((target / src).is_file() for src in ("mail.js", "preview.js", "preview.css"))
    assert 'src="facts.js"' in page_
    (project / "mine").mkdir()
    (project / "mine" / "letter.txt").write_text("precious", encoding="utf-8")
    refused = office.run("preview", "6", "--export", str(project / "mine"))
    assert refused.code == 2
    assert (project / "mine" / "letter.txt").read_text(encoding="utf-8") == "precious"
    (project / TRAINING).write_text("no front matter", encoding="utf-8")
    broken = office.run("preview", "6", "--export", str(target))
    assert broken.code == 1
    assert f"{TRAINING}:1" in broken.err


def test_the_command_explains_what_it_cannot_do(project: Path) -> None:
    """No such issue, no issue at all, a port that is taken, a project without the page's files."""
    office = Office(project)
    assert "There is no issue '9'" in office.run("preview", "9").err
    taken = office.run("preview", "--host", "192.0.2.1", "--port", "8999")
    assert taken.code == 2
    assert "cannot listen at 192.0.2.1, port 8999" in taken.err
    shutil.rmtree(project / "templates" / "preview")
    missing = office.run("preview", "6", "--no-open")
    assert missing.code == 1
    assert "templates/preview/index.html" in missing.err
    shutil.rmtree(project / "issues")
    (project / "issues").mkdir()
    assert "no issue" in office.run("preview").err


@pytest.mark.parametrize(
    ("link", "fine"),
    [
        ("vscode://file{path}:{line}", True),
        ("idea://open?file={path}&line={line}", True),
        ("", True),
        ("javascript:alert({path})", False),
        ("vscode://file", False),
        ('x-editor:{path}"onclick', False),
    ],
)
def test_the_editor_s_link_can_be_set(project: Path, link: str, fine: bool) -> None:
    """A link with the path in it, or none; never a script."""
    toml = project / "newsletter.toml"
    text = toml.read_text(encoding="utf-8")
    toml.write_text(f"{text}\n[preview]\neditor = {json.dumps(link)}\n", encoding="utf-8")
    if fine:
        assert load_settings(project).preview.editor == link
    else:
        with pytest.raises(SettingsError, match=r"preview\.editor"):
            load_settings(project)
