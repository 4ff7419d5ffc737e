# -*- coding: utf-8 -*-
"""A secret that is nowhere but in the environment: what the whole suite writes and prints is searched for it.

It is a password by the name of its variable, and the one of the repositories that real agents use in tests.
"""
from __future__ import absolute_import, division, print_function, unicode_literals

import os
import tempfile
import time
import uuid

from vibackup import compat

VARIABLE = "VIBACKUP_CANARY_PASSWORD"
_PIECE = 1024 * 1024  # bytes that are searched at once
_LARGEST = 64 * _PIECE

os.environ.setdefault(str(VARIABLE), str("canary-" + uuid.uuid4().hex))  # processes that a test starts inherit it
VALUE = compat.text(os.environ[str(VARIABLE)])

hits = []  # where it was found, in words
_begun = time.time()


def note(where, words):
    """Look for the secret in ``words`` (text), which ``where`` has said."""
    if VALUE in words:
        hits.append("%s: ...%s" % (where, words[max(0, words.index(VALUE) - 80):][:80]))


def holders(folder, value=VALUE):
    """Return the paths of the files below ``folder`` that hold ``value``, also in their names."""
    found, wanted = [], value.encode("utf-8")
    for where, folders, names in os.walk(compat.native(compat.text(folder))):
        found += [os.path.join(where, name) for name in folders + names if value in compat.text(name)]
        found += [path for path in (os.path.join(where, name) for name in names) if _holds(path, wanted)]
    return found


def _holds(path, wanted):
    if os.path.islink(path) or not os.path.isfile(path):
        return False
    try:
        with open(path, "rb") as stream:
            return any(wanted in piece for piece in _pieces(stream, len(wanted)))
    except (IOError, OSError):
        return False  # what we may not read, or is gone by now


def _pieces(stream, overlap):
    """Yield what a file holds piece by piece, each with the last ``overlap`` bytes of the one before it in front."""
    before, place = b"", _next_data(stream, 0)
    while place is not None:
        stream.seek(place)
        data = stream.read(_PIECE)
        yield before + data
        before, place = data[-overlap:], _next_data(stream, place + len(data)) if data else None


def _next_data(stream, place):
    """Return where from ``place`` on a file holds something, or None: files of tests may be terabytes of nothing.

    Where the interpreter cannot tell, very large files are left to the ones that can.
    """
    if not hasattr(os, "SEEK_DATA"):
        return place if os.path.getsize(stream.name) <= _LARGEST else None
    try:
        return os.lseek(stream.fileno(), place, os.SEEK_DATA)
    except OSError:
        return None


def look_below(*folders):
    """Search ``folders``, and what labs have left in the folder for temporary files since the session began."""
    place = tempfile.gettempdir()
    labs = [os.path.join(place, name) for name in os.listdir(place) if name.startswith("vibackup-")]
    for folder in list(folders) + [lab for lab in labs if os.path.isdir(lab) and os.stat(lab).st_mtime >= _begun]:
        hits.extend("the file %s" % compat.text(path) for path in holders(folder))
