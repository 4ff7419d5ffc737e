"""What the benchmarks share: where things are, how to time fairly on a busy machine, how a line is put."""
import gc
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PAPERS_SCRIPT = os.path.join(os.path.dirname(ROOT), "shared", "conformance", "vsSnapshot_as_printed.py")
MEBIBYTE = 1024 * 1024

if ROOT not in sys.path:
    sys.path.insert(0, ROOT)


def workspace():
    """Return a context manager that yields a folder, which is gone afterwards."""
    return tempfile.TemporaryDirectory(prefix="vibackup-benchmark-")


def write_json(folder, name, value):
    """Write ``value`` to the file ``name`` in ``folder``; returns its path."""
    path = os.path.join(folder, name)
    with open(path, "w", encoding="utf-8") as stream:
        json.dump(value, stream)
    return path


# -- other interpreters

def find_interpreter(*names):
    """Return the command of the first of ``names`` that really runs, or None."""
    for name in names:
        found = subprocess.run(["sh", "-c", '. "$0" && find_interpreter "$1" && printf %s "$interpreter"',
                                os.path.join(ROOT, "scripts", "interpreter.sh"), name],
                               stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, universal_newlines=True)
        if found.returncode == 0:
            return found.stdout
    return None


def output_of(command, **environment):
    """Run ``command`` with ``environment`` added to this one's; return its output.

    Nothing it imports is compiled into the tree. Raises RuntimeError with its last words where it fails.
    """
    environment = dict(dict(os.environ, PYTHONDONTWRITEBYTECODE="1"), **environment)
    completed = subprocess.run(command, env=environment,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True)
    if completed.returncode != 0:
        raise RuntimeError("%s: exit status %d: %s" % (
            " ".join(command), completed.returncode, completed.stderr.strip()[-500:]))
    return completed.stdout


# -- time

def seconds_of(function):
    """Return how many seconds one call of ``function`` takes; what was left to collect is collected before."""
    gc.collect()
    begun = time.perf_counter()
    function()
    return time.perf_counter() - begun


def interleaved(functions, repetitions):
    """Call ``functions`` in turn, ``repetitions`` times; return the seconds of each, a list a function.

    Each returns the seconds that count, so that it can prepare and clean up outside of them. Every
    second turn goes backwards: what the machine does meanwhile falls on all of them alike. A first
    turn, not counted, warms up.
    """
    seconds = [[] for _function in functions]
    for turn in range(repetitions + 1):
        order = list(range(len(functions)))
        for number in order if turn % 2 else reversed(order):
            taken = functions[number]()
            if turn:
                seconds[number].append(taken)
    return seconds


def ratio(seconds, others):
    """Return the median of the ratios of two lists that were measured in turn."""
    return statistics.median(mine / other for mine, other in zip(seconds, others))


def milliseconds(seconds):
    """Return the median of ``seconds`` as text in ms."""
    return "%.3g ms" % (1000 * statistics.median(seconds))


def met(goal_met):
    """Return how a line says whether the goal is met."""
    return "met" if goal_met else "missed"
