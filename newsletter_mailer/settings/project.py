"""All settings of one project."""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, HttpUrl, SecretStr
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from newsletter_mailer.settings.editing import Clients, Links, Preview
from newsletter_mailer.settings.office import Greeting, Logo, Office, Sender
from newsletter_mailer.settings.readers import Retention, Tracking, Web
from newsletter_mailer.settings.sending import Dkim, SavedSegment, Send, Sendgrid, Smtp
from newsletter_mailer.settings.values import Line
from newsletter_mailer.theme import Theme


def _base(url: str) -> str:
    HttpUrl(url)
    return url.rstrip("/")


def _api_host(url: str) -> str:
    parts = HttpUrl(url)
    if parts.scheme != "https" and parts.host not in {"127.0.0.1", "localhost"}:
        message = f"{url!r} would carry the key unencrypted; it has to begin with https://"
        raise ValueError(message)
    return url.rstrip("/")


def _with_commas(value: Any) -> Any:  # noqa: ANN401 - a setting's raw value
    """A list in the environment is written with commas."""
    if isinstance(value, str):
        return [part.strip() for part in value.split(",") if part.strip()]
    return value


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
