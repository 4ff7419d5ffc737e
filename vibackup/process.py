"""Run a program as a child process: bounded output, a deadline, and a stop that works."""
from __future__ import absolute_import, division, print_function, unicode_literals

import collections
import os
import signal
import subprocess
import threading
import time

from vibackup import compat, errors
from vibackup.guest import Completed
from vibackup.names import printable

KEPT_BYTES = 65536
POLL_SECONDS = 0.05
KILL_AFTER_SECONDS = 10
NOT_FOUND = 127
STOPPED = "it was stopped"


def run(command, timeout=None, on_output=None, should_stop=None, cwd=None, env=None, kept=KEPT_BYTES):
    """Run ``command`` (a ``guest.Command``) and return how it ended, as a ``guest.Completed``.

    ``timeout``: seconds after which it is ended, status None. ``on_output(line)`` is called with each
    line that it prints (a carriage return ends one too). ``should_stop()`` is asked all the while;
    when it says True the program is ended, status None. Of its output the last ``kept`` bytes are kept.
    A program that is not there gives status 127, as in a shell. Raises Refused for a word that no
    program can be given.
    """
    if any("\0" in word for word in command.argv):
        raise errors.Refused("%s: a zero byte cannot be handed to a program" % printable(" ".join(command.argv)))
    files = []
    try:
        return _run(command, files, timeout, on_output, should_stop, cwd, env, kept)
    except UnicodeError:
        raise errors.Refused("%s: what is no text cannot be handed to a program" % _in_ascii(" ".join(command.argv)))
    except (OSError, IOError) as error:
        return Completed(NOT_FOUND, "", "%s: %s" % (command.argv[0], compat.message(error)))
    finally:
        for each in files:  # not before the end: Jython copies them in threads of its own
            each.close()


def _in_ascii(words):
    return words.encode("ascii", "backslashreplace").decode("ascii")


def _run(command, files, timeout, on_output, should_stop, cwd, env, kept):
    child = subprocess.Popen(
        [compat.native(word) for word in command.argv],
        stdin=_open(files, command.stdin or os.devnull, "rb"),
        stdout=_open(files, command.stdout, _write_mode(command.stdout)) if command.stdout else subprocess.PIPE,
        stderr=subprocess.PIPE, cwd=cwd, env=env, **compat.OWN_SESSION)
    readers = [_Reader(stream, on_output, kept) for stream in (child.stdout, child.stderr)]
    cut = _wait(child, readers[1], timeout, should_stop)
    for reader in readers:
        reader.join(KILL_AFTER_SECONDS)
    if cut is not None:
        return Completed(None, readers[0].text(), "%s\n%s" % (readers[1].text(), cut))
    return Completed(_status(child), readers[0].text(), readers[1].text())


def _open(files, path, mode):
    stream = open(compat.native(path), mode)
    files.append(stream)
    return stream


def _write_mode(path):
    """A device is written in place, a new file is made."""
    return "r+b" if os.path.exists(compat.native(path)) else "wb"


def _wait(child, reader, timeout, should_stop):
    """Wait for the child; returns None where it ended by itself, otherwise why it was ended.

    reader: of its errors; most programs close them by ending, and then there is no more to wait for.
    """
    begun = compat.monotonic()
    pause = POLL_SECONDS / 100
    while child.poll() is None:
        if timeout is not None and compat.monotonic() - begun > timeout:
            _end(child)
            return not_finished(timeout)
        if should_stop is not None and should_stop():
            _end(child)
            return STOPPED
        if reader.is_alive():
            reader.join(POLL_SECONDS)
        else:
            time.sleep(pause)
            pause = min(POLL_SECONDS, pause * 2)
    return None


def not_finished(timeout):
    """Return in words that a program was not finished within ``timeout`` seconds."""
    return "it was not finished within %g seconds, the time it was given" % timeout


def _end(child):
    """End the child, and what it has started too where it has a session of its own: asked first, then forced."""
    if not compat.OWN_SESSION:
        child.terminate()
        _give_time(child)
        child.kill()
    else:
        _signal_session(child, signal.SIGTERM)
        _give_time(child)
        _signal_session(child, signal.SIGKILL)
    child.wait()


def _give_time(child):
    begun = compat.monotonic()
    while child.poll() is None and compat.monotonic() - begun < KILL_AFTER_SECONDS:
        time.sleep(POLL_SECONDS)


def _signal_session(child, number):
    try:
        os.killpg(child.pid, number)
    except OSError:
        return  # all of them have ended


def _status(child):
    """Return the exit status; a death by signal n is 128 + n, as shells and Jython have it."""
    status = child.wait()
    return 128 - status if status < 0 else status


class _Reader(threading.Thread):
    """Reads a stream to its end, keeps the last part, and hands out each line as it comes."""

    def __init__(self, stream, on_output, kept):
        threading.Thread.__init__(self)
        self.daemon = True
        self._stream = stream
        self._on_output = on_output
        self._limit = kept
        self._kept = collections.deque()
        self._kept_bytes = 0
        if stream is not None:
            self.start()

    def join(self, timeout=None):
        if self._stream is not None:
            threading.Thread.join(self, timeout)

    def run(self):
        """Read until there is no more."""
        rest = b""
        with self._stream:
            while True:
                data = os.read(self._stream.fileno(), 65536)
                if not data:
                    break
                self._keep(data)
                rest = self._hand_out(rest + data)
        if rest:
            self._tell(rest)

    def _keep(self, data):
        self._kept.append(data)
        self._kept_bytes += len(data)
        while self._kept_bytes - len(self._kept[0]) >= self._limit:
            self._kept_bytes -= len(self._kept.popleft())

    def _hand_out(self, data):
        lines = data.replace(b"\r", b"\n").split(b"\n")
        for line in lines[:-1]:
            if line:
                self._tell(line)
        return lines[-1][-KEPT_BYTES:]

    def _tell(self, line):
        """Hand out a line. Who cannot take it is not asked again: a pipe that nobody reads would stop the program."""
        try:
            if self._on_output is not None:
                self._on_output(compat.text(line))
        except compat.FAULTS:
            self._on_output = None

    def text(self):
        """Return what was kept, as text."""
        return compat.text(b"".join(list(self._kept))[-self._limit:])
