"""Decisions carried out on live mitmproxy flows: what the addons call.

May go in here: steps on one flow, and the values that say how. May not: hooks (`addons`), deciding (`cmp.core`), edits
of bytes and markup (`cmp.wire`).
"""
