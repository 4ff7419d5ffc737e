"""The part of ``java.lang`` that management scripts use."""
from __future__ import absolute_import, division, print_function, unicode_literals

import sys
import traceback


class Throwable(Exception):
    """Any error of the manager."""

    def getMessage(self):
        """Return what the error says."""
        return self.args[0] if self.args else None

    def printStackTrace(self):
        """Print the error and where it came from on standard error."""
        if sys.exc_info()[1] is self:
            traceback.print_exc()
        else:
            sys.stderr.write("%s: %s\n" % (type(self).__name__, self))


class RuntimeException(Throwable):
    """An error that a method need not declare."""


class Long(object):
    """Java's boxed whole number."""

    @staticmethod
    def toString(value):
        """Return ``value`` in decimal digits."""
        return str(int(value))
