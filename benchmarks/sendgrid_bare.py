"""Posts prepared bodies through the provider's package: `sendgrid_bare PORT FILE PEOPLE KIND`.

KIND is `dicts`, which the package encodes, or `texts`, which are JSON already. Prints JSON for
the process that measures.
"""

import json
import sys
from pathlib import Path
from time import perf_counter

from sendgrid import SendGridAPIClient

from benchmarks.memory import peak_megabytes


def main() -> None:
    """Post, and print JSON."""
    port, file, people, kind = sys.argv[1:]
    texts: list[str] = json.loads(Path(file).read_text(encoding="ascii"))
    dicts = [json.loads(text) for text in texts]
    sizes = [len(body["personalizations"]) for body in dicts]
    api = SendGridAPIClient("SG.fake", host=f"http://127.0.0.1:{port}").client
    if kind == "texts":
        api.request_headers["Content-Type"] = "application/json; charset=utf-8"
    sent = at = 0
    begin = perf_counter()
    while sent < int(people):
        which = at % len(texts)
        api.mail.send.post(request_body=texts[which] if kind == "texts" else dicts[which])
        sent += sizes[which]
        at += 1
    seconds = perf_counter() - begin
    print(json.dumps({"sent": sent, "seconds": seconds, "megabytes": peak_megabytes()}))


if __name__ == "__main__":
    main()
