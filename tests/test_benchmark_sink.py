"""The sink that benchmarks send to counts every message and every byte."""

import socket
from itertools import cycle

from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.sink import Client

_BODIES = st.lists(
    st.lists(st.sampled_from([b"x" * 9, b"..", b".x", b"", b"\r", b"."])).map(
        lambda lines: b"".join(line + b"\r\n" for line in lines if line != b".")
    ),
    min_size=1,
    max_size=4,
)


@settings(deadline=None)
@given(_BODIES, st.lists(st.integers(1, 30), min_size=1))
def test_the_end_of_a_message_is_found_wherever_packets_are_cut(
    bodies: list[bytes], cuts: list[int]
) -> None:
    """Messages of awkward lines, and an envelope pipelined behind each, cut anywhere."""
    envelope = b"MAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.org>\r\nDATA\r\n"
    with socket.socket() as unused:
        sink = Client(unused)
        sizes = cycle(cuts)
        said = b""
        for data in (envelope, *(body + b".\r\n" + envelope for body in bodies)):
            rest = data  # a client waits for 354 before it goes on
            while rest:
                piece, rest = rest[: (size := next(sizes))], rest[size:]
                said += sink.heard(bytearray(piece), len(piece))
    assert sink.messages == len(bodies)
    assert sink.bytes == sum(len(body) + 3 for body in bodies)
    assert said.count(b"354 ") == len(bodies) + 1
    assert said.count(b"\r\n") == 3 + 4 * len(bodies)
