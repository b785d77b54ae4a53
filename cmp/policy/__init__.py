"""Policy documents: reading, checking, completing and compiling them, and telling people what they decide.

May go in here: everything between a JSON file an operator wrote and a `cmp.core.policy.Policy`. May not: the decision
itself (`cmp.core`), traffic, and the consent server.
"""
