"""The detectors, one file each, in the order of the report.

May go in here: the list. May not: detecting. A code is never renamed, and never used again for something else.
"""

from collections.abc import Iterator
from typing import Protocol

from cmp.audit.decision_log import Review
from cmp.audit.detectors import (
    cap_incomplete,
    consent_cookie_wall,
    consent_read_after_reject,
    consent_read_before,
    consent_request_after_reject,
    consent_request_before,
    consent_set_after_reject,
    consent_set_before,
    consent_signal_overclaim,
    decl_conditional_lifetime,
    decl_confined_cookie,
    decl_despite_never,
    decl_lifetime_exceeds,
    decl_region,
    decl_review_overdue,
    decl_session_persistent,
    decl_transfer_obsolete,
    decl_undeclared_cookie,
    decl_undeclared_host,
    leak_form_values,
    leak_person_with_log_data,
    leak_sensitive_data,
    log_broken,
    log_differs,
    log_lost,
    signal_dnt_claim,
    signal_dnt_ignored,
    signal_gpc_ignored,
    track_beacon,
    track_cookie_sync,
    track_first_party_id_leak,
    track_id_cookie,
    track_identifier_passed_on,
    track_pixel,
    track_respawned_cookie,
    transport_insecure,
    widget_before_click,
)
from cmp.audit.evidence import Evidence
from cmp.audit.finding import Finding
from cmp.capture.capture import Gap
from cmp.core.exchange import Unseen


class Described(Protocol):
    """What every module here has: its code, and what a count of it means.

    Its docstring says under fixed headings what it finds, why it matters, an example, what it does not see, and where
    it comes from.
    """

    __doc__: str | None

    @property
    def CODE(self) -> str: ...  # noqa: N802 - a module's constant
    @property
    def MEANING(self) -> str: ...  # noqa: N802 - a module's constant


class Detector(Described, Protocol):
    """One that looks at a capture. It says without which parts it cannot assess."""

    @property
    def NEEDS(self) -> frozenset[Unseen | Gap]: ...  # noqa: N802 - a module's constant

    def find(self, evidence: Evidence) -> Iterator[Finding]: ...


class LogDetector(Described, Protocol):
    """One that looks at a decision log."""

    def find(self, log: Review) -> Iterator[Finding]: ...


DETECTORS: tuple[Detector, ...] = (
    consent_request_before,
    consent_request_after_reject,
    consent_set_before,
    consent_set_after_reject,
    consent_read_before,
    consent_read_after_reject,
    consent_cookie_wall,
    consent_signal_overclaim,
    widget_before_click,
    signal_gpc_ignored,
    signal_dnt_ignored,
    signal_dnt_claim,
    track_cookie_sync,
    track_first_party_id_leak,
    track_respawned_cookie,
    track_id_cookie,
    track_pixel,
    track_beacon,
    track_identifier_passed_on,
    leak_form_values,
    leak_sensitive_data,
    leak_person_with_log_data,
    transport_insecure,
    decl_despite_never,
    decl_undeclared_host,
    decl_undeclared_cookie,
    decl_lifetime_exceeds,
    decl_session_persistent,
    decl_conditional_lifetime,
    decl_confined_cookie,
    decl_region,
    decl_transfer_obsolete,
    decl_review_overdue,
    cap_incomplete,
)

LOG_DETECTORS: tuple[LogDetector, ...] = (log_broken, log_differs, log_lost)
