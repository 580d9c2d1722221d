"""The key that signs personal links."""

import os
import secrets

from newsletter_mailer.errors import SettingsError
from newsletter_mailer.settings import Settings

SHORTEST = 32
"""Characters of a key; with 64 hexadecimal ones it has 256 bits."""


def signing_keys(settings: Settings) -> tuple[str, ...]:
    """The key in use, and behind it those whose links still work.

    Raises:
        SettingsError: as `signing_key`, or an older key is too short.
    """
    older = tuple(key.get_secret_value() for key in settings.old_secret_keys)
    for number, key in enumerate(older, start=1):
        if len(key) < SHORTEST:
            raise SettingsError(
                f"NEWSLETTER_OLD_SECRET_KEYS: key {number} has {len(key)} characters; at least "
                f"{SHORTEST} are needed. Copy it again as it was in NEWSLETTER_SECRET_KEY."
            )
    return (signing_key(settings), *older)


def signing_key(settings: Settings) -> str:
    """The key from `NEWSLETTER_SECRET_KEY`, or one made once for this project.

    The one that is made lies in `var/secret-key`, readable by its owner only. Links that
    are signed with it die with it, so an office that sends real mail sets its own.

    Raises:
        SettingsError: the key is too short, or cannot be kept.
    """
    if settings.secret_key is not None:
        key = settings.secret_key.get_secret_value()
        if len(key) < SHORTEST:
            raise SettingsError(
                f"NEWSLETTER_SECRET_KEY has {len(key)} characters; at least {SHORTEST} are needed. "
                'Make one with: python -c "import secrets; print(secrets.token_hex())"'
            )
        return key
    path = settings.state / "secret-key"
    try:
        settings.state.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f"secret-key.{os.getpid()}")
        if not path.exists():
            with os.fdopen(
                os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w"
            ) as file:
                file.write(secrets.token_hex())
            try:
                os.link(draft, path)  # atomic, and never over a key that another process made
            except FileExistsError:
                pass
            finally:
                draft.unlink()
        return path.read_text(encoding="ascii").strip()
    except OSError as error:
        raise SettingsError(
            f"The key for personal links cannot be kept in {path}: {error.strerror}. "
            "Make the folder writable, or set NEWSLETTER_SECRET_KEY."
        ) from error
