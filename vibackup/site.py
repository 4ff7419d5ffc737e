"""The two places a run can work on: the VM server it is started on, or a lab."""
from __future__ import absolute_import, division, print_function, unicode_literals

import os

from vibackup import compat, manager
from vibackup.clock import SystemClock
from vibackup.ssh import SshGuests


def connect():
    """Return the ``manager.Manager`` of this VM server; raise Unavailable where there is none."""
    return manager.connect(SystemClock(), SshGuests())


def connect_lab(lab):
    """Return the ``manager.Manager`` of a ``fakes.lab.Lab`` that is open."""
    return manager.connect(lab.clock, lab.guests, lab)


def state_folder(chosen, lab):
    """Return the state folder: ``chosen`` (None: not chosen), a lab's own, ``$VIBACKUP_STATE``, or ``~/.vibackup``."""
    if chosen:
        return chosen
    if lab is not None:
        return os.path.join(compat.text(lab.folder), "state")
    return compat.environment("VIBACKUP_STATE") or compat.text(os.path.expanduser(str("~/.vibackup")))
