"""Syncs: a directory's people read, compared and applied.

The way of the data, module by module: `spool` keeps what was read, `staging` gives it the list's
types, `compare` works out the change set, `guards` look at it, `apply` writes it. `runner` leads a
run through them; `runs` keeps their history; `mapping` helps to set a sync up.
"""
