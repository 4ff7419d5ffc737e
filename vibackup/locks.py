"""Locks between processes: a folder that holds one file, which says whose it is.

Only ``rename`` of a folder over an empty one is relied on, which is atomic on every POSIX system
and on Jython. The lock of a dead process is broken by removing its own file, so a lock that was
taken again in between is never touched.
"""
from __future__ import absolute_import, division, print_function, unicode_literals

import errno
import os
import shutil
import socket
import subprocess
import uuid

from vibackup import compat, records, state

# Who holds a lock whose file cannot be read.
_UNKNOWN = {"host": "?", "pid": 0, "started": None}
_TRIES = 100
_LARGEST = 65536  # bytes of such a file


def this_process():
    """Return who we are: ``{"host", "pid", "started"}``; a process id that is used again differs in ``started``."""
    try:
        begun = started(os.getpid())
    except NotKnown:
        begun = None  # nobody will think this process dead
    return {"host": compat.text(socket.gethostname()), "pid": os.getpid(), "started": begun}


class NotKnown(Exception):
    """The system does not say whether a process lives."""


def started(pid):
    """Return when process ``pid`` began, as text that only compares equal, or None where there is none.

    Raises NotKnown where the system does not tell.
    """
    if os.path.isdir("/proc/self"):
        return _started_by_proc(pid)
    return _started_by_ps(pid)


def _started_by_proc(pid):
    try:
        with open("/proc/sys/kernel/random/boot_id", "rb") as boot:
            boot_id = boot.read().strip()
        with open("/proc/%d/stat" % pid, "rb") as stat:
            fields = stat.read().rpartition(b")")[2].split()
    except (IOError, OSError) as error:
        if error.errno in (errno.ENOENT, errno.ESRCH) and not os.path.isdir("/proc/%d" % pid):
            return None
        raise NotKnown(compat.message(error))
    if fields[0] in (b"Z", b"X"):
        return None
    return "%s/%s" % (compat.text(boot_id), compat.text(fields[19]))


def _started_by_ps(pid):
    everywhere = dict(os.environ, LC_ALL=str("C"), TZ=str("UTC"))  # ps speaks the user's language, and local time
    try:
        ps = subprocess.Popen(["ps", "-o", "lstart=", "-p", str(pid)], env=everywhere, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE)
        words, complaint = ps.communicate()
    except OSError as error:
        raise NotKnown(compat.message(error))
    if complaint.strip():
        raise NotKnown(compat.text(complaint))
    return compat.text(words).strip() or None


def is_dead(owner):
    """Tell whether the process in ``owner`` is known to be gone; one of another host is never known to be."""
    try:
        if owner["started"] is None or not _is_here(owner):
            return False
        return started(int(owner["pid"])) != owner["started"]
    except (AttributeError, KeyError, OverflowError, TypeError, ValueError, NotKnown):
        return False


def is_gone(pid):
    """Tell whether no process of this machine has the number ``pid``."""
    try:
        return started(pid) is None
    except NotKnown:
        return False


def is_elsewhere(owner):
    """Tell whether ``owner`` is a process of another machine, as far as can be told."""
    try:
        return not _is_here(owner)
    except (AttributeError, KeyError, TypeError, NotKnown):
        return False


def _is_here(owner):
    """Tell whether a process was one of this machine, whatever it was called then, since it was started."""
    if owner["host"] == compat.text(socket.gethostname()):
        return True
    begun = started(os.getpid()) or ""
    return "/" in begun and begun.split("/")[0] == owner["started"].split("/")[0]


def take(folder, owner):
    """Take the lock ``folder`` for ``owner`` (a dict made from ``this_process``).

    Returns None when it is ours now, otherwise the dict of who holds it. Does not wait, and does not
    break anything: see ``break_dead``.
    """
    parent = os.path.dirname(folder)
    if not os.path.isdir(parent):
        _make_folders(parent)
    for _try in range(_TRIES):
        new = _new_folder(folder, owner)
        try:
            os.rename(new, folder)
            return None
        except OSError:
            shutil.rmtree(new)
        found = holder(folder)
        if found is not None:
            return found  # otherwise it was given back meanwhile
    return dict(_UNKNOWN)


def _new_folder(folder, owner):
    """Make a folder beside ``folder`` that holds the file of ``owner``, and return its path."""
    new = "%s.new-%s" % (folder, uuid.uuid4().hex)
    os.mkdir(new, state.FOLDER_MODE)
    try:
        os.chmod(new, state.FOLDER_MODE)
        with state.new_file(os.path.join(new, _file_name(owner))) as stream:
            stream.write(records.sealed(owner))
            stream.flush()
            os.fsync(stream.fileno())
        return new
    except (IOError, OSError):
        if os.path.isdir(new):
            raise
    return _new_folder(folder, owner)  # somebody has tidied the empty one away


def holder(folder):
    """Return who holds the lock ``folder``, or None where nobody does."""
    try:
        names = sorted(os.listdir(folder))
    except OSError:
        return None
    for name in names:
        try:
            with open(os.path.join(folder, name), "rb") as stream:
                return records.unsealed(stream.read(_LARGEST))
        except (IOError, OSError):
            continue  # released while we looked
        except ValueError:
            return dict(_UNKNOWN)
    return None


def is_damaged(owner):
    """Tell whether ``owner`` is what ``holder`` makes of a file that cannot be read: it may be of a living process."""
    return owner == _UNKNOWN


def drop(folder, owner):
    """Release the lock ``folder`` if ``owner`` holds it; a lock of somebody else is left alone."""
    _remove_quietly(os.remove, os.path.join(folder, _file_name(owner)))
    _remove_quietly(os.rmdir, folder)


def break_dead(folder, owner):
    """Remove the lock that ``owner``, a process known to be dead, left at ``folder``."""
    if is_dead(owner):
        drop(folder, owner)


def tidy(folder):
    """Remove what a process that is gone left at ``folder``: its lock, or one that it had begun to take or to drop."""
    owner = holder(folder)
    if owner is None:
        _remove_quietly(os.rmdir, folder)  # which removes no folder that has something in it by now
    else:
        break_dead(folder, owner)


def _file_name(owner):
    return "%s-%s.json" % (owner["pid"], owner.get("token", "owner"))


def _remove_quietly(remove, path):
    try:
        remove(path)
    except OSError:
        return  # gone already, or taken by another in between: both are what we want


def _make_folders(path):
    try:
        os.makedirs(path)
    except OSError:
        if not os.path.isdir(path):
            raise
