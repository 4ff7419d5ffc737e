"""Open a lab: in memory, or kept in a folder, where it is made if it is new."""
from __future__ import absolute_import, division, print_function, unicode_literals

import os
import shutil
import tempfile

from fakes import inventory, saved
from fakes.lab import Lab
from fakes.model import VirtualizationManager
from vibackup import compat, errors

MAKING_FILE = "making"
_HALF_MADE = {MAKING_FILE, "layers", saved.STATE_FILE + ".new"}


def open_lab(folder=None, inventory_path=None):
    """Return an installed lab: the one kept in ``folder``, made there from the inventory if it is new.

    Without a folder it lives in memory and a temporary folder, and goes away when it is closed. The
    inventory is the bundled demo unless a path is given. Raises UsageError for a folder that holds
    something else, or an inventory that is wrong.
    """
    current = VirtualizationManager.lab
    if current is not None and current.spec == (folder, inventory_path):
        return current
    if folder is None:
        lab = Lab(tempfile.mkdtemp(prefix=str("vibackup-lab-")), persistent=False)
        _fill(lab, inventory_path)
    else:
        lab = _open_folder(os.path.abspath(compat.native(folder)), inventory_path)
    lab.spec = (folder, inventory_path)
    return lab.install()


def _open_folder(folder, inventory_path):
    lab = Lab(folder, persistent=True)
    folder = lab.folder
    if not saved.is_in(folder):
        _check_free(folder)
        description = inventory.load(inventory_path)
        try:
            _make(lab, description)
        except (IOError, OSError) as error:
            raise errors.UsageError("--lab=%s: %s" % (compat.text(folder), compat.message(error)))
    lab.refresh()
    return lab


def _check_free(folder):
    """Raise UsageError where the folder holds anything but a lab, or one that is being made."""
    if not os.path.exists(folder):
        return
    if not os.path.isdir(folder):
        raise errors.UsageError("--lab=%s: not a folder" % compat.text(folder))
    names = set(compat.text(name) for name in os.listdir(folder))
    ours = {"lock"} | (_HALF_MADE if MAKING_FILE in names else set())
    foreign = [name for name in names - ours if not name.startswith("lock.new-")]
    if foreign and not saved.is_in(folder):
        raise errors.UsageError(
            "--lab=%s: the folder holds something that is not a lab; name a new or empty folder" % compat.text(folder))


def _make(lab, description):
    """Make the lab once, however many processes want to; what one that was killed has made of it goes."""
    with lab.exclusive():
        if saved.is_in(lab.folder):
            return
        making = os.path.join(lab.folder, MAKING_FILE)
        open(making, "wb").close()
        shutil.rmtree(os.path.join(lab.folder, "layers"), ignore_errors=True)
        inventory.build(lab, description)
        lab.save()
        os.remove(making)
        lab.made_here = True


def _fill(lab, inventory_path):
    try:
        inventory.build(lab, inventory.load(inventory_path))
    except errors.UsageError:
        lab.close()
        raise
