"""Locks between processes: a folder that holds one file, which says whose it is.

Only ``rename`` of a folder over an empty one is relied on, which is atomic on every POSIX system
and on Jython. The lock of a dead process is broken by removing its own file, so a lock that was
taken again in between is never touched.
"""
from __future__ import absolute_import, division, print_function, unicode_literals

import errno
import json
import os
import shutil
import socket
import subprocess
import uuid

from vibackup import compat

# Who holds a lock whose file cannot be read.
_UNKNOWN = {"host": "?", "pid": 0, "started": None}


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
    except (AttributeError, KeyError, TypeError, ValueError, NotKnown):
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
    new = "%s.new-%s" % (folder, uuid.uuid4().hex)
    os.mkdir(new)
    os.chmod(new, 0o700)
    with open(os.path.join(new, _file_name(owner)), "wb") as stream:
        stream.write(json.dumps(owner, sort_keys=True).encode("ascii"))
    try:
        os.rename(new, folder)
        return None
    except OSError:
        shutil.rmtree(new)
        return holder(folder) or dict(_UNKNOWN)


def holder(folder):
    """Return who holds the lock ``folder``, or None where nobody does."""
    try:
        names = sorted(os.listdir(folder))
    except OSError:
        return None
    for name in names:
        try:
            with open(os.path.join(folder, name), "rb") as stream:
                owner = json.loads(stream.read().decode("ascii"))
            return owner if isinstance(owner, dict) else dict(_UNKNOWN)
        except (IOError, OSError):
            continue  # released while we looked
        except ValueError:
            return dict(_UNKNOWN)
    return None


def drop(folder, owner):
    """Release the lock ``folder`` if ``owner`` holds it; a lock of somebody else is left alone."""
    _remove_quietly(os.remove, os.path.join(folder, _file_name(owner)))
    _remove_quietly(os.rmdir, folder)


def break_dead(folder, owner):
    """Remove the lock that ``owner``, a process known to be dead, left at ``folder``."""
    if is_dead(owner):
        drop(folder, owner)


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
