"""URLs that copying has damaged, wrapped or marked, and what they were before."""

import base64
import string
from urllib.parse import quote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter_mailer.checking.links.breaks import goes_on, joined, vocabulary, with_hyphens
from newsletter_mailer.checking.links.mangled import mangling
from newsletter_mailer.checking.links.slug_words import SLUG_WORDS
from newsletter_mailer.checking.links.wrappers import (
    hidden_host,
    is_shortened,
    personal_parameters,
    unwrapped,
    without_tracking,
    wrapper,
)
from newsletter_mailer.findings import Severity
from newsletter_mailer.reading.urls import likely_urls, safe_url

PAGE = "https://example.org/page"

DAMAGED = {
    # a URL as the tree holds it: the rule, and the URL that is suggested first
    f"{PAGE}.": ("link-ending", PAGE),
    f"{PAGE},": ("link-ending", PAGE),
    f"{PAGE};": ("link-ending", PAGE),
    f"{PAGE}).": ("link-ending", PAGE),
    f"{PAGE}%3E": ("link-ending", PAGE),
    f"{PAGE}?a=(b))": ("link-ending", f"{PAGE}?a=(b)"),
    f"{PAGE}%E2%80%9D": ("link-quotation-mark", PAGE),
    f"{PAGE}%e2%80%99.": ("link-ending", PAGE),
    f"{PAGE}%22": ("link-quotation-mark", PAGE),
    f"{PAGE}%22%3E": ("link-ending", PAGE),
    "https://example.org/%E2%80%9Cpage%E2%80%9D": ("link-quotation-mark", PAGE),
    "https://example.org/pa%C2%ADge": ("link-hidden-character", PAGE),
    "https://example.org/%E2%80%8Bpage": ("link-hidden-character", PAGE),
    f"{PAGE}%EF%BB%BF": ("link-hidden-character", PAGE),
    "https://example.org/pa%E2%80%8Dge": ("link-hidden-character", PAGE),
    "https://example.org/pa%0Age": ("link-broken-line", PAGE),
    f"{PAGE}%20": ("link-broken-line", PAGE),
    "https://example.org/sub%20mission": (
        "link-broken-line",
        "https://example.org/submission",
    ),
    "https://example.org/policy_%20research": (
        "link-broken-line",
        "https://example.org/policy_research",
    ),
    "https://https//example.org/page": ("link-doubled-scheme", PAGE),
    "https://http//example.org/page": ("link-doubled-scheme", "http://example.org/page"),
    "https://example.org%5Cpage": ("link-backslash", PAGE),
    "https://Example.ORG/page": ("link-host-case", PAGE),
    "https://example.org/policyresearch": (
        "link-lost-hyphen",
        "https://example.org/policy-research",
    ),
}


@pytest.mark.parametrize("url", DAMAGED)
def test_damage_is_told_and_mended(url: str) -> None:
    """Each kind of damage has its rule, and the suggestion is the URL as it was."""
    found = mangling(url, SLUG_WORDS)
    assert found
    assert (found.rule, found.urls[0]) == DAMAGED[url]
    assert mangling(found.urls[0], SLUG_WORDS) is None, "a suggestion has no damage left"


def test_a_soft_hyphen_may_have_been_a_hyphen() -> None:
    """Both readings are offered: the soft hyphen left out, and a real one in its place."""
    found = mangling("https://example.org/policy%C2%ADresearch", SLUG_WORDS)
    assert found
    assert set(found.urls) == {
        "https://example.org/policyresearch",
        "https://example.org/policy-research",
    }


@pytest.mark.parametrize(
    "url",
    [
        "https://example.org/",
        "https://example.org",
        "https://en.wikipedia.org/wiki/Chelsea_(London)",
        "https://example.org/search?q=%22exact%20words%22",
        "https://example.org/Annual%20Report%202018.pdf",
        "https://example.org/media/annual%20report.pdf",
        "https://example.org/c++",
        "https://example.org/a?b[]=1&c=[2]",
        "https://web.archive.org/web/2018/http://example.org/",
        "https://example.org/%F0%9F%91%A9%E2%80%8D%F0%9F%91%A7",
        "https://example.org/what_we_do/policy_research_unit/x.htm",
        "https://example.org/safeguarding/newsletter/childminders",
        "https://example.org/wiki/Chelsea%E2%80%99s_Choice",
        "https://example.org/?q=a%5Cb",
        "http://[2001:db8::1]/",
    ],
)
def test_unusual_but_whole_urls_pass(url: str) -> None:
    """What looks odd and is right makes no finding."""
    assert mangling(url, SLUG_WORDS) is None


_label = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,10}[a-z0-9])?", fullmatch=True)
_segment = st.from_regex(r"[A-Za-z0-9_~!$&*+=@-]{1,9}|%C3%A9[a-z0-9]{1,5}", fullmatch=True)
_urls = st.builds(
    "{}://{}.{}/{}{}{}".format,
    st.sampled_from(["http", "https"]),
    _label,
    st.sampled_from(["org", "co.uk", "gov.uk", "example"]),
    st.lists(_segment, max_size=5).map("/".join),
    st.sampled_from(["", "?a=1&b=(2)", "?q=%22x%22", "?x=a%20b"]),
    st.sampled_from(["", "#part", "#a-b_c"]),
)


@given(_urls)
def test_no_well_formed_url_is_called_mangled(url: str) -> None:
    """An editor can trust the rules: what is well formed passes."""
    assert safe_url(url) == url
    assert mangling(url, SLUG_WORDS) is None


@given(st.text(max_size=60))
def test_no_text_breaks_the_mending(text: str) -> None:
    """Whatever is in a URL, mending ends, and mending twice finds nothing more to do."""
    url = f"https://example.org/{quote(text, safe='/%?#()')}"
    found = mangling(url, SLUG_WORDS)
    if found and found.severity is Severity.ERROR:
        again = mangling(found.urls[0], SLUG_WORDS)
        assert again is None or again.severity is Severity.WARNING
    likely_urls(text)
    joined([url, text or "x"], SLUG_WORDS)


LOST = {
    "www.example.org": "https://www.example.org/",
    "example.org/path": "https://example.org/path",
    "//example.org/path": "https://example.org/path",
    "http://http://example.org/a": "http://example.org/a",
    "https://https//example.org/a": "https://example.org/a",
    "http:://example.org/a": "http://example.org/a",
    "http:/example.org/a": "http://example.org/a",
    "https//example.org/a": "https://example.org/a",
    "hxxps://example[.]org/a": "https://example.org/a",
    "https:\\\\example.org\\a": "https://example.org/a",
    "mailto://office@example.org": "mailto:office@example.org",
    "office@example.org": "mailto:office@example.org",
}


@pytest.mark.parametrize("target", LOST)
def test_targets_that_cannot_be_opened_are_guessed(target: str) -> None:
    """A missing, doubled or disguised scheme is mended, and the guess can be opened."""
    assert likely_urls(target)[0] == LOST[target]
    assert len(likely_urls(target)) <= 3


@pytest.mark.parametrize(
    "target", ["", "#", "report.pdf", "javascript:alert(1)", "/news", "https://", "a b"]
)
def test_nothing_is_guessed_from_nothing(target: str) -> None:
    """What is no address leads to no suggestion."""
    assert likely_urls(target) == ()


def test_breaks_offer_the_joined_and_the_hyphened_url() -> None:
    """Where words meet at the break the hyphen comes first, within a word the joined one."""
    words = joined(["https://example.org/policy", "research"], SLUG_WORDS)
    assert words[0] == "https://example.org/policy-research"
    assert "https://example.org/policyresearch" in words
    torn = joined(["https://example.org/pol", "icy"], SLUG_WORDS)
    assert torn == ("https://example.org/policy", "https://example.org/pol-icy")
    kept = joined(["https://example.org/policy-", "research"], SLUG_WORDS)
    assert kept == ("https://example.org/policy-research", "https://example.org/policyresearch")


@pytest.mark.parametrize(
    ("url", "after", "belongs"),
    [
        ("https://example.org/poli", "cy", True),
        ("https://example.org/a", "/b/c", True),
        ("https://example.org/a_", "b", True),
        ("https://example.org/a-", "b", True),
        ("https://example.org/conte", "nts.html", True),
        ("https://example.org/a", "?page=2", True),
        ("https://example", "example.org/a", True),
        ("https://example.org/a.", "pdf", True),
        ("https://example.org/policy", "research", False),
        ("https://example.org/a", "face-to-face", False),
        ("https://example.org", "and/or", False),
        ("https://example.org/a.", "The", False),
        ("https://example.org/a", "https://example.org/b", False),
        ("https://example.org/a,", "/b", False),
        ("https://example.org/a", "", False),
    ],
)
def test_what_follows_a_url_belongs_to_it_or_not(url: str, after: str, belongs: bool) -> None:
    """A broken URL is put together, and a sentence that goes on is left alone."""
    assert goes_on(url, after, SLUG_WORDS) is belongs


def test_words_inside_addresses_are_no_vocabulary() -> None:
    """Bits of a broken URL are not taken for words, or no break would show."""
    words = vocabulary({"See the quayside at https://example.org/quays ide/harbourm or a.b"})
    assert "quayside" in words
    assert "quays" not in words
    assert "harbourm" not in words


def test_a_hyphen_is_put_back_where_only_one_cut_is_possible() -> None:
    """Compounds that are words stay whole, and hosts are left alone."""
    assert with_hyphens("https://policyresearch.example.org/") == (
        "https://policyresearch.example.org/"
    )
    assert with_hyphens("https://example.org/healthcare") == "https://example.org/healthcare"
    assert with_hyphens("https://example.org/circularcommencement-s67?x=policyresearch") == (
        "https://example.org/circular-commencement-s67?x=policyresearch"
    )


# Wrappers


def v3(template: str, hidden: str) -> str:
    """A URL as Proofpoint's third version writes it: stars, and behind them what they hide."""
    packed = base64.urlsafe_b64encode(hidden.encode()).decode().rstrip("=")
    return f"https://urldefense.com/v3/__{template}__;{packed}!!abc!def$"


INNER = "https://example.org/a?b=1&c=2#d"

WRAPPED = {
    "safe links": (
        "https://eur01.safelinks.protection.outlook.com/?url="
        f"{quote(INNER, safe='')}&data=05%7C01%7Cname%40example.org&reserved=0"
    ),
    "urldefense 1": (
        f"https://urldefense.proofpoint.com/v1/url?u={quote(INNER, safe='')}&k=abc%3D%0A&r=x"
    ),
    "urldefense 2": (
        "https://urldefense.proofpoint.com/v2/url?u="
        "https-3A__example.org_a-3Fb-3D1-26c-3D2-23d&d=DwMFaQ&c=x"
    ),
    "urldefense 3": v3("https://example.org/a?b=1&c=2*d", "#"),
    "urldefense 3, one slash": v3("https:/example.org/a?b=1&c=2*d", "#"),
    "google": f"https://www.google.co.uk/url?sa=t&url={quote(INNER, safe='')}&usg=x",
    "google, q": f"https://google.com/url?q={quote(INNER, safe='')}",
    "facebook": f"https://l.facebook.com/l.php?u={quote(INNER, safe='')}&h=AT0",
    "barracuda": f"https://linkprotect.cudasvc.com/url?a={quote(INNER, safe='')}&c=E,1",
}


@pytest.mark.parametrize("name", WRAPPED)
def test_wrapped_urls_are_unwrapped(name: str) -> None:
    """Each known wrapper gives the address that it was made from."""
    assert wrapper(WRAPPED[name])
    assert unwrapped(WRAPPED[name]) == INNER


def test_a_run_of_hidden_signs_is_put_back() -> None:
    """Proofpoint's `**` and a sign stand for as many characters as the sign says."""
    run = string.ascii_uppercase.index("D") + 2
    hidden = "?b=1&"
    assert len(hidden) == run
    assert unwrapped(v3("https://example.org/a**Dc=2#d", hidden)) == INNER


def test_wrappers_inside_each_other_are_unwrapped() -> None:
    """A mail that was forwarded twice has its links wrapped twice."""
    twice = "https://eur01.safelinks.protection.outlook.com/?url=" + quote(
        WRAPPED["urldefense 2"], safe=""
    )
    assert unwrapped(twice) == INNER


def test_mimecast_keeps_its_address_but_may_name_the_host() -> None:
    """What cannot be read is not guessed."""
    url = "https://protect-eu.mimecast.com/s/Abc0C1Xyz?domain=nspcc.org.uk"
    assert wrapper(url) == "Mimecast"
    assert unwrapped(url) is None
    assert hidden_host(url) == "nspcc.org.uk"
    assert hidden_host("https://protect-eu.mimecast.com/s/Abc0C1Xyz") == ""


@pytest.mark.parametrize(
    "url",
    [
        INNER,
        "https://www.google.com/search?q=https://example.org",
        "https://eur01.safelinks.protection.outlook.com/?data=1",
        "https://eur01.safelinks.protection.outlook.com/?url=javascript%3Aalert(1)",
        "https://urldefense.com/v3/__https://example.org/**__;!!x",
        "https://urldefense.com/v3/nothing",
        "https://notsafelinks.protection.outlook.com.example.org/?url=https%3A%2F%2Fa.example",
        "mailto:a@example.org",
    ],
)
def test_what_is_not_wrapped_or_empty_gives_nothing(url: str) -> None:
    """No address is made up."""
    assert unwrapped(url) is None


_wraps = st.sampled_from(
    [
        "https://eur01.safelinks.protection.outlook.com/?url=",
        "https://urldefense.proofpoint.com/v1/url?u=",
        "https://urldefense.proofpoint.com/v2/url?u=",
        "https://urldefense.com/v3/__",
        "https://www.google.com/url?q=",
        "https://l.facebook.com/l.php?u=",
        "https://linkprotect.cudasvc.com/url?a=",
        "http://[",
        "",
    ]
)
_noise = st.text(alphabet=st.sampled_from("ab*_-%23;!:/?&=.\\é\n[]#AZ"), max_size=60) | st.text()


@given(st.lists(_wraps, max_size=3), _noise)
def test_unwrapping_never_raises_and_is_done_at_once(wraps: list[str], noise: str) -> None:
    """Damaged wrappers give nothing, and what is unwrapped cannot be unwrapped again."""
    inner = unwrapped("".join(wraps) + noise)
    if inner is not None:
        assert urlsplit(inner).scheme in {"http", "https"}
        assert unwrapped(inner) is None
    for url in (noise, "".join(wraps) + noise):
        wrapper(url)
        hidden_host(url)
        is_shortened(url)


def test_shorteners_are_known() -> None:
    """The fetcher expands these; a host that only ends like one is none."""
    assert is_shortened("http://bit.ly/wrongcampaign")
    assert is_shortened("https://www.tinyurl.com/x")
    assert not is_shortened("https://rabbit.ly.example.org/x")
    assert not is_shortened("https://www.bbc.co.uk/bit.ly")


# Tracking


@pytest.mark.parametrize(
    ("url", "bare"),
    [
        (f"{PAGE}?utm_source=a&utm_medium=b", PAGE),
        (f"{PAGE}?a=1&fbclid=x&b=2#part", f"{PAGE}?a=1&b=2#part"),
        (f"{PAGE}?gclid=x#part", f"{PAGE}#part"),
        (f"{PAGE}?mc_cid=1&mc_eid=2", PAGE),
        (f"{PAGE}?UTM_Source=a&q=", f"{PAGE}?q="),
        (f"{PAGE}?a=1&&b=%20", f"{PAGE}?a=1&&b=%20"),
        (f"{PAGE}#?utm_source=a", f"{PAGE}#?utm_source=a"),
        (f"{PAGE}?outmost=1&source=utm_x", f"{PAGE}?outmost=1&source=utm_x"),
        ("mailto:a@example.org?utm_source=a", "mailto:a@example.org?utm_source=a"),
    ],
)
def test_tracking_is_taken_out_and_all_else_stays(url: str, bare: str) -> None:
    """The rest of the address is the same to the letter."""
    assert without_tracking(url) == bare


def test_parameters_of_persons_and_clicks_are_told_from_those_of_campaigns() -> None:
    """Only what names a person or a click is worth a warning."""
    assert personal_parameters(f"{PAGE}?utm_source=a&mc_cid=1") == ()
    assert personal_parameters(f"{PAGE}?FBCLID=a&mc_eid=1") == ("fbclid", "mc_eid")


_parameters = st.lists(
    st.sampled_from(["utm_source=a", "fbclid=b", "a=1", "", "q", "_hsenc=%20", "x=?y"]), max_size=6
)


@given(_parameters, st.sampled_from(["", "#part", "#?gclid=1"]))
def test_stripping_twice_is_stripping_once(parameters: list[str], fragment: str) -> None:
    """`without_tracking` is idempotent, and leaves no parameter that tracks."""
    bare = without_tracking(f"{PAGE}?{'&'.join(parameters)}{fragment}")
    assert without_tracking(bare) == bare
    assert personal_parameters(bare) == ()
    assert bare.endswith(fragment)


@given(st.text())
def test_stripping_never_raises(text: str) -> None:
    """Whatever the text, there is an answer, and stripping it again changes nothing."""
    for url in (text, f"https://{text}", f"https://example.org/?{text}"):
        bare = without_tracking(url)
        assert without_tracking(bare) == bare
