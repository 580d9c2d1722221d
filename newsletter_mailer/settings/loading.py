"""Reading the settings of a project, and saying what is wrong with them and where."""

import math
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from newsletter_mailer.errors import SettingsError
from newsletter_mailer.settings.project import Settings
from newsletter_mailer.theme import Unreadable, unreadable

SETTINGS_FILE = "newsletter.toml"


def find_root(start: Path) -> Path:
    """The nearest folder at or above `start` that holds `newsletter.toml`.

    Raises:
        SettingsError: there is none.
    """
    start = start.resolve()
    for folder in (start, *start.parents):
        if (folder / SETTINGS_FILE).is_file():
            return folder
    message = (
        f"No {SETTINGS_FILE} in {start} or a folder above it. "
        "Run the command inside a newsletter project, or name one with --project."
    )
    raise SettingsError(message)


_SECRETS = {
    "secret_key",
    "old_secret_keys",
    "smtp_url",
    "sendgrid_api_key",
    "password",
    "api_key",
}


def load_settings(root: Path) -> Settings:
    """Read the settings of the project in `root`.

    Raises:
        SettingsError: a setting is missing, unknown or malformed; all are named at once.
    """
    file = root / SETTINGS_FILE
    try:
        text = file.read_bytes().decode("utf-8-sig")
        values = tomllib.loads(text)
    except OSError as error:
        raise SettingsError(f"{file} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise SettingsError(f"{file} is not UTF-8 text. Save it as UTF-8.") from error
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{file} is not valid TOML: {error}.") from error
    secrets = _keys(values) & _SECRETS
    if secrets:
        name = sorted(secrets)[0]
        raise SettingsError(
            f"{SETTINGS_FILE}:{_line_of(text, (name,))}: found a secret, {name}; secrets are read "
            f"from the environment only. Move it to NEWSLETTER_{name.upper()}."
        )
    try:
        settings = Settings(root=root, **values)
    except ValidationError as error:
        lines = [_explain(text, detail) for detail in error.errors(include_url=False)]
        raise SettingsError("\n".join(lines)) from error
    faint = [_too_faint(text, values, pair) for pair in unreadable(settings.theme)]
    if faint:
        raise SettingsError("\n".join(faint))
    return settings


def _keys(values: Mapping[str, Any]) -> set[str]:
    nested = (_keys(value) for value in values.values() if isinstance(value, dict))
    return set(values).union(*nested)


def _explain(text: str, detail: Any) -> str:  # noqa: ANN401 - pydantic's ErrorDetails has a loose shape
    loc = tuple(str(part) for part in detail["loc"])
    name = ".".join(loc)
    if detail["type"] == "missing":
        return f"{SETTINGS_FILE}: {name} is missing. Add it; README.md shows an example."
    where = f"{SETTINGS_FILE}:{_line_of(text, loc)}"
    if detail["type"] == "extra_forbidden":
        return f"{where}: {name} is not a setting. Check its spelling, or take it out."
    message = str(detail["msg"]).removeprefix("Value error, ")
    variable = "NEWSLETTER_" + "__".join(part.upper() for part in loc)
    return f"{where}: {name} is {detail['input']!r}: {message}. (Or {variable} is set so.)"


def _too_faint(text: str, values: Mapping[str, Any], found: Unreadable) -> str:
    """What is wrong with two colours; the line is that of the words' colour if it is set."""
    section = tuple(found.section.split("."))
    front, back = ((*section, name) for name in (found.pair.front, found.pair.back))
    written = [loc for loc in (front, back) if _is_set(values, loc)]
    where = f"{SETTINGS_FILE}:{_line_of(text, written[0])}" if written else SETTINGS_FILE
    ratio = math.floor(found.ratio * 100) / 100  # never rounded up to what would pass
    variable = "NEWSLETTER_" + "__".join(part.upper() for part in front)
    return (
        f"{where}: {'.'.join(front)} is {found.front} on {'.'.join(back)} {found.back}: a contrast "
        f"of {ratio:.2f}:1, where {found.pair.needed:g}:1 is needed to read it. The nearest colour "
        f"that passes is {found.suggestion}. (Or {variable} is set so.)"
    )


def _is_set(values: Mapping[str, Any], loc: tuple[str, ...]) -> bool:
    """Whether the file itself sets `loc`."""
    inner: Any = values
    for part in loc:
        if not isinstance(inner, Mapping) or part not in inner:
            return False
        inner = inner[part]
    return True


def _line_of(text: str, loc: tuple[str, ...]) -> int:
    """The line that sets `loc` in TOML text; 1 where it is not found."""
    wanted = [part for part in loc if not part.isdigit()]
    section = ".".join(wanted[:-1])
    current = ""
    for number, line in enumerate(text.splitlines(), start=1):
        header = re.match(r"\s*\[([^\]]+)\]", line)
        if header:
            current = header[1].strip()
            if current == ".".join(wanted):
                return number
        elif current in (section, "") and re.match(rf"\s*{re.escape(wanted[-1])}\s*=", line):
            return number
    return 1
