"""Lists of others as further sources of rules: their formats, and the folder they are kept in.

May go in here: reading, storing and looking up lists of hosts, rules and cookies that somebody else compiled. May not:
what follows from what they say (`cmp.core.on_lists`), a list itself: none is shipped.
"""
