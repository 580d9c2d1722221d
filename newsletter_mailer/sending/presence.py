"""Whether a process is sending in this project at this moment."""

from pathlib import Path

from filelock import FileLock, Timeout


def sender_at_work(folder: Path) -> bool:
    """Whether somebody holds the lock of the sole sender, which is in `folder`.

    False also where nobody may look: whoever may not touch the lock may not send either.
    """
    path = folder / "sending.lock"
    if not path.exists():
        return False
    lock = FileLock(path)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return True
    except OSError:
        return False
    lock.release()
    return False
