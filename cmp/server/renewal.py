"""A refusal's cookie begins its time anew while the visitor keeps coming.

May go in here: setting the same cookie again. May not: changing what it says.

Without it a refusal would end 400 days after it was made, also for somebody who comes every day, and what is allowed
where nobody chose would begin again by itself. A cookie with a grant that holds is never set again: an answer that
arrives after a withdrawal would bring the grant back.
"""

from aiohttp import web

from cmp.seal.holding import LONGEST, lasting
from cmp.server.answers import add_set_cookies
from cmp.server.caller import Caller
from cmp.server.context import SITE


def renew(app: web.Application, caller: Caller, response: web.StreamResponse) -> None:
    """Sets the visitor's own cookie again where it holds a refusal that must not end by itself."""
    if caller.visitor.granted or not lasting(caller.policy, caller.visitor.refused):
        return
    site = app[SITE]
    values = [cookie.value for cookie in caller.cookies if cookie.name == site.cookie_name]
    add_set_cookies(response, [site.set_cookie(value, LONGEST) for value in values])
