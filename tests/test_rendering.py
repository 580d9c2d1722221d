"""What variants and issues share while they are rendered, and what they do not."""

from pathlib import Path

from newsletter_mailer.compiling.compiler import Compiler
from newsletter_mailer.reading.agencies import Registry
from newsletter_mailer.reading.issue import read_issue
from newsletter_mailer.settings import Settings
from tests.projects import article, read, small_registry


def test_a_second_issue_knows_nothing_of_the_first(
    settings: Settings, registry: Registry, tmp_path: Path
) -> None:
    """A compiler that has compiled others makes the same mails as a new one."""
    used = Compiler(settings)
    shipped = [read_issue(folder, registry)[0] for folder in sorted(settings.issues.glob("0*"))]
    invented = [
        read(tmp_path / words, {"news": article(f"{words}, in [a link](https://{words}.example/)")})
        for words in ("one", "two")
    ]
    for issue in [*shipped, *(issue for issue, _ in invented), *shipped]:
        fresh = Compiler(settings)
        assert used.compile(issue, registry) == fresh.compile(issue, registry)
        assert used.web_pages(issue, registry) == fresh.web_pages(issue, registry)


def test_words_before_the_first_element_of_a_template_are_kept(
    settings: Settings, project: Path
) -> None:
    """A template may begin with bare words; white space before its first element is nothing."""
    template = project / "templates" / "email" / "article-head.html"
    template.write_text(f" \nHear & see: {template.read_text(encoding='utf-8')}", encoding="utf-8")
    template = project / "templates" / "email" / "contents-entry.html"
    template.write_text(f" \n{template.read_text(encoding='utf-8')}", encoding="utf-8")
    issue, _ = read(project / "issues", {"news": article("Words.")})
    compiler = Compiler(settings.model_copy(update={"root": project}))
    html = str(compiler.compile(issue, small_registry())[0].html)
    assert "Hear &amp; see: <h2" in html
    assert '<ol class="toc"' in html
    assert html.index("<li", html.index('<ol class="toc"')) == html.index(
        ">", html.index('<ol class="toc"')
    ) + len(">")
