"""Arguments and options that several commands share."""

import getpass
from typing import Annotated

import typer

IssueName = Annotated[str, typer.Argument(metavar="ISSUE", help="An issue's number or folder.")]
CampaignName = Annotated[
    str, typer.Argument(metavar="CAMPAIGN", help="A campaign's name or its issue's number.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON for programs.")]

ByName = Annotated[
    str | None,
    typer.Option("--by", metavar="NAME", help="Who does this.", show_default="your account's name"),
]


def who(name: str | None) -> str:
    """Who is at the keyboard: as they say, else the name of their account."""
    if name:
        return name
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"
