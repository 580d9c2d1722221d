"""Arguments and options that several commands share."""

from typing import Annotated

import typer

IssueName = Annotated[str, typer.Argument(metavar="ISSUE", help="An issue's number or folder.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON for programs.")]
