"""The lab: a manager in memory, faithful enough to rehearse and test every backup with no Virtual Iron."""
from __future__ import absolute_import, division, print_function, unicode_literals

import os
import sys

from vibackup import compat

FOLDER = os.path.dirname(os.path.abspath(__file__))

if not compat.JYTHON:
    _java = os.path.join(FOLDER, str("cpython"))
    if _java not in sys.path:
        sys.path.append(_java)
