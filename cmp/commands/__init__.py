"""The commands of `consentry`, one module each.

May go in here: reading arguments, calling the product, printing. May not: anything another program would want to call.
Each module has `add_to(subparsers)` and a `run(arguments) -> int` that answers the exit status.
"""
