"""Bursts: several links of one message followed within a moment, as scanners do."""

from collections import OrderedDict

_MOST = 20_000
"""Messages that are remembered; each for a moment only."""


class Bursts:
    """Remembers for a few seconds which links of which message were followed.

    Times are those of a monotonic clock, in seconds.
    """

    def __init__(self, seconds: float, most: int = _MOST) -> None:
        self._seconds = seconds
        self._most = most
        self._seen: OrderedDict[tuple[int, int], dict[int, float]] = OrderedDict()

    def followed(self, campaign_id: int, subscriber_id: int, link: int, at: float) -> list[int]:
        """Note that a link was followed; those followed within the moment, this one too."""
        self._forget(at)
        key = (campaign_id, subscriber_id)
        links = self._seen.setdefault(key, {})
        self._seen.move_to_end(key)
        links[link] = at
        for old in [number for number, when in links.items() if at - when > self._seconds]:
            del links[old]
        return list(links)

    def __len__(self) -> int:
        return len(self._seen)

    def _forget(self, at: float) -> None:
        while self._seen:
            key = next(iter(self._seen))
            if len(self._seen) < self._most and at - max(self._seen[key].values()) <= self._seconds:
                return
            del self._seen[key]
