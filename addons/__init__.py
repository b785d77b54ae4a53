"""mitmproxy addons: thin; they observe, decide, record and apply.

May go in here: hooks of mitmproxy. May not: rules, wording, file formats. A file here can also be given to
`mitmdump -s`, which runs it as a second module with this folder on the import path for good: so imports are absolute
and from `cmp.*` only, there is no module state, and no file is called like a package of somebody else.
"""
