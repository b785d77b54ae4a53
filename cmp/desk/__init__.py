"""The desk: what people ask of the operator beside cookie choices, what they were told, and what became of it.

May go in here: opt-outs, addresses and where they came from, rights requests, consents for purposes off the web,
disclosures, the access log, purging, numbers; what a policy offers of these; the file they are kept in. May not: HTTP,
markup, deciding on requests and cookies. Imports the core, the standard library and `cryptography` only. docs/desk.md
says what the desk does and what it does not.
"""
