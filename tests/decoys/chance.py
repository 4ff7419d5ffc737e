"""Choices that a seed alone decides, the same on every interpreter: Jython's ``random`` is not CPython's."""
from __future__ import absolute_import, division, print_function, unicode_literals

import hashlib


class Chance(object):
    """A row of choices; ``seed`` is any words."""

    def __init__(self, seed):
        self._seed = seed
        self._drawn = 0

    def number(self, count):
        """Return a whole number from 0 to ``count`` - 1."""
        self._drawn += 1
        digest = hashlib.sha256(("%s %d" % (self._seed, self._drawn)).encode("utf-8")).hexdigest()
        return int(digest[:12], 16) % count

    def happens(self, percent):
        """Tell whether something happens that does so in ``percent`` of all cases."""
        return self.number(100) < percent

    def of(self, things):
        """Return one of ``things``."""
        return things[self.number(len(things))]

    def in_any_order(self, things):
        """Return all of ``things``, in an order of chance."""
        rest, found = list(things), []
        while rest:
            found.append(rest.pop(self.number(len(rest))))
        return found

    def hexadecimal(self):
        """Return eight hexadecimal digits."""
        return "%08x" % self.number(2 ** 32)
