"""Time scripts that do the same job, in turn, in one process, each in a lab of its own.

Arguments: the checkout, a folder to work in, "memory" or "kept", how often, and the scripts. Prints a
JSON list with the seconds of each. On Python 2.7 or 3. Counted is what the script does, not the
interpreter's start, its imports, or the making of the lab and of what a first run makes in it.
"""
import contextlib
import gc
import json
import os
import sys
import time

sys.path[0] = sys.argv[1]

from fakes import opening  # noqa: E402
from fakes.model import VirtualizationManager  # noqa: E402

WORDS = ["--vs=web01", "--bootDevice=backup.iso"]
clock = getattr(time, "perf_counter", time.time)


def main(folder, kind, repetitions, scripts):
    """Time ``scripts`` ``repetitions`` times; return the seconds of each. The first turn is not counted."""
    jobs = [_Job(script, None if kind == "memory" else os.path.join(folder, str(number)))
            for number, script in enumerate(scripts)]
    try:
        return _interleaved(jobs, repetitions)
    finally:
        for job in jobs:
            job.lab.close()


def _interleaved(jobs, repetitions):
    seconds = [[] for _job in jobs]
    for turn in range(repetitions + 1):
        order = list(range(len(jobs)))
        for number in order if turn % 2 else reversed(order):
            taken = jobs[number].time()
            if turn:
                seconds[number].append(taken)
    return seconds


class _Job(object):
    """A script and the lab that it runs in: the one kept in the folder ``place``, or with None one in memory."""

    def __init__(self, script, place):
        self.script = script
        with open(script, "rb") as stream:
            self.code = compile(stream.read(), script, "exec", 0, True)
        self.words = WORDS + ["--lab" if place is None else "--lab=" + place]
        VirtualizationManager.lab = None  # or a second lab in memory would be the first
        self.lab = opening.open_lab(place)

    def time(self):
        """Run the script and return its seconds; raise RuntimeError where it fails or leaves its snapshot."""
        self.lab.install()
        with _quiet_script(self.script, self.words):
            gc.collect()
            begun = clock()
            status = _status_of(self.code)
            taken = clock() - begun
        if status or self.lab.world.snapshot_disks():
            raise RuntimeError("%s: exit status %s, or a snapshot is left" % (self.script, status))
        return taken


@contextlib.contextmanager
def _quiet_script(script, words):
    """Give a script its arguments, and its output nowhere to go."""
    before = sys.argv, sys.stdout
    with open(os.devnull, "w") as nowhere:
        sys.argv, sys.stdout = [script] + words, nowhere
        try:
            yield
        finally:
            sys.argv, sys.stdout = before


def _status_of(code):
    try:
        exec(code, {"__name__": "__main__"})
    except SystemExit as error:
        return error.code
    return 0


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[2], sys.argv[3], int(sys.argv[4]), sys.argv[5:])))
