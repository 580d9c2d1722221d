"""`newsletter import` of documents that are damaged or meant to do harm."""

import io
import json
import time
import zipfile
from contextlib import suppress
from pathlib import Path

import docx
import pytest
from docx.shared import Inches
from hypothesis import HealthCheck, given
from hypothesis import settings as trying
from hypothesis import strategies as st
from PIL import Image

from newsletter_mailer.drafting.draft import Draft
from newsletter_mailer.drafting.importing import read_draft
from newsletter_mailer.errors import DraftError
from newsletter_mailer.reading.agencies import Registry
from newsletter_mailer.reading.issue import read_issue
from tests.drafts import add_link
from tests.office import Office, Result

ENTITIES = b"""<?xml version="1.0"?><!DOCTYPE w [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">
<!ENTITY x SYSTEM "file:///etc/passwd"><!ENTITY y SYSTEM "http://127.0.0.1:9/x.dtd">]>
<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body><w:p>
<w:r><w:t>&b;&x;</w:t></w:r></w:p></w:body></w:document>"""


@pytest.fixture
def office(project: Path) -> Office:
    """The shipped project, with issues 1 and 6."""
    return Office(project)


def small_word(path: Path) -> bytes:
    """A sound document of a heading and a paragraph."""
    document = docx.Document()
    document.add_heading("News", 1)
    document.add_paragraph("We ring every school before nine.")
    document.save(str(path))
    return path.read_bytes()


def with_part(data: bytes, name: str, part: bytes) -> bytes:
    """A document with one part more, or another in its place."""
    out = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(data)) as old,
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for entry in old.namelist():
            if entry != name:
                new.writestr(entry, old.read(entry))
        new.writestr(name, part)
    return out.getvalue()


def body(xml: str) -> bytes:
    """A document's main part."""
    return (
        '<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main">'
        f"<w:body>{xml}</w:body></w:document>"
    ).encode()


def refused(office: Office, name: str, data: bytes) -> Result:
    """The import of a file, which must end with a message and change nothing."""
    (office.folder / name).write_bytes(data)
    before = sorted((office.folder / "issues").rglob("*"))
    ran = office.run("import", name)
    assert ran.code in (1, 2)
    assert name in ran.err
    assert ran.out == ""
    assert sorted((office.folder / "issues").rglob("*")) == before
    return ran


@pytest.mark.parametrize(
    ("made", "says"),
    {
        "not a zip": (lambda _: b"hello", "no Word document"),
        "empty": (lambda _: b"", "no Word document"),
        "an old Word": (lambda _: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "password"),
        "cut short": (lambda data: data[: len(data) // 2], "damaged"),
        "another zip": (lambda _: with_part(_zip(), "a.txt", b"x"), "without a Word document"),
        "a zip bomb": (
            lambda data: with_part(data, "word/document.xml", body(" " * 60_000_000)),
            "unpacks to",
        ),
        "entities": (lambda data: with_part(data, "word/document.xml", ENTITIES), "entities"),
        "a remote DTD": (
            lambda data: with_part(
                data,
                "word/styles.xml",
                b'<!DOCTYPE x SYSTEM "http://127.0.0.1:9/x.dtd"><x/>',
            ),
            "entities",
        ),
        "no XML": (lambda data: with_part(data, "word/document.xml", b"<w:document>"), "sound XML"),
        "deep": (
            lambda data: with_part(
                data, "word/document.xml", body("<w:sdt>" * 5_000 + "</w:sdt>" * 5_000)
            ),
            "nested too deep",
        ),
        "no words": (lambda data: with_part(data, "word/document.xml", body("")), "holds no words"),
        "odd numbers": (
            lambda data: with_part(
                data,
                "word/document.xml",
                body('<w:tbl><w:tr><w:tc><w:tcPr><w:gridSpan w:val="x"/></w:tcPr></w:tc></w:tr>'
                     "</w:tbl>"),
            ),
            "",
        ),
    }.values(),
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_a_word_document_that_is_none_gives_a_message(
    office: Office, made: object, says: str
) -> None:
    """Whatever lies under the name of a .docx, one message says what to do, and nothing is made."""
    assert callable(made)
    data = made(small_word(office.folder / "sound.docx"))
    assert says in refused(office, "bad.docx", data).err


def _zip() -> bytes:
    out = io.BytesIO()
    zipfile.ZipFile(out, "w").close()
    return out.getvalue()


@pytest.mark.parametrize("name", ["a.doc", "a.pdf", "a.docm", "a.rtf", "a", "a.txt"])
def test_other_files_are_named(office: Office, name: str) -> None:
    """A file of another kind is refused with the kinds that are read."""
    assert ".docx, .html or .md" in refused(office, name, b"x").err


def test_a_page_that_is_nested_too_deep_gives_a_message(office: Office) -> None:
    """Ten thousand elements in each other are refused, and no half of a page is taken."""
    refused(office, "deep.html", b"<div>" * 10_000 + b"words")
    refused(office, "zip.html", b"PK\x03\x04rest")
    refused(office, "none.md", b"\n\n")


def test_a_hostile_page_gives_its_words_and_nothing_else(office: Office) -> None:
    """Scripts, hidden words, dangerous links and pictures of elsewhere stay out, and are named."""
    (office.folder / "secret.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    page = """<!DOCTYPE html SYSTEM "http://127.0.0.1:9/x.dtd"><html><head><title>T</title>
<script src="http://127.0.0.1:9/a.js"></script><style>p{}</style></head><body>
<h1>News</h1><p onclick="x()">Good words. <a href="java&#10;script:alert(1)">press</a>
<a href="#below">below</a> <a href="https://example.org/x">page</a></p>
<p style="display:none">hidden words</p><script>alert(1)</script>
<iframe src="//127.0.0.1"></iframe><img src="http://127.0.0.1:9/p.png" alt="far">
<img src="../secret.png"><img src="file:///etc/passwd"><img src="data:image/png;base64,AAAA">
<img width="1" height="1" src="t.gif"><svg><text>s</text></svg>
<table><tr><td colspan="99999999">a</td><td rowspan="99999999">b</td></tr></table>"""
    folder = office.folder / "drafts"
    folder.mkdir()
    (folder / "a.html").write_text(page, encoding="utf-8")
    report = office.ok("import", "drafts/a.html", "--json").data
    text = (office.folder / report["folder"] / "articles" / "news.md").read_text(encoding="utf-8")
    assert "Good words. press below [page](https://example.org/x)" in text
    for sign in ("script", "alert", "hidden", "iframe", "127.0.0.1", "::: figure"):
        assert sign not in text
    said = json.dumps(report["notes"])
    for words in ("javascript", "a script left out", "hidden words", "nothing was fetched",
                  "no file beside the draft", "no picture that mail programs show",
                  "a picture of one pixel", "another place in the draft"):  # fmt: skip
        assert words in said, words
    assert not list((office.folder / report["folder"] / "images").iterdir())


def test_what_a_word_document_holds_besides_its_text_is_reported(
    office: Office, registry: Registry
) -> None:
    """Tracked changes are accepted, comments, macros and page heads left out: each has a line.

    Footnotes stand in brackets, text boxes in the text; pictures of other kinds are named.
    """
    document = docx.Document()
    document.sections[0].header.paragraphs[0].text = "Draft two"
    document.add_heading("News", 1)
    paragraph = document.add_paragraph("We ring ")
    add_link(paragraph, "the desk", "https://example.org/desk")
    paragraph = document.add_paragraph("A paragraph with a remark.")
    document.add_comment(runs=paragraph.runs, text="Is this right?", author="A", initials="A")
    table = document.add_table(1, 1)
    table.cell(0, 0).text = "Ring before nine."
    document.add_paragraph("Said well", style="Quote")
    document.add_paragraph("— A school", style="Quote")
    picture = io.BytesIO()
    Image.new("RGB", (40, 30), "orange").save(picture, "PNG")
    picture.seek(0)
    document.add_picture(picture, width=Inches(1))
    tiff = io.BytesIO()
    Image.new("RGB", (40, 30), "green").save(tiff, "TIFF")
    tiff.seek(0)
    document.add_picture(tiff)
    path = office.folder / "a.docx"
    document.save(str(path))
    data = path.read_bytes()
    with zipfile.ZipFile(path) as package:
        main = package.read("word/document.xml").decode()
    changed = main.replace(
        "<w:sectPr",
        '<w:p><w:ins w:id="1" w:author="A"><w:r><w:t>New words.</w:t></w:r></w:ins>'
        '<w:del w:id="2" w:author="A"><w:r><w:delText>Old words.</w:delText></w:r></w:del>'
        '<w:r><w:pict><v:shape xmlns:v="urn:schemas-microsoft-com:vml"><v:textbox><w:txbxContent>'
        "<w:p><w:r><w:t>Boxed words.</w:t></w:r></w:p></w:txbxContent></v:textbox></v:shape>"
        "</w:pict></w:r></w:p><w:sectPr",
        1,
    )
    data = with_part(data, "word/document.xml", changed.encode())
    path.write_bytes(with_part(data, "word/vbaProject.bin", b"x"))
    report = office.ok("import", "a.docx", "--json").data
    said = json.dumps(report["notes"])
    for words in ("2 tracked changes, taken as accepted", "a comment, left out", "macros, left out",
                  "a text box, put into the text", "at the top or the foot of every page",
                  "which is TIFF"):  # fmt: skip
        assert words in said, words
    folder = office.folder / report["folder"]
    text = (folder / "articles" / "news.md").read_text(encoding="utf-8")
    assert "We ring [the desk](https://example.org/desk)" in text
    assert "::: callout\nRing before nine.\n:::" in text
    assert "::: quote\nSaid well\n\n-- A school\n:::" in text
    assert "New words." in text
    assert "Boxed words." in text
    assert "Old words" not in text
    assert "Is this right?" not in text
    assert "::: figure\n![](images/picture-1.png)\n:::" in text
    assert {finding["rule"] for finding in report["findings"]} == {"bad-value", "no-alt"}
    (folder / "articles" / "news.md").write_text(text.replace("![]", "![An orange field]"))
    yaml = (folder / "issue.yaml").read_text(encoding="utf-8")
    (folder / "issue.yaml").write_text(yaml.replace("date:", "date: 2030-01-31"))
    assert read_issue(folder, registry)[1] == []


def test_nothing_is_overwritten_without_being_asked(office: Office) -> None:
    """Into an issue that is there: files in the way are named; else the list only gets longer."""
    (office.folder / "a.md").write_text("# Training\n\nNew dates.\n\n# Fresh news\n\nWords.\n")
    yaml = office.folder / "issues" / "06-autumn-2018" / "issue.yaml"
    training = yaml.parent / "articles" / "training.md"
    before = {path: path.read_bytes() for path in yaml.parent.rglob("*.*")}
    ran = office.run("import", "a.md", "--issue", "6")
    assert (ran.code, "articles/training.md" in ran.err) == (2, True)
    assert "--overwrite" in ran.err
    assert {path: path.read_bytes() for path in yaml.parent.rglob("*.*")} == before
    yaml.write_bytes(yaml.read_bytes().replace(b"articles:", b"articles:  # the order"))
    was = yaml.read_text(encoding="utf-8")
    done = office.ok("import", "a.md", "--issue", "6", "--overwrite", "--json").data
    assert done["written"] == ["articles/fresh-news.md", "articles/training.md", "issue.yaml"]
    assert yaml.read_text(encoding="utf-8") == was.rstrip("\n") + "\n  - fresh-news\n"
    assert "New dates." in training.read_text(encoding="utf-8")
    again = office.ok("import", "a.md", "--issue", "6", "--json").data
    assert again["written"] == []


def test_a_markdown_draft_keeps_blocks_and_pictures(office: Office) -> None:
    """`:::` blocks stay as they are, pictures beside the draft come along."""
    Image.new("RGB", (40, 30), "orange").save(office.folder / "My Stall.png")
    (office.folder / "a.md").write_text(
        "---\ntitle: Training dates\nsummary: Two of them.\n---\n\nHello {{first_name}}.[^1]\n\n"
        "::: facts At a glance\n- **2** dates\n:::\n\n![A stall](<My Stall.png>)\n\n"
        "#### Deep\n\nWords <b>bold</b>.\n\n[^1]: Ring us.\n",
        encoding="utf-8",
    )
    report = office.ok("import", "a.md", "--json").data
    folder = office.folder / report["folder"]
    assert report["articles"] == ["training-dates"]
    assert (folder / "images" / "my-stall.png").is_file()
    text = (folder / "articles" / "training-dates.md").read_text(encoding="utf-8")
    assert text.endswith(
        "---\n\nHello {{first_name}}. (Ring us.)\n\n"
        "::: facts At a glance\n- **2** dates\n:::\n\n"
        "::: figure\n![A stall](images/my-stall.png)\n:::\n\n## Deep\n\nWords **bold**.\n"
    )
    assert "title: Training dates\nsummary: Two of them.\n" in text
    assert [finding["rule"] for finding in report["findings"]] == ["bad-value"]


def test_wrapped_links_are_kept_and_their_mend_is_named(office: Office) -> None:
    """A link that a filter wrapped stays and is reported with its target; `--fix` is named."""
    url = ("https://eur01.safelinks.protection.outlook.com/"
           "?url=https%3A%2F%2Fexample.org%2Freport&data=x")  # fmt: skip
    (office.folder / "a.html").write_text(f'<h1>News</h1><p>See <a href="{url}">the report</a>.')
    said = office.ok("import", "a.html").out
    text = next((office.folder / "issues").glob("07-*/articles/news.md")).read_text()
    assert f"[the report]({url})" in text
    assert "news.md:9  warning  link-wrapped" in said
    assert "Write https://example.org/report." in said
    assert "newsletter check 7 --fix" in said


@given(
    st.binary(max_size=400) | st.text(max_size=400).map(str.encode), st.sampled_from(["html", "md"])
)
@trying(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_bytes_are_read_or_refused(tmp_path: Path, data: bytes, kind: str) -> None:
    """No text, however broken, ends in anything but a draft or the error of a draft."""
    path = tmp_path / f"a.{kind}"
    path.write_bytes(data)
    with suppress(DraftError):
        assert isinstance(read_draft(path), Draft)


def test_fifty_pages_take_a_few_seconds(office: Office) -> None:
    """A Word document of fifty pages, some 25,000 words, is imported within a few seconds."""
    document = docx.Document()
    for article in range(25):
        document.add_heading(f"Article {article}", 1)
        for number in range(12):
            document.add_paragraph(f"Sentence {number} of the (first) article says [more]. " * 9)
            document.add_paragraph("An item", style="List Bullet")
        table = document.add_table(5, 3)
        for at, cell in enumerate(cell for row in table.rows for cell in row.cells):
            cell.text = f"Cell {at} * x"
    document.save(str(office.folder / "long.docx"))
    began = time.process_time()
    office.ok("import", "long.docx")
    assert time.process_time() - began < 10
