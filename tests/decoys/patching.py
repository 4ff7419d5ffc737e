"""Replace an attribute for a while."""
from __future__ import absolute_import, division, print_function, unicode_literals

import contextlib


@contextlib.contextmanager
def patched(thing, name, value):
    """Have ``thing.name`` be ``value`` in the body."""
    before = getattr(thing, name)
    setattr(thing, str(name), value)
    try:
        yield
    finally:
        setattr(thing, str(name), before)
