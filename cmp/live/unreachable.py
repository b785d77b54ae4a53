"""What a visitor is told when there is no answer to give: a short page, or a line for what is no page.

May go in here: its words and its form. May not: when it is sent (`bounded_http.py`).

Nothing of what went wrong inside is told: mitmproxy's own page names addresses behind the proxy.
"""

from html import escape

from mitmproxy import http

from cmp.live.rollout import is_page_request

# How an address that may not be dialled says so in a connection's error.
NOT_DIALLED = "consentry: this address may not be reached through the proxy"
_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{title}</title>
<h1>{title}</h1>
<p>{text}</p>
</html>
"""
_WORDS = {
    403: ("Not reachable from here", "This address may not be reached through the proxy."),
    502: ("No answer from the site", "The site cannot be reached at the moment. Please try again later."),
}


def unreachable_answer(flow: http.HTTPFlow, why: str) -> http.Response:
    """The answer in place of a server's that cannot be had: 403 where we do not dial it, else 502."""
    status = 403 if NOT_DIALLED in why else 502
    title, text = _WORDS[status]
    headers = {
        "Cache-Control": "no-store",
        "Content-Security-Policy": "default-src 'none'",
        "X-Content-Type-Options": "nosniff",
        # What the client still sends is not read.
        "Connection": "close",
    }
    if is_page_request(flow):
        headers["Content-Type"] = "text/html; charset=utf-8"
        body = _PAGE.format(title=escape(title), text=escape(text))
    else:
        headers["Content-Type"] = "text/plain; charset=utf-8"
        body = f"{text}\n"
    answer = http.Response.make(status, body.encode("utf-8"), headers)
    if flow.request.is_http2:
        # A field about the connection makes an HTTP/2 message malformed (RFC 9113, section 8.2.2).
        del answer.headers["Connection"]
    return answer
