"""The consent server: takes a visitor's choice, stores it, and shows what holds.

May go in here: HTTP (aiohttp) and nothing below it, one concern a file, each set up by a function called `setup`. May
not: mitmproxy, deciding (`cmp.core`), the form of records (`cmp.ledger`) and of signed values (`cmp.seal`), markup and
wording (`cmp.wire`). docs/server.md describes every endpoint.
"""
