"""Settings for those who write an issue: its checks, its links, the preview."""

from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints

from newsletter_mailer.settings.values import Line, Part


class Client(Part):
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


class Clients(Part):
    """The mail programs that readers use, and what may be missing in some of them.

    `graceful` lists features, by Can I email's short names, without which a mail is
    still whole and readable. A feature that is not in it must be supported for nine
    readers in ten.
    """

    audience: Annotated[tuple[Client, ...], Field(min_length=1)] = _OFFICE_READERS
    graceful: tuple[Line, ...] = ()


class Links(Part):
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


def _editor(link: str) -> str:
    scheme = link.partition(":")[0].lower()
    if link and ("{path}" not in link or scheme in {"javascript", "data", "vbscript"}):
        message = "write a link with {path}, and {line} where the program can go to one"
        raise ValueError(message)
    return link


class Preview(Part):
    """The preview on the editor's machine. `editor` opens a file at a line; empty: nothing does.

    `{path}` stands for the file's whole path, `{line}` for the line, as in
    `idea://open?file={path}&line={line}`.
    """

    editor: Annotated[
        str,
        StringConstraints(pattern=r"^([a-z][a-z0-9+.-]*:[^\s\"'<>]+)?$"),
        AfterValidator(_editor),
    ] = "vscode://file{path}:{line}"
