"""Watching a campaign: a look every second, until it ends or whoever watches leaves."""

import time
from contextlib import nullcontext

from rich.live import Live
from rich.text import Text
from sqlalchemy import Engine

from newsletter_mailer.cli.console import out, say
from newsletter_mailer.cli.project import Project
from newsletter_mailer.cli.summary import counted, kinds, pace
from newsletter_mailer.sending.campaign import find_campaign
from newsletter_mailer.sending.progress import measure
from newsletter_mailer.sending.rules import wall_clock
from newsletter_mailer.store.engine import reading

_EVERY = 1.0
"""Seconds between two looks."""

_ENDED = ("done", "cancelled")
_BAR = 40


def watch(project: Project, engine: Engine, name: str) -> None:
    """Show a campaign's counts, errors and pace: in place on a terminal, as lines elsewhere.

    Ctrl-C ends the watching, and nothing else.
    """
    last: list[str] = []
    live = Live(console=out, auto_refresh=False) if out.is_terminal else nullcontext()
    try:
        with live as screen:
            while True:
                state, lines = _look(project, engine, name)
                if screen is not None:
                    screen.update(Text("\n".join(lines)), refresh=True)
                elif lines != last:
                    say(*lines)
                last = lines
                if state in _ENDED:
                    return
                time.sleep(_EVERY)
    except KeyboardInterrupt:
        if not out.is_terminal:
            return
        say("You watch no longer. The campaign is as it was.")


def _look(project: Project, engine: Engine, name: str) -> tuple[str, list[str]]:
    with reading(engine) as connection:
        campaign = find_campaign(connection, name)
        found = measure(connection, campaign, wall_clock())
    now = wall_clock().astimezone(project.settings.office.zone)
    reason = f": {campaign.reason}" if campaign.reason else ""
    full = _BAR * found.counts.settled // max(found.counts.all, 1)
    head = f"{campaign.name} is {campaign.state}{reason}"
    if out.is_terminal:
        head = f"{now:%H:%M:%S}  {head}\n{'━' * full}{'╌' * (_BAR - full)}"
    return campaign.state, [head, counted(found.counts), *kinds(found.errors), *pace(found)]
