"""Consent-management platform: policies, decisions, consent server, proxy and auditor."""

__version__ = "0.1.0"
