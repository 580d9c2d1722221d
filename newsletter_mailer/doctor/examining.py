"""Looking at several things at once, and giving up on each that takes too long."""

import threading
import time
from collections.abc import Callable, Mapping, Sequence

from newsletter_mailer.doctor.diagnosis import Area, Diagnosis, failing, unknown
from newsletter_mailer.errors import NewsletterError

SECONDS = 10.0
"""After which what has not answered cannot be checked."""

Examination = Callable[[], Sequence[Diagnosis]]


def examine(
    plan: Mapping[str, Mapping[str, Examination]], *, seconds: float = SECONDS
) -> list[Area]:
    """Carry out a plan, which has examinations by area and name, and return all diagnoses.

    Each runs in a thread of its own, which is left behind when its time is up: looking up
    a host's name, for one, cannot be broken off. An error of ours
    or of the system becomes a diagnosis.
    """
    results: dict[tuple[str, str], Sequence[Diagnosis]] = {}

    def one(key: tuple[str, str], examination: Examination) -> None:
        try:
            results[key] = examination()
        except NewsletterError as error:
            results[key] = [failing(key[1], str(error))]
        except OSError as error:
            results[key] = [failing(key[1], f"The system refused: {error}.")]

    end = time.monotonic() + seconds
    threads = [
        threading.Thread(target=one, args=((area, name), examination), daemon=True)
        for area, examinations in plan.items()
        for name, examination in examinations.items()
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0.0, end - time.monotonic()))
    found = dict(results)  # a thread left behind may still write into the other
    return [
        Area(
            area,
            tuple(
                each
                for name in examinations
                for each in found.get((area, name), [_late(name, seconds)])
            ),
        )
        for area, examinations in plan.items()
    ]


def _late(name: str, seconds: float) -> Diagnosis:
    return unknown(
        name, f"No answer came within {seconds:g} seconds.", "Look at the network, and try again."
    )
