"""The server of the benchmark of pixels: `python -m benchmarks.pixel_server FOLDER PORT`.

`/open/TOKEN` is the program's own route; `/plain/TOKEN` gives the same answer and does
nothing else; `/used` says how many megabytes the process has held at most, and how many
seconds of a processor it has used.
"""

import sys
import time
from pathlib import Path

import uvicorn
from fastapi import Request
from fastapi.responses import PlainTextResponse, Response

from benchmarks.counted import Sent, settings_in
from benchmarks.memory import peak_megabytes
from newsletter_mailer.store.engine import open_store
from newsletter_mailer.web import counting
from newsletter_mailer.web.app import application


def main() -> None:
    """Serve until killed."""
    settings = settings_in(Path(sys.argv[1]))
    app = application(Sent(open_store(settings), settings).site())

    async def plain(_request: Request) -> Response:
        return Response(counting.GIF, media_type="image/gif", headers=counting.HEADERS)

    async def used(_request: Request) -> Response:
        return PlainTextResponse(f"{peak_megabytes():.1f} {time.process_time():.4f}")

    app.add_route("/plain/{token}", plain)
    app.add_route("/used", used)
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[2]), log_level="error")


if __name__ == "__main__":
    main()
