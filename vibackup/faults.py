"""Any fault as one of our own errors: what ends a command, or one server of many, is told in one line."""
from __future__ import absolute_import, division, print_function, unicode_literals

import traceback

from vibackup import compat, errors


def as_ours(fault):
    """Return a fault as one of our own errors; one that is not ours is a bug, whose traceback is printed."""
    if isinstance(fault, errors.VibackupError):
        return fault
    if isinstance(fault, (IOError, OSError)):
        return errors.VibackupError(compat.message(fault))
    traceback.print_exc()
    return errors.VibackupError("internal error, please report it: %s: %s" % (
        type(fault).__name__, compat.message(fault)))
