"""Names of virtual servers and disks may hold anything; these are fit for a file, an agent and a person."""
from __future__ import absolute_import, division, print_function, unicode_literals

import hashlib
import re

from vibackup import compat

LONGEST_NAME = 100  # characters; file systems and agents take at least this many
_UNSAFE_BYTE = re.compile(b"[^A-Za-z0-9._-]|^[.-]")
_CUT_ESCAPE = re.compile("%[0-9A-F]?$")
# What moves a terminal's cursor, ends a line, or turns the direction of writing.
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")


def safe_name(name):
    """Return ``name`` as text that is one path component, one word, and never an option.

    All but letters, digits, ``.``, ``_`` and ``-`` is percent-encoded as UTF-8, and so is a ``-`` or
    ``.`` at the front. What is longer than LONGEST_NAME is cut and ends with a hash of the whole.
    Distinct names give distinct results, and none is empty.
    """
    data = compat.text(name).encode("utf-8", "surrogatepass" if compat.PYTHON3 else "strict")
    encoded = _UNSAFE_BYTE.sub(_percent_encoded, data).decode("ascii")
    if not encoded:
        return "%"
    if len(encoded) <= LONGEST_NAME:
        return encoded
    # Neither a lone "%" nor "%-" comes out of the encoding, so no other name can give these.
    tail = "%-" + compat.text(hashlib.sha256(data).hexdigest()[:32])
    return _CUT_ESCAPE.sub("", encoded[:LONGEST_NAME - len(tail)]) + tail


def _percent_encoded(match):
    return ("%%%02X" % ord(match.group(0))).encode("ascii")


def printable(name):
    """Return ``name`` as it may be shown on one line of a terminal or a log: control characters as escapes."""
    return _CONTROL.sub(lambda match: "\\x%02x" % ord(match.group(0)), name)
