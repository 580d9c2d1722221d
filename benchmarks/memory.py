"""The most memory that this process ever held."""

import resource
import sys
from pathlib import Path


def peak_megabytes() -> float:
    """Megabytes, of 1,000,000 bytes.

    On Linux `getrusage` would count the parent's memory too, from before this program
    took the place of the parent's copy; the kernel's own account begins anew there.
    """
    status = Path("/proc/self/status")
    if status.is_file():
        lines = status.read_text(encoding="utf-8").splitlines()
        kibibytes = next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))
        return kibibytes * 1024 / 1e6
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6
