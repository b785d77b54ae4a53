"""Values that are signed: the consent cookie and the form token, and the keys they are signed with.

May go in here: making and checking signed values. May not: HTTP, storage of consent, deciding. The server signs; the
proxy and the auditor only check, with the public half of the keys.
"""
