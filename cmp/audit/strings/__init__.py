"""What the industry's consent strings say: read for the auditor, never written and never changed.

May go in here: decoding, one file a format. May not: comparing with what the visitor chose (`cmp.audit.claims`).
"""
