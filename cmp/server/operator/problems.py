"""What can be wrong with a call of the operator listener, as values. English alone: programs and operators read it.

May go in here: codes and HTTP statuses. May not: what visitors are told (`cmp.server.problems`). The codes are a
contract: they are never renamed.
"""

from types import MappingProxyType

from cmp.server.problems import Problem


def _problem(status: int, code: str, en: str) -> Problem:
    return Problem(status, code, MappingProxyType({"en": en}))


UNAUTHENTICATED = _problem(401, "unauthenticated", "Send a token of the token file: Authorization: Bearer TOKEN")
WRONG_HOST = _problem(403, "wrong-host", "Call this listener by the address it listens on")
PROXIED = _problem(403, "proxied", "This listener is not for use through a proxy or from another site's page")
ROLE = _problem(403, "role", "Your role may not do this")
OTHER_CLIENT = _problem(403, "other-client", "Your token is for another client")
NOT_OFFERED = _problem(404, "not-offered", "The policy in force does not offer this")
UNKNOWN_CLIENT = _problem(400, "unknown-client", "The policy in force names no such client")
UNKNOWN_LIST = _problem(404, "unknown-list", "The policy in force names no such opt-out list")
UNKNOWN_PURPOSE = _problem(404, "unknown-purpose", "The policy in force names no such purpose")
UNKNOWN_REQUEST = _problem(404, "unknown-request", "There is no such request")
NOT_NOW = _problem(409, "not-now", "A request in this state cannot go over to that one")
NO_REASON = _problem(400, "no-reason", "A request is declined with a reason")
NOT_IDENTIFIED = _problem(409, "not-identified", "The policy says that identity is checked first")
CANNOT_STOP = _problem(409, "cannot-stop", "This purpose cannot be stopped")
NOT_ASKED = _problem(409, "not-asked", "Nobody is asked about this purpose: it does not rest on a choice")
UNKNOWN_ENTRY = _problem(400, "unknown-entry", "upto is not the number of an entry of this list")
NOT_READY = _problem(503, "not-ready", "The ledger does not answer, or the last choice could not be stored")
BUSY = _problem(429, "too-many", "Too many calls without a token")
