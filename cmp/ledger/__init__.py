"""The ledger: every choice, stored for good before it is acknowledged, and provably neither lost nor altered.

May go in here: the form of records, their chains of hashes, the database they live in, checking and counting them. May
not: HTTP, cookies, deciding. Imports the core, the standard library and `cryptography` only. docs/ledger.md says what
is kept about whom, and what the chains show and do not show.
"""
