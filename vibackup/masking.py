"""Keep secrets out of everything that is shown or written."""
from __future__ import absolute_import, division, print_function, unicode_literals

import os
import re

from vibackup import compat

MASK = "********"
_SECRET_NAMES = re.compile(r"PASSWORD|PASSWD|PASSPHRASE|SECRET|TOKEN|CREDENTIAL|_PASS$|_KEY$", re.IGNORECASE)
_NOT_SECRET = re.compile(r"(_FILE|_COMMAND|COMMAND)$", re.IGNORECASE)
_IN_ADDRESS = re.compile(r"(://[^/\s:@]*:)[^/\s]+(@)")
_SHORTEST = 4


def mask(words):
    """Return ``words`` without the password of any address in it, nor any secret of our environment."""
    masked = _IN_ADDRESS.sub(r"\1" + MASK + r"\2", compat.text(words))
    for secret in _secrets():
        masked = masked.replace(secret, MASK)
    return masked


def _secrets():
    found = [compat.text(value) for name, value in os.environ.items()
             if _SECRET_NAMES.search(name) and not _NOT_SECRET.search(name)]
    return sorted((secret for secret in found if len(secret) >= _SHORTEST), key=len, reverse=True)
