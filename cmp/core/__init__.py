"""The pure heart: policy, visitor and exchange as values, and the one decision made of them.

May go in here: frozen values and functions from values to values. May not: input or output, clocks, randomness,
logging, threads, and anything outside the standard library. The proxy and the auditor call the same functions, so
nothing in here may know which of the two is asking.
"""
