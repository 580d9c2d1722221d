"""Settings: `newsletter.toml`, overridden by environment variables `NEWSLETTER_*`."""

import datetime as dt
import math
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    HttpUrl,
    SecretStr,
    StringConstraints,
    ValidationError,
)
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from newsletter_mailer.errors import SettingsError
from newsletter_mailer.mailbox import Address
from newsletter_mailer.theme import Theme, Unreadable, unreadable

SETTINGS_FILE = "newsletter.toml"

Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, pattern=r"^[^\r\n]+$")]


Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        message = f"{name!r} is not a known time zone such as Europe/London"
        raise ValueError(message) from error
    return name


def _base(url: str) -> str:
    HttpUrl(url)
    return url.rstrip("/")


def _api_host(url: str) -> str:
    parts = HttpUrl(url)
    if parts.scheme != "https" and parts.host not in {"127.0.0.1", "localhost"}:
        message = f"{url!r} would carry the key unencrypted; it has to begin with https://"
        raise ValueError(message)
    return url.rstrip("/")


def _hours(text: str) -> str:
    begin, dash, end = text.partition("-")
    try:
        if not dash or dt.time.fromisoformat(begin) >= dt.time.fromisoformat(end):
            raise ValueError
    except ValueError as error:
        message = f"{text!r} is not a stretch of the day such as 08:00-18:00"
        raise ValueError(message) from error
    return text


def _with_commas(value: Any) -> Any:  # noqa: ANN401 - a setting's raw value
    """A list in the environment is written with commas."""
    if isinstance(value, str):
        return [part.strip() for part in value.split(",") if part.strip()]
    return value


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Office(_Part):
    """Who sends: shown in each mail's footer, as the law on electronic mail asks."""

    name: Line
    address: tuple[Line, ...]
    phone: Line
    email: Address
    website: Annotated[str, AfterValidator(lambda url: str(HttpUrl(url)))]
    timezone: Annotated[str, AfterValidator(_known_zone)] = "Europe/London"

    @property
    def zone(self) -> ZoneInfo:
        """The office's time zone, in which pages and event times are written."""
        return ZoneInfo(self.timezone)


class Sender(_Part):
    """The From line, and where replies go if elsewhere."""

    name: Line
    address: Address
    reply_to: Address | None = None


class Greeting(_Part):
    """How a reader is addressed. `fallback_name` replaces a name nobody gave."""

    named: Line = "Dear {{first_name}},"
    unnamed: Line = "Hello,"
    fallback_name: Line = "colleague"


class Send(_Part):
    """How a campaign is cut into batches, where its pictures are, and how fast it goes.

    `per_second` and `per_hour` limit the letters, `lease` is how many seconds a batch is
    one process's without a sign of life, and `retry_after` how many a letter waits that
    was refused for now. `patience` is how many seconds `send` stays to try such letters
    again. `failure_limit` is the share of failures at which a campaign pauses by itself,
    `canary_wait` how many seconds pass between a canary and the rest. `hours` are the
    office hours in which letters leave, such as `08:00-18:00`, and `days` the days.
    `staged` has the provider hold the whole campaign back until it has all of it, and send
    it `staged_minutes` after the first request.
    """

    batch_size: Annotated[int, Field(ge=1, le=10_000)] = 1_000
    images: Literal["inline", "hosted"] = "inline"
    per_second: Annotated[float, Field(gt=0, le=100_000)] | None = None
    per_hour: Annotated[int, Field(ge=1)] | None = None
    lease: Annotated[float, Field(ge=1, le=3_600)] = 60.0
    retry_after: Annotated[float, Field(gt=0, le=86_400)] = 60.0
    patience: Annotated[float, Field(ge=0)] = 600.0
    failure_limit: Annotated[float, Field(gt=0, le=1)] = 0.1
    canary_wait: Annotated[float, Field(ge=0)] = 300.0
    hours: Annotated[str, AfterValidator(_hours)] | None = None
    days: Annotated[tuple[Day, ...], Field(min_length=1)] = ("mon", "tue", "wed", "thu", "fri")
    staged: bool = False
    staged_minutes: Annotated[int, Field(ge=15, le=1_440)] = 30


class SavedSegment(_Part):
    """A part of the list that `--audience` can name: agencies, sectors or groups, and roles."""

    agencies: Annotated[tuple[Line, ...], Field(min_length=1)]
    roles: tuple[Line, ...] = ()


class Client(_Part):
    """A mail program, named as Can I email names it, and the share of readers who use it."""

    family: Line
    platform: Line
    weight: Annotated[float, Field(gt=0, le=1)]

    @property
    def name(self) -> str:
        """Family and platform, such as `outlook windows`."""
        return f"{self.family} {self.platform}"


_OFFICE_READERS = (
    Client(family="outlook", platform="windows", weight=0.35),
    Client(family="outlook", platform="outlook-com", weight=0.2),
    Client(family="gmail", platform="desktop-webmail", weight=0.15),
    Client(family="gmail", platform="ios", weight=0.05),
    Client(family="gmail", platform="android", weight=0.1),
    Client(family="apple-mail", platform="ios", weight=0.1),
    Client(family="apple-mail", platform="macos", weight=0.05),
)


class Clients(_Part):
    """The mail programs that readers use, and what may be missing in some of them.

    `graceful` lists features, by Can I email's short names, without which a mail is
    still whole and readable. A feature that is not in it must be supported for nine
    readers in ten.
    """

    audience: Annotated[tuple[Client, ...], Field(min_length=1)] = _OFFICE_READERS
    graceful: tuple[Line, ...] = ()


class Links(_Part):
    """How links are looked at. `timeout` is in seconds, for one request.

    `check` is false on a machine without a way to the web, such as one with only a mail
    relay: then no link is looked at, as with `check --offline`.
    `user_agent` is how the program names itself to other people's servers; left out, it
    is the program's name and `base_url`, so that they can see who asks. `ports` are those
    that a link may name.
    """

    check: bool = True
    user_agent: Line | None = None
    timeout: Annotated[float, Field(gt=0, le=120)] = 20.0
    ports: tuple[Annotated[int, Field(ge=1, le=65_535)], ...] = (80, 443)


class Smtp(_Part):
    """How the `smtp` transport speaks to the relay. Times are in seconds.

    The defaults for `timeout` and `final_timeout` are the least that RFC 5321 (4.5.3.2)
    asks a client to wait for a reply: 5 minutes, and 10 for that to a whole message.
    """

    connections: Annotated[int, Field(ge=1, le=500)] = 10
    messages_per_connection: Annotated[int, Field(ge=1)] = 1_000
    connect_timeout: Annotated[float, Field(gt=0, le=600)] = 30.0
    timeout: Annotated[float, Field(gt=0, le=3_600)] = 300.0
    final_timeout: Annotated[float, Field(gt=0, le=3_600)] = 600.0
    ehlo_name: Annotated[str, StringConstraints(pattern=r"^[!-~]+$", max_length=255)] | None = None
    """The name this machine gives at EHLO; its own where none is set."""
    return_path: Address | None = None
    """Where bounces go; the sender's address where none is set."""
    verp: bool = False
    """Whether each delivery has a return path of its own, so that a bounce names it."""


class Sendgrid(_Part):
    """How the `sendgrid` transport speaks to the provider.

    `batch` is how many people one request carries, 1,000 at most by the provider's rules,
    and `connections` how many requests are under way at a time: so many people at most are
    in doubt after a crash. `timeout` is in seconds, for each step of a request.
    `categories` name the newsletter in the provider's own statistics.
    """

    batch: Annotated[int, Field(ge=1, le=1_000)] = 1_000
    connections: Annotated[int, Field(ge=1, le=20)] = 1
    timeout: Annotated[float, Field(gt=0, le=600)] = 120.0
    categories: Annotated[
        tuple[Annotated[Line, StringConstraints(max_length=255)], ...], Field(max_length=10)
    ] = ()


class Dkim(_Part):
    """The key that signs messages (RFC 6376), named in DNS as `selector._domainkey.domain`.

    `key_file` is a private key in PEM, RSA or Ed25519, seen from the project's folder.
    """

    domain: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)+$")]
    selector: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$")]
    key_file: Line


def _editor(link: str) -> str:
    scheme = link.partition(":")[0].lower()
    if link and ("{path}" not in link or scheme in {"javascript", "data", "vbscript"}):
        message = "write a link with {path}, and {line} where the program can go to one"
        raise ValueError(message)
    return link


class Preview(_Part):
    """The preview on the editor's machine. `editor` opens a file at a line; empty: nothing does.

    `{path}` stands for the file's whole path, `{line}` for the line, as in
    `idea://open?file={path}&line={line}`.
    """

    editor: Annotated[
        str,
        StringConstraints(pattern=r"^([a-z][a-z0-9+.-]*:[^\s\"'<>]+)?$"),
        AfterValidator(_editor),
    ] = "vscode://file{path}:{line}"


class Web(_Part):
    """How the web application keeps robots and floods away. The limits are sign-ups an hour.

    `per_network` are those from one network (an IPv4 address, or a /64 of IPv6),
    `per_domain` those for addresses of one domain, and `per_address` the mails that one
    address gets in a day. `quickest` is how many seconds a person needs for a form at
    least. `proxies` are the addresses of servers in front of this one, whose word is taken
    for where a request came from.
    """

    per_network: Annotated[int, Field(ge=1)] = 60
    per_domain: Annotated[int, Field(ge=1)] = 300
    per_address: Annotated[int, Field(ge=1)] = 4
    quickest: Annotated[float, Field(ge=0, le=60)] = 1.5
    proxies: tuple[Line, ...] = ()


Days = Annotated[int, Field(ge=1, le=36_500)]


class Retention(_Part):
    """How many days things are kept, before `newsletter tidy` takes them away.

    `unconfirmed`: sign-ups that nobody confirmed. `left`: people who left, who are erased
    then. `ledger`: names and addresses in the ledgers of campaigns that have ended; its
    counts stay. `trail`: the audit trail. `outbox`: messages in the outbox. `silent`: after
    so long without a sign of life people are asked once whether they want to go on;
    `unanswered`: who does not answer that is unsubscribed, or stays where it is left out.
    """

    unconfirmed: Days = 30
    left: Days = 365
    ledger: Days = 730
    trail: Days = 2_190
    outbox: Days = 90
    silent: Days = 730
    unanswered: Days | None = None


class Tracking(_Part):
    """What is counted of readers who agreed to it, and how what comes back is judged.

    `opens` is whether mail to those who agreed carries a pixel, `clicks` whether their
    links lead over a redirect that counts. Who opened is kept for `keep_days`, after that
    only how many did. An address is suppressed when so many letters to it as
    `soft_bounces` came back for now, all within `soft_days`. `sendgrid_keys` are the
    public keys that sign SendGrid's events, as its page shows them; while a key is being
    changed, the old and the new one. Events that were signed more than `replay_hours` ago
    are refused: SendGrid repeats what was not taken for 24 hours.
    """

    opens: bool = True
    clicks: bool = False
    keep_days: Annotated[int, Field(ge=1, le=3_660)] = 400
    soft_bounces: Annotated[int, Field(ge=2, le=100)] = 3
    soft_days: Annotated[int, Field(ge=1, le=3_660)] = 400
    sendgrid_keys: tuple[Line, ...] = ()
    replay_hours: Annotated[float, Field(gt=0, le=240)] = 25.0


class Logo(_Part):
    """The office's sign in the masthead. `file` is in the project's folder `images`.

    `width` is in pixels as readers see it; a file of twice that looks sharp on phones.
    """

    file: Line
    alt: Line
    width: Annotated[int, Field(ge=16, le=536)] = 160


class Settings(BaseSettings):
    """All settings of one project, and the folders that hang on its root."""

    model_config = SettingsConfigDict(
        env_prefix="NEWSLETTER_",
        env_nested_delimiter="__",
        extra="forbid",
        frozen=True,
        validate_default=True,
    )

    root: Path
    base_url: Annotated[str, AfterValidator(_base)]
    transport: Literal["outbox", "smtp", "sendgrid"] = "outbox"
    smtp_url: SecretStr | None = None
    sendgrid_api_key: SecretStr | None = None
    sendgrid_host: Annotated[str, AfterValidator(_api_host)] = "https://api.sendgrid.com"
    """Where the provider is; `https://api.eu.sendgrid.com` for a subuser in the EU."""
    database_url: str | None = None
    database_wait: Annotated[float, Field(ge=0, le=300)] = 30.0
    secret_key: SecretStr | None = None
    old_secret_keys: Annotated[tuple[SecretStr, ...], NoDecode, BeforeValidator(_with_commas)] = ()
    """Keys that were in use before: links signed with them still work."""
    office: Office
    sender: Sender
    greeting: Greeting = Greeting()
    theme: Theme = Theme()
    logo: Logo | None = None
    send: Send = Send()
    segments: dict[str, SavedSegment] = {}
    clients: Clients = Clients()
    links: Links = Links()
    web: Web = Web()
    retention: Retention = Retention()
    smtp: Smtp = Smtp()
    sendgrid: Sendgrid = Sendgrid()
    dkim: Dkim | None = None
    preview: Preview = Preview()
    tracking: Tracking = Tracking()
    links_allow: Annotated[tuple[Line, ...], NoDecode, BeforeValidator(_with_commas)] = ()
    """Hosts to which links may lead although the address guard would refuse them."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 - the signature is pydantic's
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Let the environment stand over the file; read nothing else."""
        return env_settings, init_settings

    @property
    def issues(self) -> Path:
        """The folder of issues."""
        return self.root / "issues"

    @property
    def email_templates(self) -> Path:
        """The folder of the mail's templates."""
        return self.root / "templates" / "email"

    @property
    def web_templates(self) -> Path:
        """The folder of the pages' templates."""
        return self.root / "templates" / "web"

    @property
    def agencies_file(self) -> Path:
        """The registry of agencies."""
        return self.root / "subscribers" / "agencies.yaml"

    @property
    def state(self) -> Path:
        """The folder for what the program itself keeps: the database, the outbox, keys."""
        return self.root / "var"

    @property
    def outbox(self) -> Path:
        """Where the `outbox` transport writes messages."""
        return self.state / "outbox"


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
