"""An answer relieved of what the decision says: cookies, fields, addresses in fields.

May go in here: carrying answer edits out on a flow. May not: which edits (`cmp.core`), how bytes change (`cmp.wire`).
Bytes that no edit is about stay as they are, and the original is kept beside.
"""

from collections.abc import Sequence

from mitmproxy import http

from cmp.core.decision import Edit
from cmp.live.originals import keep_answer
from cmp.wire.answer_fields import edit_answer_fields
from cmp.wire.cookies import edit_set_cookies


def edit_answer(flow: http.HTTPFlow, answer: http.Response, edits: Sequence[Edit]) -> None:
    """Carry the edits on the answer out. Those on the request are none of it."""
    if not edits:
        return
    fields = edit_answer_fields(edit_set_cookies(answer.headers.fields, edits), edits)
    if fields != answer.headers.fields:
        keep_answer(flow, answer)
        answer.headers.fields = fields


def keep_on_this_way(flow: http.HTTPFlow, answer: http.Response) -> None:
    """Take out what would lead the browser past this proxy: another way to the same server (RFC 7838), by HTTP/3."""
    if "alt-svc" in answer.headers:
        keep_answer(flow, answer)
        del answer.headers["alt-svc"]
