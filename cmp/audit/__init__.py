"""Captures held against a policy: what would have been decided, and what was delivered although it must not be.

May go in here: replay, detectors, findings and reports, as functions of a policy and a capture. May not: reading
captures (`cmp.capture`), deciding (`cmp.core`), clocks, and anything of the command line or a running server.
"""
