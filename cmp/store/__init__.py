"""What keeps things on disk, below the ledger and the desk: files, locks, settings, and what failures mean.

May go in here: SQLite files that one process writes, where an address leads, database errors as operators read them.
May not: tables and rows; those belong to who uses this. Imports the standard library only.
"""
