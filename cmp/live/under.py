"""What a flow was decided under, kept for as long as the flow lives: a reload in between changes nothing for it.

May go in here: keeping it. May not: what is decided.

Kept in memory and not in the flow's notes, which are written to flow files. References are weak: of a flow that ended
in whatever way nothing stays.
"""

from dataclasses import dataclass, field
from weakref import WeakKeyDictionary

from mitmproxy import http

from cmp.capture.carrying import Carrying
from cmp.core.exchange import Exchange
from cmp.live.enforcement import Enforcement


@dataclass
class Course:
    """How one flow is dealt with from beginning to end.

    `enforced`: decisions are carried out on it. `excluded`: nothing of it is changed, whatever is enforced. `reduce`:
    what identifies has to be taken out of the body that is waited for. `holds`: that body holds data the policy limits.
    `heard`: what was found in a body that was listened to as it passed. `asked`: the request as it was last decided on.
    """

    now: Enforcement
    carrying: Carrying
    enforced: bool
    excluded: bool = False
    reduce: bool = False
    holds: bool = False
    heard: set[str] = field(default_factory=set)
    asked: Exchange | None = None


class Under:
    """The course of each flow that lives."""

    def __init__(self) -> None:
        self._courses: WeakKeyDictionary[http.HTTPFlow, Course] = WeakKeyDictionary()

    def __len__(self) -> int:
        return len(self._courses)

    def keep(self, flow: http.HTTPFlow, course: Course) -> None:
        self._courses[flow] = course

    def of(self, flow: http.HTTPFlow) -> Course | None:
        return self._courses.get(flow)
