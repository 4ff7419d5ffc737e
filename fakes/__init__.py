"""The lab: a manager in memory, faithful enough to rehearse and test every backup with no Virtual Iron."""
from __future__ import absolute_import, division, print_function, unicode_literals

import os
import sys

from vibackup import compat

FOLDER = os.path.dirname(os.path.abspath(__file__))

def _has_java_api():
    if not compat.JYTHON:
        return False
    from java.lang import Class, ClassNotFoundException
    try:
        Class.forName("com.virtualiron.vce.mgmt.api.LabBackend")
        return True
    except ClassNotFoundException:
        return False


# Whether the jar made of fakes/contract is on the class path: then scripts meet Java's own types.
JAVA_API = _has_java_api()

if not compat.JYTHON:
    _java = os.path.join(FOLDER, str("cpython"))
    if _java not in sys.path:
        sys.path.append(_java)
