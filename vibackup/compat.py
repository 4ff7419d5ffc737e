"""The one place that asks which interpreter this is.

The same source runs on Jython 2.7, CPython 2.7 and CPython 3.6 and later. Whatever
differs between them has one name here.
"""
from __future__ import absolute_import, division, print_function, unicode_literals

import csv
import os
import shlex
import sys
import time

JYTHON = sys.platform.startswith("java")
PYTHON3 = sys.version_info[0] >= 3
# How a child process gets a session of its own, so that Ctrl-C at the terminal is ours to pass on.
if JYTHON or not hasattr(os, "setsid"):
    OWN_SESSION = {}
elif PYTHON3:
    OWN_SESSION = {"start_new_session": True}
else:
    OWN_SESSION = {"preexec_fn": os.setsid}

WINDOWS = getattr(os, "_name", os.name) == "nt"  # os.name is "java" on Jython

if hasattr(time, "monotonic"):
    monotonic = time.monotonic
elif JYTHON:
    from java.lang import System as _System

    def monotonic():
        """Return seconds that never go back, whatever happens to the wall clock."""
        return _System.nanoTime() / 1e9
else:
    def monotonic():
        """Return the same on CPython 2.7; on Windows it has nothing better than the wall clock."""
        return os.times()[4] or time.time()

try:
    from java.lang import Throwable as _Throwable
    FAULTS = (Exception, _Throwable)
except ImportError:
    FAULTS = (Exception,)

if PYTHON3:
    import configparser
    from shlex import quote as shell_quote
    text_type = str
    byte_type = bytes
    number_types = (int,)
else:
    import ConfigParser as configparser  # noqa: F401
    from pipes import quote as shell_quote  # noqa: F401
    text_type = unicode  # noqa: F821
    byte_type = str
    number_types = (int, long)  # noqa: F821


def text(value):
    """Return ``value`` as text, whatever it is: bytes are read as UTF-8, an object by its own words."""
    if isinstance(value, text_type):
        return value
    if isinstance(value, byte_type):
        return value.decode("utf-8", "replace")
    try:
        return text_type(value)
    except UnicodeError:
        return byte_type(value).decode("utf-8", "replace")


def arguments(argv):
    """Return the command line ``argv`` as text; what is not UTF-8 keeps its bytes as escapes."""
    if not PYTHON3:
        return [text(word) for word in argv]
    return [os.fsencode(word).decode("utf-8", "surrogateescape") for word in argv]


def native(value):
    """Return text as this interpreter passes it to the system: bytes on Python 2, text on Python 3."""
    if PYTHON3:
        return os.fsdecode(value.encode("utf-8", "surrogateescape"))
    return value.encode("utf-8") if isinstance(value, text_type) else value


def split_words(line):
    """Return a line split into words as a shell would; raise ValueError where its quotes do not close."""
    return [text(word) for word in shlex.split(native(line))]


def csv_rows(lines):
    """Return the rows of text of the CSV ``lines``; raise ``csv.Error`` where they are none."""
    lines = [line if PYTHON3 else line.encode("utf-8") for line in lines]
    return [[text(value) for value in row] for row in csv.reader(lines)]


def environment(name):
    """Return the environment variable ``name`` as text, or None where it is not set or empty."""
    value = os.environ.get(str(name))
    return text(value) if value else None


def write_text(stream, words):
    """Write ``words`` to ``stream`` as UTF-8, whatever the locale says, and flush it."""
    data = text(words).encode("utf-8", "backslashreplace" if PYTHON3 else "replace")
    raw = getattr(stream, "buffer", None)
    if raw is not None:
        stream.flush()
        raw.write(data)
        raw.flush()
    else:
        stream.write(data if not PYTHON3 else data.decode("utf-8"))
        stream.flush()


def write_error_at_once(words):
    """Write ASCII words to standard error past all buffers, as a signal's handler must. Raises IOError or OSError."""
    if JYTHON:  # which has no file descriptor 2, and threads of their own for signals
        from java.lang import System
        System.err.print(words)
        System.err.flush()
    else:
        os.write(2, words.encode("ascii"))


def is_terminal(stream):
    """Tell whether ``stream`` (or None) writes to a terminal. Jython may not know; Java does, of standard output."""
    if stream is None or stream.isatty():
        return stream is not None
    return stream is sys.__stdout__ and _is_terminal(_console())


def _console():
    if JYTHON:
        from java.lang import System
        return System.console()
    return None


def _is_terminal(console):
    if hasattr(console, "isTerminal"):  # from Java 22 on there is a console wherever the output goes
        return console.isTerminal()
    return console is not None


def terminal_size(stream):
    """Return columns and lines of the terminal that ``stream`` writes to: as it says, or the environment, or 80, 24."""
    try:
        found = os.get_terminal_size(stream.fileno())
    except (AttributeError, IOError, OSError, ValueError):  # Python 2 cannot ask; a closed stream has none
        found = (0, 0)
    return found[0] or _count_in("COLUMNS") or 80, found[1] or _count_in("LINES") or 24


def _count_in(variable):
    words = environment(variable) or ""
    return int(words) if len(words) < 5 and words.isdecimal() else 0


def unwrapped(error):
    """Return the error itself where Java wrapped one that a call does not declare: the wrapper has no words."""
    cause = error.getCause() if hasattr(error, "getCause") and error.getMessage() is None else None
    return error if cause is None else unwrapped(cause)


def message(error):
    """Return what an error says, on one line, for Python and Java errors alike."""
    getter = getattr(error, "getMessage", None)
    words = getter() if getter is not None else error
    words = " ".join(text(words if words is not None else "").split())
    return words or type(error).__name__


def replace(source, target):
    """Rename ``source`` over ``target`` in one atomic step where the system has one (POSIX has)."""
    if hasattr(os, "replace"):
        os.replace(source, target)
        return
    if WINDOWS and os.path.exists(target):  # Python 2 on Windows cannot rename over a file
        os.remove(target)
    os.rename(source, target)


def free_bytes(folder):
    """Return how many bytes the file system of ``folder`` has free for us, or None where nobody can tell."""
    if JYTHON:
        from java.io import File
        return File(text(folder)).getUsableSpace() or None  # 0: it could not find out
    if hasattr(os, "statvfs"):
        found = os.statvfs(native(folder))
        return found.f_bavail * found.f_frsize
    import shutil
    return shutil.disk_usage(native(folder)).free if hasattr(shutil, "disk_usage") else None
