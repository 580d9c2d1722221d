"""The machine: its settings, secret key, folders and disk."""

import os
import shutil
import stat
from pathlib import Path

from newsletter_mailer.doctor.diagnosis import Diagnosis, failing, fine, warning
from newsletter_mailer.settings import SETTINGS_FILE, Settings
from newsletter_mailer.signing_key import SHORTEST

FLOOR = 256 * 2**20
"""Bytes that must be free whatever the campaign: for the database, its journal and logs."""

LEDGER_ROW = 2_000
"""Bytes that the database, its indexes and its write-ahead file take for one delivery."""

USUAL_MAIL = 100_000
"""Bytes of a mail where no campaign was frozen yet to tell."""

_MIB = 2**20


def secret_key(settings: Settings) -> Diagnosis:
    """The key that signs readers' links. Nothing of it is shown, and none is made."""
    name = "secret key"
    if settings.secret_key is not None:
        length = len(settings.secret_key.get_secret_value())
        if length < SHORTEST:
            return failing(
                name,
                f"NEWSLETTER_SECRET_KEY has {length} characters; at least {SHORTEST} are needed.",
                'Make one with: python -c "import secrets; print(secrets.token_hex())"',
            )
        return fine(name, f"NEWSLETTER_SECRET_KEY is set, {length} characters")
    path = settings.state / "secret-key"
    mend = (
        "Set NEWSLETTER_SECRET_KEY. Readers' links in mails already sent need the key that "
        "signed them, so keep an old one."
    )
    try:
        mode = path.stat().st_mode
        length = len(path.read_text(encoding="ascii").strip())
    except FileNotFoundError:
        return warning(name, f"None is set; the first campaign makes one in {path}.", mend)
    except (OSError, UnicodeDecodeError) as error:
        return failing(name, f"{path} cannot be read ({type(error).__name__}).", mend)
    if length < SHORTEST:
        return failing(
            name, f"{path} holds {length} characters; at least {SHORTEST} are needed.", mend
        )
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        return warning(
            name,
            f"{path} may be read by others than its owner (mode {stat.S_IMODE(mode):o}).",
            f"chmod 600 {path}",
        )
    return fine(name, f"in {path}, for its owner only. Back it up with the database")


def dkim_key(path: Path) -> Diagnosis:
    """Whether the private key that signs messages is kept from others. It is not read here."""
    name = "DKIM key file"
    try:
        mode = path.stat().st_mode
    except OSError as error:
        return failing(
            name, f"{path} cannot be looked at: {error.strerror}.", "Check dkim.key_file."
        )
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        return warning(
            name,
            f"{path} may be read by others than its owner (mode {stat.S_IMODE(mode):o}), who "
            "could sign as you.",
            f"chmod 600 {path}",
        )
    return fine(name, f"{path}, for its owner only")


def folders(root: Path) -> list[Diagnosis]:
    """Whether this user can read what is sent, and write what the program keeps."""
    state = root / "var"
    found: list[Diagnosis] = []
    for path in (root / SETTINGS_FILE, root / "issues", root / "templates", root / "subscribers"):
        needed = os.R_OK | os.X_OK if path.is_dir() else os.R_OK
        if not os.access(path, needed):
            there = os.access(path, os.F_OK)
            what = "cannot be read by this user" if there else "is not there"
            found.append(
                failing("folders", f"{path} {what}.", "Put it there, or let this user read it.")
            )
    place = standing(state)
    if not place.is_dir():
        found.append(
            failing("folders", f"{place} is not a folder.", f"Move it away; {state} must be one.")
        )
    elif not os.access(place, os.W_OK | os.X_OK):
        found.append(
            failing(
                "folders",
                f"This user may not write in {place}.",
                f"Let this user write in {state}, or run as the user who owns it.",
            )
        )
    elif state.is_dir() and state.stat().st_mode & stat.S_IWOTH:
        found.append(
            warning(
                "folders",
                f"Everybody on this machine may write in {state}, and so change who gets mail.",
                f"chmod o-w {state}",
            )
        )
    return found or [fine("folders", f"all there, and {state} can be written")]


def disk(root: Path, *, people: int, mail: int, outbox: bool) -> Diagnosis:
    """Whether a campaign fits on the disk that holds `var`.

    Args:
        root: the project's folder.
        people: how many a campaign would go to.
        mail: bytes of one message.
        outbox: whether each message becomes a file here.
    """
    name = "disk space"
    place = standing(root / "var")
    try:
        free = shutil.disk_usage(place).free
        files = os.statvfs(place).f_favail
    except OSError as error:
        return failing(name, f"The disk of {place} cannot be looked at: {error.strerror}.")
    need = people * (LEDGER_ROW + (mail if outbox else 0))
    shown = f"{_size(free)} free at {place}; a campaign to {people:,} people takes {_size(need)}"
    if free < need + FLOOR:
        return failing(
            name,
            f"{shown}, and {_size(FLOOR)} should be left.",
            "Make room, or move the project to a larger disk.",
        )
    # A file system that makes entries as it needs them says 0.
    if outbox and 0 < files < 2 * people:
        return failing(
            name,
            f"The disk of {place} has room for {files:,} more files; the outbox would hold one "
            f"for each of {people:,} people.",
            "Remove old files, or move the project to another disk.",
        )
    if free < 2 * need + FLOOR:
        return warning(name, f"{shown}; the next but one would not fit.", "Make room soon.")
    return fine(name, shown)


def standing(path: Path) -> Path:
    """The path, or what is nearest above it where it does not exist yet."""
    return next(each for each in (path, *path.parents) if os.access(each, os.F_OK))


def _size(number: int) -> str:
    if number < _MIB:
        return "less than 1 MB" if number else "no room"
    mib = number / _MIB
    return f"{mib:,.0f} MB" if mib < 10 * 1024 else f"{mib / 1024:,.0f} GB"
