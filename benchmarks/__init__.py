"""Measurements beside a peer in the same run, as ratios. `make bench` runs them all.

May go in here: timing. May not: assertions on times; a test that fails on a slow machine tells nobody anything.
"""
