"""From what a request says of itself to the kind of resource it is for.

May go in here: the tables from header values, capture words and path endings to `Kind`. May not: anything read from
the answer, because the live decision is made before there is one and a replay must decide the same.
"""

from cmp.core.exchange import Kind
from cmp.core.urls import Url

# Fetch Metadata Request Headers, section 2.1 (values of the request destination, Fetch standard section 2.2.5).
BY_FETCH_DEST = {
    "document": Kind.DOCUMENT,
    "iframe": Kind.FRAME,
    "frame": Kind.FRAME,
    "fencedframe": Kind.FRAME,
    "script": Kind.SCRIPT,
    "style": Kind.STYLE,
    "xslt": Kind.STYLE,
    "image": Kind.IMAGE,
    "font": Kind.FONT,
    "audio": Kind.MEDIA,
    "video": Kind.MEDIA,
    "track": Kind.MEDIA,
    "object": Kind.OBJECT,
    "embed": Kind.OBJECT,
    "worker": Kind.WORKER,
    "sharedworker": Kind.WORKER,
    "serviceworker": Kind.WORKER,
    "audioworklet": Kind.WORKER,
    "paintworklet": Kind.WORKER,
    "manifest": Kind.MANIFEST,
    "report": Kind.BEACON,
    "json": Kind.FETCH,
    "empty": Kind.FETCH,
}

# Words used by captures and on the command line (HAR `_resourceType`, extension APIs, filter lists).
BY_WORD = {
    **{kind.value: kind for kind in Kind if kind is not Kind.CONSENT},
    **{word: kind for word, kind in BY_FETCH_DEST.items() if word != "empty"},
    "main_frame": Kind.DOCUMENT,
    "navigation": Kind.DOCUMENT,
    "sub_frame": Kind.FRAME,
    "subdocument": Kind.FRAME,
    "stylesheet": Kind.STYLE,
    "css": Kind.STYLE,
    "js": Kind.SCRIPT,
    "img": Kind.IMAGE,
    "imageset": Kind.IMAGE,
    "favicon": Kind.IMAGE,
    "texttrack": Kind.MEDIA,
    "xhr": Kind.FETCH,
    "xmlhttprequest": Kind.FETCH,
    "eventsource": Kind.FETCH,
    "ping": Kind.BEACON,
    "sendbeacon": Kind.BEACON,
    "csp_report": Kind.BEACON,
    "preflight": Kind.FETCH,
}

_BY_ACCEPT = (
    ("text/html", Kind.FRAME),
    ("application/xhtml+xml", Kind.FRAME),
    ("image/", Kind.IMAGE),
    ("text/css", Kind.STYLE),
    ("font/", Kind.FONT),
    ("application/font", Kind.FONT),
    ("video/", Kind.MEDIA),
    ("audio/", Kind.MEDIA),
    ("text/event-stream", Kind.FETCH),
    ("application/json", Kind.FETCH),
)

_BY_ENDING = {
    **dict.fromkeys(("js", "mjs"), Kind.SCRIPT),
    "css": Kind.STYLE,
    **dict.fromkeys(("gif", "png", "jpg", "jpeg", "webp", "avif", "svg", "ico"), Kind.IMAGE),
    **dict.fromkeys(("woff", "woff2", "ttf", "otf", "eot"), Kind.FONT),
    **dict.fromkeys(("mp4", "webm", "mp3", "m3u8", "ts", "ogg"), Kind.MEDIA),
}


def kind_of(
    url: Url,
    *,
    fetch_dest: str = "",
    fetch_mode: str = "",
    accept: str = "",
    word: str = "",
    content_type: str = "",
) -> Kind:
    """The kind of resource, from the surest sign to the weakest.

    `fetch_dest` and `fetch_mode` are Sec-Fetch-Dest and Sec-Fetch-Mode; `word` is what a capture or a caller says;
    `content_type` the media type of the request's body.
    An HTML page asked for without Sec-Fetch-Dest counts as a frame, the stricter reading of the two.
    """
    if url.scheme in ("ws", "wss") or fetch_mode == "websocket" or fetch_dest == "websocket":
        return Kind.WEBSOCKET
    if content_type == "text/ping":
        # HTML standard, section 4.6.8: only hyperlink auditing sends this.
        return Kind.PING
    if kind := BY_FETCH_DEST.get(fetch_dest.lower()):
        return kind
    if kind := BY_WORD.get(word.lower()):
        return kind
    # A browser asks for a page with text/html first, for an image with image/* somewhere before */*.
    wanted = accept.lower()
    for start, kind in _BY_ACCEPT:
        if wanted.startswith(start):
            return kind
    return _BY_ENDING.get(url.path.rpartition("/")[2].rpartition(".")[2].lower(), Kind.OTHER)
