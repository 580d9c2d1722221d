"""Fifty small web servers with some latency, at 127.0.0.1 to 127.0.0.50, in a process of its own.

Prints its port, and serves until its input ends: `/links` lists the links at once; every
other path is a small page, after the latency, for HEAD as for GET.
"""

import asyncio
import sys

HOSTS = 50
LINKS_A_HOST = 4
LATENCY = 0.1
"""Seconds that each answer takes."""

_HEAD = "HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {}\r\n\r\n"
_PAGE = (
    "<!doctype html><html><head><title>{0}</title></head><body><h1>{0}</h1>"
    + "<p>A page like many others.</p>" * 40
    + "</body></html>"
)


def links(port: int) -> list[str]:
    """The links: four a host, neighbours in the list at different hosts."""
    return [
        f"http://127.0.0.{host}:{port}/page/{number}"
        for number in range(LINKS_A_HOST)
        for host in range(1, HOSTS + 1)
    ]


async def serve() -> None:
    """Serve until standard input ends."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                method, path, *_ = head.decode("latin-1").split(" ", 2)
                if path == "/links":
                    listed = "".join(f'<a href="{link}">x</a>' for link in links(port))
                    page = f"<!doctype html><html><body>{listed}</body></html>"
                else:
                    await asyncio.sleep(LATENCY)
                    page = _PAGE.format(path)
                text = _HEAD.format(len(page)) + ("" if method == "HEAD" else page)
                writer.write(text.encode())
                await writer.drain()
        except (asyncio.IncompleteReadError, OSError):
            pass
        finally:
            writer.close()

    first = await asyncio.start_server(talk, "127.0.0.1", 0, backlog=512)
    port: int = first.sockets[0].getsockname()[1]
    for host in range(2, HOSTS + 1):
        await asyncio.start_server(talk, f"127.0.0.{host}", port, backlog=512)
    print(port, flush=True)
    await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(serve())
