"""Reading a HAR into exchanges, beside json.loads of the same bytes.

May go in here: timing the reader. May not: deciding.
"""

import json
import time
from collections.abc import Callable, Iterator

from cmp.capture.har import read_har

_ENTRIES = 2_000


def run() -> Iterator[str]:
    data = json.dumps(_har()).encode()
    ours = _fastest(lambda: read_har(data, "made.har"))
    peer = _fastest(lambda: json.loads(data))
    yield f"{_ENTRIES} entries, {len(data) // 1000} kB"
    yield f"read_har   {ours * 1000:7.1f} ms, {_ENTRIES / ours:9.0f} entries/s"
    yield f"json.loads {peer * 1000:7.1f} ms, {_ENTRIES / peer:9.0f} entries/s"
    yield f"ratio      {ours / peer:.2f}"


def _fastest(work: Callable[[], object]) -> float:
    times = []
    for _ in range(5):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times)


def _har() -> dict[str, object]:
    page = {"id": "p", "title": "https://www.shop.example/", "startedDateTime": "2026-01-01T00:00:00.000Z"}
    return {
        "log": {"version": "1.2", "creator": {"name": "made", "version": "1"}, "pages": [page], "entries": _entries()}
    }


def _entries() -> list[dict[str, object]]:
    return [
        {
            "pageref": "p",
            "startedDateTime": f"2026-01-01T00:{n // 60 % 60:02}:{n % 60:02}.000Z",
            "time": 12,
            "request": {
                "method": "GET",
                "url": f"https://{'www.shop.example' if n % 3 == 0 else 'px.tracker.example'}/path/{n}?id={n}",
                "headers": [
                    {"name": "Accept", "value": "text/html" if n == 0 else "*/*"},
                    {"name": "Referer", "value": "https://www.shop.example/"},
                    {"name": "Cookie", "value": "session=1; _ga=GA1.2.3.4; _gid=GA1.2.5.6"},
                ],
            },
            "response": {
                "status": 200,
                "headers": [
                    {"name": "Content-Type", "value": "text/html"},
                    {"name": "Set-Cookie", "value": f"uid={n}; Max-Age=31536000; Path=/"},
                ],
                "content": {"size": 100, "mimeType": "text/html"},
            },
        }
        for n in range(_ENTRIES)
    ]
