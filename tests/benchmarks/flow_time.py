"""How long the flow takes on the fakes, beside the paper's script on the same interpreter."""
import json
import os

from common import PAPERS_SCRIPT, ROOT, find_interpreter, met, milliseconds, output_of, ratio, workspace

NAME = "time of snapshot-boot on the fakes"
GOAL = 1.25
REPETITIONS = 15
TIMED_SCRIPTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "timed_scripts.py")
FLOW = os.path.join(ROOT, "scripts", "vsSnapshot.py")


def figure():
    """Return the medians and their ratio, in a lab in memory and in one that is kept, as text."""
    interpreter = find_interpreter("python2.7")
    if not os.path.exists(PAPERS_SCRIPT) or interpreter is None:
        return "not measured: %s is not there (goal: at most %.2f times the time of the paper's script)" % (
            "Python 2.7" if interpreter is None else "the paper's script", GOAL)
    figures = []
    ratios = []
    for place, kind in (("in memory", "memory"), ("--lab=DIR", "kept")):
        flow, script = _measure(interpreter, kind)
        ratios.append(ratio(flow, script))
        figures.append("%s %s, the paper's script %s: %.2f times" % (
            place, milliseconds(flow), milliseconds(script), ratios[-1]))
    return "%s (Python 2.7; goal: at most %.2f; %s)" % ("; ".join(figures), GOAL, met(max(ratios) <= GOAL))


def _measure(interpreter, kind):
    with workspace() as folder:
        words = output_of([interpreter, TIMED_SCRIPTS, ROOT, folder, kind, str(REPETITIONS), FLOW, PAPERS_SCRIPT])
    return json.loads(words)
