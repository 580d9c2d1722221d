"""From what came back to a verdict that an editor can trust, with what to do about it."""

import re
from dataclasses import dataclass

from yarl import URL

from newsletter_mailer.checking.links.answer import Answer, Failure, Trail, Trouble
from newsletter_mailer.checking.links.guard import Ground
from newsletter_mailer.checking.links.page import Page
from newsletter_mailer.checking.links.verdict import Verdict

_PERMANENT = frozenset({301, 308})

_LOGIN = re.compile(
    r"log[-_]?[io]n|sign[-_]?in|sso|adfs|saml2?|oauth2?|auth|authori[sz]e"
    r"|authenticat(?:e|ion)|wp-login"
)
_LOGIN_HOSTS = ("microsoftonline.com", "okta.com", "auth0.com", "accounts.google.com")
_HOME = re.compile(
    r"/?(?:[a-z]{2}(?:[-_][a-z]{2})?/?)?(?:(?:index|default|home|homepage|main)(?:\.\w{2,5})?)?/?",
    re.IGNORECASE,
)
_SHORT_CODE = re.compile(r"/[A-Za-z0-9_]{1,12}/?")
_PERSONAL = re.compile(r"jsessionid|phpsessid|sessionid|[?&](?:sid|token|ticket)=", re.IGNORECASE)
_DEAD_SCHEMES = ("a file:", "a ftp:", "a javascript:", "a data:", "a about:", "a blob:")
_SALES = ("hugedomains.com", "sedo.com", "dan.com", "afternic.com", "parkingcrew.net", "bodis.com")

_ASK = "Open it in a browser; if it works, accept it by hand."
_MEND = "Correct the link, or take it out."
_LATER = "Check again later; if it stays so, take the link out."

_HELD_BACK = {
    401: "asks for a name and a password",
    403: "will not show it to a program",
    407: "asks for a name and a password",
    429: "says that it is asked too often, after waiting too",
    451: "withholds it for legal reasons",
    999: "will not answer programs",
}


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict, why, what to do, and a URL that may safely take the link's place."""

    verdict: Verdict
    reason: str
    suggestion: str = ""
    replacement: str | None = None


def judge(link: str, trail: Trail) -> Judgement:
    """What to think of a link, by the last answer and by the way there."""
    if isinstance(trail.end, Failure):
        return _of_failure(trail, trail.end)
    answer = trail.end
    status = answer.status
    if trail.chain and _is_login(URL(trail.url, encoded=True)) and not _is_login_link(link):
        return Judgement(
            Verdict.LOGIN, "Sends readers to a sign-in page.", "Say so beside the link."
        )
    if answer.challenge:
        return Judgement(Verdict.UNKNOWN, "The server asks visitors to prove themselves.", _ASK)
    if status in {401, 407}:
        reason = f"The server {_HELD_BACK[status]} (status {status})."
        return Judgement(Verdict.LOGIN, reason, "Say beside the link that readers must sign in.")
    if status in {404, 410}:
        gone = "has been taken away" if status == 410 else "is not there"  # noqa: PLR2004
        return Judgement(Verdict.BROKEN, f"The page {gone} (status {status}).", _MEND)
    if 500 <= status < 600:  # noqa: PLR2004 - RFC 9110, 15.6
        return _of_server_error(answer)
    if status in {204, 205}:
        return Judgement(Verdict.SUSPECT, f"Answers without any page (status {status}).", _ASK)
    if not 200 <= status < 300:  # noqa: PLR2004 - RFC 9110, 15.3
        words = _HELD_BACK.get(status, "gives an answer that tells nothing")
        return Judgement(Verdict.UNKNOWN, f"The server {words} (status {status}).", _ASK)
    return _of_good_answer(link, trail, answer)


def _of_good_answer(link: str, trail: Trail, answer: Answer) -> Judgement:
    if (answer.page is not None and answer.page.parked) or (trail.chain and _is_sale(trail.url)):
        return Judgement(
            Verdict.SUSPECT, "The domain is parked: its owner has given the site up.", _MEND
        )
    if trail.chain and _lost_its_page(link, trail.url):
        return Judgement(
            Verdict.SUSPECT,
            f"Sends readers to a home page, {trail.url}, in place of the page.",
            "Find where the page is now, and link to that.",
        )
    if not trail.chain:
        return Judgement(Verdict.OK, f"Answers (status {answer.status}).")
    return _moved(link, trail, answer)


def _moved(link: str, trail: Trail, answer: Answer) -> Judgement:
    final = with_fragment_of(link, trail.url)
    statuses = ", ".join(str(hop.status) for hop in trail.chain)
    secure = _upgrade_on_the_way(link, trail) if answer.status == 200 else None  # noqa: PLR2004
    if all(hop.status in _PERMANENT for hop in trail.chain):
        safe = answer.status == 200 and not _PERSONAL.search(final)  # noqa: PLR2004
        return Judgement(
            Verdict.MOVED,
            f"Moved permanently to {final} (status {statuses}).",
            f"Link to {final}.",
            final if safe else None,
        )
    if secure is not None:
        use = f"It answers by https too: link to {secure}."
    else:
        use = "Leave the link as it is, if that is where readers should arrive."
    return Judgement(
        Verdict.TEMPORARY, f"Sent on for now to {final} (status {statuses}).", use, secure
    )


def _of_server_error(answer: Answer) -> Judgement:
    if answer.wait is not None:
        reason = f"The server is closed for now (status {answer.status})."
        return Judgement(Verdict.UNKNOWN, reason, "Check again later.")
    reason = f"The server fails, again and again (status {answer.status})."
    return Judgement(Verdict.BROKEN, reason, _LATER)


def _of_failure(trail: Trail, failure: Failure) -> Judgement:
    host = _host(trail.url)
    on_the_way = f", by way of a redirect to {trail.url}" if trail.chain else ""
    broken = {
        Trouble.NAME: (f"There is no host {host}{on_the_way}.", _MEND),
        Trouble.NAME_SERVER: (f"The name servers of {host} do not answer{on_the_way}.", _LATER),
        Trouble.REFUSED: (f"{host} takes no connections{on_the_way}.", _MEND),
        Trouble.UNREACHABLE: (f"{host} cannot be reached{on_the_way}.", _LATER),
        Trouble.CONNECT_TIMEOUT: (f"{host} cannot be reached in time{on_the_way}.", _LATER),
        Trouble.TIMEOUT: (f"{host} gave no whole answer in time{on_the_way}.", _LATER),
        Trouble.DROPPED: (f"{host} hangs up without an answer{on_the_way}.", _LATER),
        Trouble.MALFORMED: (f"{host} answers what no browser understands{on_the_way}.", _LATER),
        Trouble.REDIRECT: (f"{trail.url} sends readers on without saying where.", _MEND),
    }
    match failure.trouble:
        case Trouble.GUARD:
            return _of_refusal(trail, failure)
        case Trouble.TLS:
            return Judgement(
                Verdict.TLS,
                f"{host} is not safe to read: {failure.words}{on_the_way}.",
                "Browsers warn readers off. Tell the site's owner, or link to another page.",
            )
        case Trouble.LOOP | Trouble.REDIRECTS:
            circle = failure.trouble is Trouble.LOOP
            reason = "Sends readers round in a circle" if circle else "Sends readers on and on"
            if failure.may_need_cookies:
                reason = f"{reason}, unless they take its cookies."
                return Judgement(Verdict.UNKNOWN, reason, _ASK)
            return Judgement(Verdict.BROKEN, f"{reason}.", _MEND)
        case _:
            return Judgement(Verdict.BROKEN, *broken[failure.trouble])


def _of_refusal(trail: Trail, failure: Failure) -> Judgement:
    """What the guard would not let through. Readers outside do not reach private addresses."""
    on_the_way = f" by way of a redirect ({trail.url})" if trail.chain else ""
    reason = f"The link {failure.words}{on_the_way}."
    match failure.ground:
        case Ground.PORT:
            return Judgement(
                Verdict.UNKNOWN,
                reason,
                f"{_ASK} Or add the port to links.ports in the settings.",
            )
        case Ground.CREDENTIALS:
            return Judgement(Verdict.SUSPECT, reason, "Take what stands before the @ out.")
        case Ground.SCHEME if not any(f" {one}" in f" {failure.words} " for one in _DEAD_SCHEMES):
            return Judgement(Verdict.UNKNOWN, reason, _ASK)
        case Ground.SCHEME:
            return Judgement(Verdict.BROKEN, f"{reason} Browsers do not open it.", _MEND)
        case Ground.PRIVATE:
            return Judgement(
                Verdict.BROKEN, f"{reason} Nobody outside your network can open it.", _MEND
            )
        case _:
            return Judgement(Verdict.BROKEN, reason, _MEND)


def gone_softly(page: Page) -> Judgement:
    """The judgement on a page that says it is not there, with a status that says it is."""
    return Judgement(
        Verdict.SUSPECT,
        f"The page says that there is nothing: “{page.gone or page.title}”, "
        "as for any address made up on that site.",
        "Open it in a browser; find where the page is now.",
    )


def lacks_place(fragment: str) -> Judgement:
    """The judgement on a link to a place that its page does not have."""
    return Judgement(
        Verdict.SUSPECT,
        f"The page is there, but no place in it is called #{fragment}.",
        f"Correct #{fragment}, or leave it out; readers arrive at the top of the page.",
    )


def answers_securely(secure: str) -> Judgement:
    """The judgement on a good http link whose page is there by https too."""
    return Judgement(
        Verdict.OK,
        "Answers (status 200), by https too.",
        f"Link to {secure}, which nobody on the way can read or change.",
        secure,
    )


def is_deep(url: str) -> bool:
    """Whether a URL leads past a site's home page."""
    parsed = URL(url, encoded=True)
    return not _HOME.fullmatch(parsed.raw_path) or bool(parsed.raw_query_string)


def with_fragment_of(link: str, target: str) -> str:
    """The target at the link's place: browsers carry a fragment along (RFC 9110, 10.2.2)."""
    fragment = link.partition("#")[2]
    return f"{target}#{fragment}" if fragment and "#" not in target else target


def secure_form(url: str) -> str | None:
    """The https form of an http URL at the usual port; None for all others."""
    scheme, _, rest = url.partition("://")
    authority = re.split(r"[/?#\\]", rest, maxsplit=1)[0]
    if scheme.lower() != "http" or ":" in authority.removesuffix(":80"):
        return None
    return f"https://{authority.removesuffix(':80')}{rest[len(authority) :]}"


def _upgrade_on_the_way(link: str, trail: Trail) -> str | None:
    """The https form of the link, where the redirects passed through it."""
    secure = secure_form(link)
    if secure is None:
        return None
    stops = {hop.url for hop in trail.chain} | {trail.url.partition("#")[0]}
    plain = secure.partition("#")[0]
    return secure if stops & {plain, f"{plain}/"} else None


def _lost_its_page(link: str, final: str) -> bool:
    """Whether a link past the home page ends at one. Short links may lead to any page."""
    if not is_deep(link) or is_deep(final):
        return False
    start, end = URL(link, encoded=True), URL(final, encoded=True)
    same_site = _site(start) == _site(end)
    return same_site or not _SHORT_CODE.fullmatch(start.raw_path)


def _site(url: URL) -> str:
    return (url.raw_host or "").lower().removeprefix("www.")


def _host(url: str) -> str:
    """The host to name in a sentence; empty where the URL has none that can be read."""
    try:
        return URL(url, encoded=True).host or ""
    except ValueError:
        return ""


def _is_login(url: URL) -> bool:
    host = (url.raw_host or "").lower()
    if any(host == one or host.endswith(f".{one}") for one in _LOGIN_HOSTS):
        return True
    labels = host.split(".")[:-1]
    steps = [part.partition(".")[0] for part in url.raw_path.lower().split("/")]
    return any(_LOGIN.fullmatch(word) for word in (*labels, *steps))


def _is_login_link(link: str) -> bool:
    """Whether the editor meant the sign-in page itself."""
    return _is_login(URL(link, encoded=True))


def _is_sale(url: str) -> bool:
    host = (URL(url, encoded=True).raw_host or "").lower()
    return any(host == one or host.endswith(f".{one}") for one in _SALES)
