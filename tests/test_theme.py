"""The theme: every colour reaches the mail, and no words are too faint to read."""

import colorsys
import re
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from newsletter_mailer.compiling.compiler import Compiler
from newsletter_mailer.errors import SettingsError
from newsletter_mailer.reading.agencies import Registry
from newsletter_mailer.reading.issue import read_issue
from newsletter_mailer.settings import Settings, load_settings
from newsletter_mailer.theme import (
    DARK_PAIRS,
    LIGHT_PAIRS,
    Dark,
    Theme,
    contrast,
    nearest,
    unreadable,
)
from tests.browser import SCHEMES, chromium, write_page
from tests.office import Office
from tests.test_browser import READER
from tests.test_compiling import variant_for
from tests.test_kitchen_sink import AGENCIES, FOLDER

_PAIRS_SHOWN = """() => {
    const hex = colour => '#' + colour.match(/\\d+/g).slice(0, 3)
        .map(part => Number(part).toString(16).padStart(2, '0')).join('');
    const pairs = [];
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
        const box = node.parentElement;
        if (!node.data.trim() || !box.checkVisibility() || !box.getClientRects().length) continue;
        let behind = box;
        while (getComputedStyle(behind).backgroundColor === 'rgba(0, 0, 0, 0)') {
            behind = behind.parentElement;
        }
        pairs.push([getComputedStyle(box).color, getComputedStyle(behind).backgroundColor]);
    }
    return pairs.map(pair => pair.map(hex));
}"""

ROOT = Path(__file__).parent.parent

MINIMAL = """\
base_url = "https://news.example.org"

[office]
name = "Harbour Board"
address = ["Quay House"]
phone = "01632 960000"
email = "board@example.org"
website = "https://example.org/"

[sender]
name = "Harbour Board"
address = "board@example.org"
"""
AFTER = MINIMAL.count("\n")
"""The lines before what a test adds."""

UNHURRIED = hypothesis_settings(deadline=None)
COLOURS = st.integers(0, 0xFFFFFF).map("#{:06x}".format)
VIVID = st.builds(
    lambda hue, lightness, saturation: (
        "#"
        + bytes(round(part * 255) for part in colorsys.hls_to_rgb(hue, lightness, saturation)).hex()
    ),
    st.floats(0, 1),
    st.floats(0.2, 0.8),
    st.floats(0.4, 1),
)
LIGHT_ROLES = sorted(set(Theme.model_fields) - {"dark"})
DARK_ROLES = sorted(Dark.model_fields)


def load(folder: Path, *lines: str) -> Theme:
    """The theme of a project whose settings end with these lines."""
    text = MINIMAL + "\n".join(lines) + "\n"
    (folder / "newsletter.toml").write_text(text, encoding="utf-8")
    return load_settings(folder).theme


def refusal(folder: Path, *lines: str) -> list[str]:
    """The messages for settings that end with these lines and are refused."""
    with pytest.raises(SettingsError) as raised:
        load(folder, *lines)
    return str(raised.value).splitlines()


def test_the_shipped_file_shows_every_colour_with_its_default() -> None:
    """`newsletter.toml` sets each role, light and dark, to what holds without it."""
    text = (ROOT / "newsletter.toml").read_text(encoding="utf-8")
    assert tomllib.loads(text)["theme"] == Theme().model_dump()


def test_a_project_without_a_theme_has_the_default_one(tmp_path: Path) -> None:
    """The section may be missing, and the default colours are readable."""
    assert load(tmp_path) == Theme()
    assert list(unreadable(Theme())) == []


def test_one_colour_may_be_set_alone(tmp_path: Path) -> None:
    """A section with one role leaves the others at their defaults."""
    theme = load(tmp_path, "[theme]", 'link = "#7a0019"', "[theme.dark]", 'link = "#ffb3c0"')
    assert theme.link == "#7a0019"
    assert theme.dark.link == "#ffb3c0"
    assert theme.card == Theme().card
    assert theme.dark.card == Dark().card


def test_every_colour_reaches_the_mail(project: Path) -> None:
    """A colour of one's own for each role, light and dark, stands in the mail that is built."""
    theme = colourful()
    light = theme.model_dump(exclude={"dark"})
    path = project / "newsletter.toml"
    before = path.read_text(encoding="utf-8").split("[theme]")[0]
    lines = ["[theme]", *_toml(light), "[theme.dark]", *_toml(theme.dark.model_dump())]
    path.write_text(before + "\n".join(lines), encoding="utf-8")
    Office(project).ok("build", "6", "--out", "built")
    html = "".join(p.read_text(encoding="utf-8") for p in (project / "built").glob("*.html"))
    assert [role for role, colour in _named(theme).items() if colour not in html] == []


@pytest.mark.browser
def test_the_pairs_that_are_checked_are_those_that_a_browser_shows(
    settings: Settings, registry: Registry, tmp_path: Path
) -> None:
    """In the issue with everything in it, words stand on just those colours that are checked."""
    theme = colourful()
    roles = {colour: role for role, colour in _named(theme).items()}
    compiler = Compiler(settings.model_copy(update={"theme": theme}))
    emails = compiler.compile(read_issue(FOLDER, registry)[0], registry)
    shown: dict[str, set[tuple[str, str]]] = {scheme: set() for scheme in SCHEMES}
    with chromium() as browser:
        page = browser.new_page(viewport={"width": 600, "height": 900})
        for agency in AGENCIES:
            path = write_page(variant_for(emails, agency), tmp_path, agency, READER)
            page.goto(path.as_uri())
            for scheme in SCHEMES:
                page.emulate_media(color_scheme=scheme)
                shown[scheme] |= {
                    (roles.get(front, front), roles.get(back, back))
                    for front, back in page.evaluate(_PAIRS_SHOWN)
                }
    light = {(pair.front, pair.back) for pair in LIGHT_PAIRS}
    dark = {(front, back) for front, back in light if back in {"button", "masthead"}}  # they stay
    dark |= {(f"dark.{pair.front}", f"dark.{pair.back}") for pair in DARK_PAIRS}
    assert shown == {"light": light, "dark": dark}


def test_no_style_sheet_holds_a_colour_of_its_own() -> None:
    """Every colour in the mail's style sheets is a setting."""
    for path in sorted((ROOT / "templates" / "email").glob("*.css")):
        assert re.findall(r"#[0-9a-fA-F]{3,8}\b", path.read_text(encoding="utf-8")) == []


def test_a_faint_colour_is_refused_with_one_that_passes(tmp_path: Path) -> None:
    """The message names the setting, its line, both colours, the ratio, the need and a mend."""
    (message,) = refusal(tmp_path, "[theme]", 'warm = "#fff4d6"', 'button_text = "#00a0c0"')
    assert message == (
        f"newsletter.toml:{AFTER + 3}: theme.button_text is #00a0c0 on theme.button #00566b: "
        "a contrast of 2.66:1, where 4.5:1 is needed to read it. The nearest colour that passes "
        "is #00d1fa. (Or NEWSLETTER_THEME__BUTTON_TEXT is set so.)"
    )
    load(tmp_path, "[theme]", 'button_text = "#00d1fa"')


FAINT = {
    "quiet text": ("[theme]", 'quiet = "#8a9aa8"', "theme.quiet is #8a9aa8 on theme.card #ffffff"),
    "link": ("[theme]", 'link = "#4da3ff"', "theme.link is #4da3ff on theme.warm #fff4d6"),
    "masthead": ("[theme]", 'masthead_quiet = "#40566a"', "on theme.masthead #0b2a42"),
    "tile": ("[theme]", 'tile_text = "#3b5a72"', "theme.tile_text is #3b5a72 on theme.tile"),
    "dark text": ("[theme.dark]", 'text = "#4a5b6a"', "theme.dark.text is #4a5b6a on theme.dark."),
    "dark footer": ("[theme.dark]", 'foot = "#8cc8ff"', "theme.dark.link is #8cc8ff on theme.dark"),
    "a dark card in the light": ("[theme]", 'card = "#000000"', "theme.text is #1b2733 on theme.c"),
}


@pytest.mark.parametrize("name", FAINT)
def test_each_kind_of_words_is_checked(tmp_path: Path, name: str) -> None:
    """Small print, links, masthead, tiles and footer, light and dark; the line is the one set."""
    section, line, says = FAINT[name]
    messages = refusal(tmp_path, section, line)
    assert any(says in message for message in messages)
    assert all(message.startswith(f"newsletter.toml:{AFTER + 2}: ") for message in messages)


def test_large_words_need_less(tmp_path: Path) -> None:
    """A title of 3.5:1 passes, and 2.5:1 does not; a small heading of 3.5:1 does not either."""
    assert 3.5 < contrast("#d2527f", "#ffffff") < 4.1
    load(tmp_path, "[theme]", 'title = "#d2527f"')
    assert "4.5:1 is needed" in refusal(tmp_path, "[theme]", 'heading = "#d2527f"')[0]
    assert "3:1 is needed" in refusal(tmp_path, "[theme]", 'title = "#e08aa8"')[0]


def test_every_faint_pair_is_named_at_once(tmp_path: Path) -> None:
    """Two faint colours, one of them dark, are reported together."""
    messages = refusal(
        tmp_path,
        *("[theme]", 'tile_text = "#0b2a43"', "[theme.dark]", 'tile_text = "#0b3b5f"'),
    )
    assert [message.split(" is ")[0] for message in messages] == [
        f"newsletter.toml:{AFTER + 2}: theme.tile_text",
        f"newsletter.toml:{AFTER + 4}: theme.dark.tile_text",
    ]


def test_a_faint_colour_from_the_environment_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A variable is checked as the file is, and named."""
    monkeypatch.setenv("NEWSLETTER_THEME__TILE_TEXT", "#0b2a43")
    (message,) = refusal(tmp_path)
    assert message.startswith("newsletter.toml: theme.tile_text is #0b2a43")
    assert "NEWSLETTER_THEME__TILE_TEXT" in message


def test_a_ratio_is_never_rounded_up_to_what_would_pass(tmp_path: Path) -> None:
    """4.4995:1 fails and is shown as 4.49."""
    colour, back = "#77748d", "#ffffff"
    assert 4.499 < contrast(colour, back) < 4.5
    (message,) = refusal(tmp_path, "[theme]", f'tile = "{back}"', f'tile_text = "{colour}"')
    assert "4.49:1" in message


@pytest.mark.parametrize("value", ["red", "#fff", "#FFFFFF", "#12345g", ""])
def test_what_is_no_colour_is_refused(tmp_path: Path, value: str) -> None:
    """Names, short forms and capitals are refused with their line, light and dark."""
    for section in ("theme", "theme.dark"):
        (message,) = refusal(tmp_path, f"[{section}]", f'page = "{value}"')
        assert f"newsletter.toml:{AFTER + 2}: {section}.page is '{value}'" in message


def test_an_unknown_role_is_refused(tmp_path: Path) -> None:
    """A misspelt role is named, and so is one that has no dark form."""
    assert "theme.lnk is not a setting" in refusal(tmp_path, "[theme]", 'lnk = "#000000"')[0]
    (message,) = refusal(tmp_path, "[theme.dark]", 'button = "#000000"')
    assert "theme.dark.button is not a setting" in message


@pytest.mark.parametrize(
    ("one", "other", "ratio"),
    [
        ("#000000", "#ffffff", 21.0),
        ("#ffffff", "#ffffff", 1.0),
        ("#767676", "#ffffff", 4.54),
        ("#777777", "#ffffff", 4.48),
        ("#ff0000", "#ffffff", 4.00),
        ("#0000ff", "#ffffff", 8.59),
    ],
)
def test_contrast_is_that_of_wcag(one: str, other: str, ratio: float) -> None:
    """Known ratios come out, whichever colour is named first."""
    assert contrast(one, other) == contrast(other, one)
    assert contrast(one, other) == pytest.approx(ratio, abs=0.005)


@UNHURRIED
@given(front=COLOURS, back=COLOURS, needed=st.sampled_from([3.0, 4.5]))
def test_the_suggested_colour_always_passes(front: str, back: str, needed: float) -> None:
    """For any two colours there is a suggestion, and its contrast is what is needed."""
    suggestion = nearest(front, [(back, needed)])
    assert suggestion is not None
    assert contrast(suggestion, back) >= needed


@UNHURRIED
@given(front=COLOURS, back=COLOURS)
def test_a_colour_that_passes_is_its_own_suggestion(front: str, back: str) -> None:
    """Nothing is changed without need: what was suggested once is not changed again."""
    passing = nearest(front, [(back, 4.5)])
    assert passing is not None
    assert (passing == front) == (contrast(front, back) >= 4.5)
    assert nearest(passing, [(back, 4.5)]) == passing


@UNHURRIED
@given(front=VIVID, back=COLOURS)
def test_the_suggestion_has_the_same_hue(front: str, back: str) -> None:
    """Only lightness changes, as far as whole numbers of red, green and blue allow."""
    hue, _, saturation = _hls(front)
    suggestion = nearest(front, [(back, 4.5)])
    assert suggestion is not None
    new_hue, new_lightness, new_saturation = _hls(suggestion)
    if 0.1 < new_lightness < 0.9:  # nearly black and nearly white have no hue to speak of
        assert min(abs(hue - new_hue), 1 - abs(hue - new_hue)) < 0.03
        assert abs(saturation - new_saturation) < 0.1


@UNHURRIED
@given(role=st.sampled_from(LIGHT_ROLES), colour=COLOURS)
def test_whatever_is_refused_comes_with_a_colour_that_passes(role: str, colour: str) -> None:
    """In a theme with any one colour, each faint pair's suggestion passes on its background."""
    theme = Theme.model_validate({role: colour})
    for found in unreadable(theme):
        assert found.ratio < found.pair.needed
        assert contrast(found.suggestion, found.back) >= found.pair.needed


@UNHURRIED
@given(role=st.sampled_from(["text", "quiet", "heading", "link", "title"]), colour=COLOURS)
def test_one_mend_is_enough_where_only_the_words_are_faint(role: str, colour: str) -> None:
    """Taking the suggestion for a role of words mends it on all its backgrounds."""
    for section in ("light", "dark"):
        changed: dict[str, object] = {role: colour}
        faint = list(unreadable(_theme(section, changed)))
        for found in faint:
            assert list(unreadable(_theme(section, {role: found.suggestion}))) == []


def _theme(section: str, changed: dict[str, object]) -> Theme:
    return Theme.model_validate(changed if section == "light" else {"dark": changed})


def _hls(colour: str) -> tuple[float, float, float]:
    red, green, blue = bytes.fromhex(colour[1:])
    return colorsys.rgb_to_hls(red / 255, green / 255, blue / 255)


def colourful() -> Theme:
    """A theme whose every colour differs from all others, by less than one can see."""
    roles = [*LIGHT_ROLES, *(f"dark.{role}" for role in DARK_ROLES)]
    defaults = _named(Theme())
    made = {role: _next_to(defaults[role], at) for at, role in enumerate(roles, start=1)}
    assert len(set(made.values())) == len(roles)
    dark = {role.removeprefix("dark."): made[role] for role in roles if "." in role}
    light = {role: made[role] for role in roles if "." not in role}
    return Theme.model_validate({**light, "dark": dark})


def _named(theme: Theme) -> dict[str, str]:
    """Colours by their names, those of the dark with `dark.` before them."""
    dark = {f"dark.{role}": str(colour) for role, colour in theme.dark}
    return {**theme.model_dump(exclude={"dark"}), **dark}


def _next_to(colour: str, at: int) -> str:
    """A colour that nobody can tell from this one, and that no other role has."""
    red, green, blue = bytes.fromhex(colour[1:])
    return "#" + bytes([red, green, blue - at if blue > 100 else blue + at]).hex()


def _toml(colours: dict[str, str]) -> list[str]:
    return [f'{role} = "{colour}"' for role, colour in colours.items()]
