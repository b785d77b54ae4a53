"""A small web site of ours with its third parties, on loopback, and a visitor who walks it without a browser.

May go in here: what `make demo` and the browser tests look at. May not: anything the product needs; nothing under
`cmp` or `addons` imports this package, and this package imports neither.
"""
