"""The decision log: what the proxy blocked, changed and let pass, and why; never for whom.

May go in here: which words of a decision are written, the chain of lines, files, the thread that writes, and checking.
May not: hooks (`addons`), what is decided (`cmp.core`), holding the log against a capture (`cmp.audit`).
"""
