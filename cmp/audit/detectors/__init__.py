"""The detectors, one file each, in the order of the report.

May go in here: the list. May not: detecting. A code is never renamed, and never used again for something else.
"""

from collections.abc import Iterator
from typing import Protocol

from cmp.audit.decision_log import Review
from cmp.audit.detectors import (
    cap_incomplete,
    consent_after_withdrawal,
    consent_cookie_wall,
    consent_intensified,
    consent_no_record,
    consent_read_after_reject,
    consent_read_before,
    consent_request_after_reject,
    consent_request_before,
    consent_set_after_reject,
    consent_set_before,
    consent_signal_missing,
    consent_signal_overclaim,
    consent_stale,
    consent_state_mismatch,
    decl_conditional_lifetime,
    decl_confined_cookie,
    decl_despite_never,
    decl_lifetime_exceeds,
    decl_never_seen,
    decl_party_mismatch,
    decl_region,
    decl_review_overdue,
    decl_session_persistent,
    decl_sliding_lifetime,
    decl_transfer_obsolete,
    decl_undeclared_cookie,
    decl_undeclared_host,
    hygiene_cookie_attributes,
    leak_form_values,
    leak_person_with_log_data,
    leak_sensitive_data,
    log_broken,
    log_differs,
    log_lost,
    proxy_bypass,
    proxy_leak,
    proxy_overblock,
    signal_dnt_claim,
    signal_dnt_ignored,
    signal_gpc_ignored,
    track_beacon,
    track_bounce,
    track_cname_cloak,
    track_cookie_sync,
    track_etag_identifier,
    track_first_party_id_leak,
    track_id_cookie,
    track_identifier_passed_on,
    track_link_decoration,
    track_pixel,
    track_respawned_cookie,
    track_session_replay,
    track_websocket,
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
    consent_after_withdrawal,
    consent_cookie_wall,
    consent_intensified,
    consent_state_mismatch,
    consent_stale,
    consent_no_record,
    consent_signal_overclaim,
    consent_signal_missing,
    widget_before_click,
    signal_gpc_ignored,
    signal_dnt_ignored,
    signal_dnt_claim,
    track_cookie_sync,
    track_first_party_id_leak,
    track_link_decoration,
    track_bounce,
    track_cname_cloak,
    track_respawned_cookie,
    track_etag_identifier,
    track_id_cookie,
    track_pixel,
    track_beacon,
    track_websocket,
    track_session_replay,
    track_identifier_passed_on,
    leak_form_values,
    leak_sensitive_data,
    leak_person_with_log_data,
    transport_insecure,
    hygiene_cookie_attributes,
    decl_despite_never,
    decl_undeclared_host,
    decl_undeclared_cookie,
    decl_lifetime_exceeds,
    decl_session_persistent,
    decl_sliding_lifetime,
    decl_conditional_lifetime,
    decl_confined_cookie,
    decl_party_mismatch,
    decl_never_seen,
    decl_region,
    decl_transfer_obsolete,
    decl_review_overdue,
    proxy_leak,
    proxy_overblock,
    cap_incomplete,
)

LOG_DETECTORS: tuple[LogDetector, ...] = (log_broken, log_differs, log_lost, proxy_bypass)
