"""Watching the files that a preview is made of."""

import asyncio
from collections.abc import Callable
from pathlib import Path

from watchfiles import Change, DefaultFilter, awatch

from newsletter_mailer.settings import SETTINGS_FILE, Settings


async def watch(
    folder: Path,
    settings: Settings,
    *,
    gather: float,
    stopping: asyncio.Event,
    saved: Callable[[], None],
) -> None:
    """Call `saved` when something was saved that a preview of `folder` shows, until `stopping`.

    `gather` joins the changes that one save makes, in seconds. Folders that come and go are
    watched from above.
    """
    await asyncio.gather(
        _watch(_folders(folder, settings), gather, stopping, saved),
        _watch([settings.root], gather, stopping, saved, deep=False),
    )


async def _watch(
    paths: list[Path],
    gather: float,
    stopping: asyncio.Event,
    saved: Callable[[], None],
    *,
    deep: bool = True,
) -> None:
    usual = DefaultFilter()

    def matters(change: Change, path: str) -> bool:
        return usual(change, path) and (deep or Path(path).name == SETTINGS_FILE)

    step = round(gather * 1000)
    async for _ in awatch(
        *paths,
        watch_filter=matters,
        step=step,
        debounce=step * 5,
        recursive=deep,
        stop_event=stopping,
        ignore_permission_denied=True,
    ):
        saved()


def _folders(folder: Path, settings: Settings) -> list[Path]:
    """The folders that are watched with all that is in them."""
    paths = [
        # From above, since the folder itself may be renamed and come back.
        settings.issues if folder.parent == settings.issues.resolve() else folder,
        settings.email_templates,
        settings.agencies_file.parent,
        settings.root / "images",
    ]
    return [path for path in paths if path.is_dir()]
