"""Traffic as recorded or as it happens, read into exchanges.

May go in here: reading HAR and flow files, and one mitmproxy flow, into the values of `cmp.core.exchange`. May not:
deciding, judging, or changing a message.
"""
