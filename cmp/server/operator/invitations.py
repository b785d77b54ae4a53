"""Addresses and where they came from; whether they may be invited, and the link each mail has to carry.

    POST addresses · POST invitations

May go in here: these calls. May not: rows (`cmp.desk.addresses`, `cmp.desk.invitations`).
"""

from collections.abc import Mapping
from typing import Any

from aiohttp import web

from cmp.desk import addresses, invitations
from cmp.desk.addresses import Origin
from cmp.desk.desk import Books
from cmp.desk.invitations import Invitation
from cmp.desk.link import Link
from cmp.desk.offer import OptOutList
from cmp.server.context import SITE
from cmp.server.operator.calls import CALLS, CHANGERS, READERS, Call
from cmp.server.operator.problems import NOT_OFFERED, UNKNOWN_LIST
from cmp.server.problems import BAD_REQUEST, Failure


def setup(app: web.Application) -> None:
    app[CALLS].add("POST", "addresses", _register, CHANGERS, ("addresses", "source"))
    app[CALLS].add("POST", "invitations", _invite, READERS, ("addresses", "list"))


async def _register(call: Call) -> Mapping[str, Any] | Failure:
    if not call.offer.record_source:
        return Failure(NOT_OFFERED)
    texts, source = call.texts("addresses"), call.one_of("source", list(Origin))
    if isinstance(texts, Failure):
        return texts
    if isinstance(source, Failure):
        return source
    wrong = await call.clerk.do(addresses.register, call.one_client, texts, Origin(source), int(call.now))
    if isinstance(wrong, Failure):
        return wrong
    return {"registered": len(texts) - len(wrong), "noAddresses": wrong}


async def _invite(call: Call) -> Mapping[str, Any] | Failure:
    if not call.offer.record_source:
        return Failure(NOT_OFFERED)
    texts, name = call.texts("addresses"), call.text("list", longest=64)
    if isinstance(texts, Failure) or isinstance(name, Failure):
        return texts if isinstance(texts, Failure) else Failure(BAD_REQUEST, "list is the id of an opt-out list")
    list_ = call.offer.opt_outs.get(name)
    if list_ is None:
        return Failure(UNKNOWN_LIST)

    def work(books: Books) -> list[Invitation]:
        return [invitations.invite(books, call.one_client, list_, text) for text in texts]

    found = await call.clerk.do(work)
    if isinstance(found, Failure):
        return found
    return {"invitations": [_told(call, list_, invitation) for invitation in found]}


def _told(call: Call, list_: OptOutList, invitation: Invitation) -> Mapping[str, Any]:
    if invitation.refused is not None:
        told = {"address": invitation.address, "invite": False, "reason": invitation.refused.value}
        return {**told, "source": invitation.source} if invitation.source else told
    site = call.main[SITE]
    token = call.clerk.token(Link(list_.id, list_.client(call.one_client), invitation.address))
    link = f"{site.origin}{site.reserved}opt-out/{token}"
    told = {"address": invitation.address, "invite": True, "source": invitation.source, "optOut": link}
    # RFC 8058, section 3.1: both fields, and a DKIM signature over them, which is the mailer's to make.
    fields = {"List-Unsubscribe": f"<{link}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}
    return {**told, "headers": fields} if list_.one_click else told
