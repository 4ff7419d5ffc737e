"""What a person sees while a run is under way, and the document a program gets when it is over."""
from __future__ import absolute_import, division, print_function, unicode_literals

import contextlib

from vibackup import compat, live
from vibackup.masking import mask
from vibackup.names import printable

BAR_WIDTH = 78


class Progress(object):
    """Shows steps on ``stream``: a live line on a ``terminal``, otherwise one plain line when a step is over.

    A fleet shows a block of live lines in place of the steps, see ``block``.
    """

    def __init__(self, stream, terminal):
        self._stream = stream
        self._terminal = terminal
        self._line = ""
        self._figure = ""
        self._step = None
        self._block = None

    def show(self, what, value):
        """Take what ``Run.show`` tells: begin, end (of a step), progress, warning, leftover."""
        getattr(self, str("_" + what))(value)

    def _begin(self, step):
        self._step, self._figure = step, ""
        self._live()

    def _end(self, step):
        if step["outcome"] == "ok":
            self._print("%s  %s" % (_words(step), duration(step["seconds"])))
        else:
            self._print("%s  FAILED after %s" % (_words(step), duration(step["seconds"])))
        self._step = None

    def _progress(self, figure):
        self._figure = _figure(figure)
        self._live()

    def _warning(self, words):
        self._print("warning: %s" % printable(words))

    def _leftover(self, leftover):
        self._print("LEFT BEHIND: %s: %s" % (printable(leftover["what"]), printable(leftover["reason"])))

    def line(self, words):
        """Print one line."""
        self._print(words)

    # -- many lines at once

    @property
    def has_block(self):
        """Whether ``block`` can show one here: not every terminal knows how to draw lines again in their place."""
        return self._terminal and not compat.WINDOWS and compat.environment("TERM") not in (None, "dumb")

    @contextlib.contextmanager
    def block(self, lines_of):
        """Show a block of live lines while the body runs, below all that is printed meanwhile; see ``live.Block``."""
        self._block = live.Block(self._write, lambda: compat.terminal_size(self._stream), lines_of)
        self._block.begin()
        try:
            yield
        finally:
            self._block.end()
            self._block = None

    def post(self, words):
        """Have one line printed soon, where a block is shown, and tell whether it will be; a signal's handler may."""
        block = self._block
        if block is not None:
            block.above(words)
        return block is not None

    # -- writing

    def _live(self):
        if self._terminal and self._step is not None and self._block is None:
            line = ("%s ... %s" % (_words(self._step), self._figure))[:BAR_WIDTH]
            self._write("\r%s%s" % (line, " " * (len(self._line) - len(line))))
            self._line = line

    def _print(self, words):
        if self.post(words):
            return
        over = "\r%s\r" % (" " * len(self._line)) if self._line else ""
        self._line = ""
        self._write("%s%s\n" % (over, words))

    def _write(self, words):
        """Write, as long as somebody listens: a closed terminal must not keep a run from taking back what is ours."""
        try:
            if self._stream is not None:
                compat.write_text(self._stream, words)
        except (IOError, OSError, ValueError):
            self._stream = None


def _words(step):
    detail = "  " + printable(mask(step["detail"])) if step["detail"] else ""
    return "%-18s %s%s" % (step["name"], printable(mask(step["object"])), detail)


def _figure(figure):
    if figure["unit"] == "percent":
        return "%d %%" % figure["figure"]
    if figure["unit"] == "seconds":
        return "for %s" % duration(figure["figure"])
    if figure["size"]:
        return "%s, %d %%" % (size(figure["figure"]), 100 * figure["figure"] // figure["size"])
    return size(figure["figure"])


def duration(seconds):
    """Return seconds as people say them: ``0.4 s``, ``51 s``, ``3 min 20 s``, ``2 h 05 min``."""
    if seconds < 10:
        return "%.1f s" % seconds
    whole = int(round(seconds))
    if whole < 60:
        return "%d s" % whole
    if whole < 3600:
        return "%d min %02d s" % divmod(whole, 60)
    return "%d h %02d min" % divmod(whole // 60, 60)


def size(count):
    """Return bytes as people say them: ``512 bytes``, ``4.0 MiB``."""
    for unit in ("bytes", "KiB", "MiB", "GiB"):
        if count < 1024:
            return "%d bytes" % count if unit == "bytes" else "%.1f %s" % (count, unit)
        count /= 1024
    return "%.1f TiB" % count


# -- for programs

def document(verb, run, vs, lab, outcome, exit_status, entry=None, error=None, **more):
    """Return the one JSON document of a run. ``entry``: the catalog's, or None; ``error``: what ended it, or None."""
    found = {"outcome": outcome, "exit_status": exit_status, "verb": verb, "run": run and run.id, "vs": vs,
             "lab": lab, "steps": run.steps if run else [], "warnings": run.warnings if run else [],
             "backup": entry and _backup(entry), "error": error and _error(error),
             "leftovers": run.leftovers if run else []}
    found.update(more)
    return found


def _backup(entry):
    return dict((key, entry[key]) for key in ("id", "agent", "disks", "location"))


def _error(error):
    return {"class": type(error).__name__, "message": mask(compat.message(error)),
            "step": getattr(error, "step", None)}


# -- tables

def backups_table(entries):
    """Return the lines of a table of the catalog's entries."""
    if not entries:
        return ["no backups"]
    rows = [("ID", "VIRTUAL SERVER", "FINISHED", "AGENT", "OUTCOME", "VERIFIED", "DISKS")]
    rows += [(entry["id"], entry["vs"], entry["finished"], entry["agent"], _outcome(entry), _verified(entry),
              ", ".join(disk["name"] for disk in entry["disks"])) for entry in entries]
    return _table(rows)


def _outcome(entry):
    return entry.get("outcome", "?") + (", protected" if entry.get("protected") else "")


def _verified(entry):
    """Return what is known of whether a backup restores: nothing, how long it takes, or what was wrong."""
    found = entry.get("verified")
    if found is None:
        return "no"
    if found["outcome"] != "ok":
        return found["outcome"]
    seconds = found.get("restore_seconds")
    return "restores" if seconds is None else "restores in " + duration(seconds)


def probe_table(rows):
    """Return the lines of a table of what ``probe`` found."""
    words = {True: "yes", False: "MISSING", None: "no object to ask"}
    return _table([("KIND", "CALL", "STATUS", "HERE")] +
                  [(row["kind"], row["call"], row["status"], words[row["present"]]) for row in rows])


def leftovers_table(leftovers):
    """Return the lines of a list of leftovers."""
    return [printable("%s: %s (%s)" % (left["run"], left["what"], left["reason"])) for left in leftovers] \
        or ["nothing is left behind"]


def _table(rows):
    rows = [[printable(cell) for cell in row] for row in rows]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows]
