"""Edits of real messages, as bytes and header lists.

May go in here: carrying out what a decision lists, on plain values. May not: deciding, mitmproxy or aiohttp types, I/O.
"""
