"""Numbers of the desk: how many requests, opt-outs and consents of which sort.

May go in here: counting, by groups that hold nothing of a person. May not: telling small groups (`suppression.py`).
"""

from collections.abc import Mapping

from cmp.desk.desk import Books

_LAST_EVENT = "e.id = (SELECT max(id) FROM request_event WHERE reference = r.reference)"
_LAST_OPT_OUT = "o.id = (SELECT max(id) FROM opt_out WHERE list = o.list AND client = o.client AND person = o.person)"
_LAST_CONSENT = (
    "c.id = (SELECT max(id) FROM consent WHERE purpose = c.purpose AND client = c.client AND person = c.person)"
)
_REQUESTS = f"FROM request r JOIN request_event e ON {_LAST_EVENT} WHERE ?1 IS NULL OR e.client = ?1"
_OPT_OUTS = f"FROM opt_out o WHERE o.change = 'out' AND {_LAST_OPT_OUT} AND (?1 IS NULL OR o.client = ?1)"
_CONSENTS = f"FROM consent c WHERE c.given = 1 AND {_LAST_CONSENT} AND (?1 IS NULL OR c.client = ?1)"

_TABLES = {
    "requestsByKind": f"SELECT r.kind, count(*) {_REQUESTS} GROUP BY 1",
    "requestsByState": f"SELECT e.state, count(*) {_REQUESTS} GROUP BY 1",
    "requestsBySubject": f"SELECT r.subject, count(*) {_REQUESTS} GROUP BY 1",
    "requestsByMonth": f"SELECT substr(r.day, 1, 7), count(*) {_REQUESTS} GROUP BY 1",
    "optOutsByList": f"SELECT o.list, count(*) {_OPT_OUTS} GROUP BY 1",
    "optOutsBySource": f"SELECT o.source, count(*) {_OPT_OUTS} GROUP BY 1",
    "consentsByPurpose": f"SELECT c.purpose, count(*) {_CONSENTS} GROUP BY 1",
}


def counts(books: Books, client: str | None) -> Mapping[str, Mapping[str, int]]:
    """By table, then by group: how many. Those of a client, or with None of all together."""
    return {
        name: dict(books.connection.execute(statement, (client,)).fetchall()) for name, statement in _TABLES.items()
    }
