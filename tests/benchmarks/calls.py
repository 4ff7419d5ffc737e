"""How many calls of the management API the flow makes, and how many the paper's script for the same job."""
import os

from common import PAPERS_SCRIPT, ROOT, find_interpreter, met, output_of, workspace

NAME = "calls of the management API by snapshot-boot"
VS, DEVICE = "--vs=web01", "--bootDevice=backup.iso"
TRACED_SCRIPT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "traced_script.py")


def figure():
    """Return both counts and the goal, as text."""
    with workspace() as folder:
        ours = _calls_of_flow(folder)
        if not os.path.exists(PAPERS_SCRIPT):
            return "%d; the paper's script is not there to be compared with (goal: no more than it makes)" % ours
        interpreter = find_interpreter("python2.7", "jython")
        if interpreter is None:
            return "%d; neither Python 2.7 nor Jython is there to run the paper's script (goal: no more than it " \
                   "makes)" % ours
        papers = _calls_of_papers_script(folder, interpreter)
        return "%d, the paper's script %d: %.2f times (goal: no more; %s)" % (
            ours, papers, ours / papers, met(ours <= papers))


def _calls_of_flow(folder):
    trace = os.path.join(folder, "flow.trace")
    _run("scripts/vsSnapshot.py", "--lab=" + os.path.join(folder, "flow"), "--lab-trace=" + trace)
    return _lines(trace)


def _calls_of_papers_script(folder, interpreter):
    trace = os.path.join(folder, "script.trace")
    _run(TRACED_SCRIPT, "--lab=" + os.path.join(folder, "script"), "--trace=" + trace, "--script=" + PAPERS_SCRIPT,
         VIBACKUP_PYTHON=interpreter)
    return _lines(trace)


def _run(script, *words, **environment):
    output_of(["sh", os.path.join(ROOT, "scripts", "runner.sh"), "--inputfile=" + os.path.join(ROOT, script), VS,
               DEVICE] + list(words), **environment)


def _lines(path):
    with open(path, "rb") as stream:
        return len(stream.readlines())
