"""The plain-text part of a mail, around the text of its articles."""

from newsletter_mailer.compiling.article_text import ArticleText, TextWriter
from newsletter_mailer.compiling.merge import READ, Segments, marked
from newsletter_mailer.compiling.tailoring import Tailored
from newsletter_mailer.compiling.wording import issue_date, reading_minutes
from newsletter_mailer.compiling.wrapping import WIDTH, wrapped
from newsletter_mailer.reading.document import Article, Issue
from newsletter_mailer.settings import Settings


def mail_text(
    issue: Issue,
    tailored: Tailored,
    texts: dict[str, ArticleText],
    web_url: str,
    settings: Settings,
) -> Segments:
    """The whole text of a mail. `texts` holds each article's text by its id."""
    head, office = issue.head, settings.office
    minutes = reading_minutes(sum(text.words for text in texts.values()))
    lines = [
        head.title,
        office.name,
        f"Issue {head.number} · {issue_date(head)} · {minutes} minute read",
        "",
        f"View in your browser: {web_url}",
        "",
        marked("greeting"),
    ]
    writer = TextWriter(lambda _event, _date: "")
    if tailored.actions:
        count = len(tailored.actions)
        counted = "one action" if count == 1 else f"{count} actions"
        lines += ["", *_rule(f"For {marked('agency_name')}: {counted}")]
        for number, action in enumerate(tailored.actions, start=1):
            lines += wrapped(writer.inline(action.content), f"{number}. ")
            following = tailored.actions[number : number + 1]
            if not following or following[0].article_id != action.article_id:
                lines += [*wrapped(f"(From: {writer.inline(action.article_title)})", "   "), ""]
        lines.pop()
        lines += [f"[{number}] {url}" for number, url in enumerate(writer.links, start=1)]
    if tailored.opening:
        lines += ["", "", texts[tailored.opening.id].text, *_read_button(tailored.opening)]
    lines += ["", "", *_rule("In this issue")]
    for number, article in enumerate(tailored.articles, start=1):
        minutes = reading_minutes(texts[article.id].words)
        lines += wrapped(f"{writer.inline(article.title)} ({minutes} min)", f"{number}. ")
        if article.summary:
            lines += wrapped(writer.inline(article.summary), " " * len(f"{number}. "))
    for article in tailored.articles:
        lines += ["", "", texts[article.id].text, *_read_button(article)]
    lines += [
        "",
        "",
        "=" * WIDTH,
        office.name,
        *office.address,
        f"Phone {office.phone}",
        office.email,
        office.website,
        "",
        f"You get this because you signed up with {marked('email')},",
        f"under “{marked('agency_name')}”.",
        "",
        f"Change your preferences: {marked('preferences_url')}",
        f"Unsubscribe: {marked('unsubscribe_url')}",
        "",
    ]
    return Segments.of_marked("\n".join(line.rstrip() for line in lines))


def _read_button(article: Article) -> list[str]:
    """What stands for the button; not in the article's own text, which is for searching too."""
    if not article.read_button:
        return []
    about = "It is up to you. We count how many people at each agency say so, and show"
    return [
        "",
        f"I have read this: {marked(READ + article.id)}",
        f"({about}",
        "nobody's name.)",
    ]


def _rule(title: str) -> list[str]:
    return [*wrapped(title), "-" * min(WIDTH, len(title))]
