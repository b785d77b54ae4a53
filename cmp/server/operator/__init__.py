"""The operator listener: the desk from the inside, for the operator's own people and programs.

May go in here: an application of its own on a port of its own, one topic a file. May not: anything a visitor can reach,
pages, what is stored (`cmp.desk`). docs/desk.md lists every call.
"""
