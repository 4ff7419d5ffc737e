"""How long ``vibackup`` takes to import, beside what nearly every script imports."""
import json
import sys

from common import ROOT, interleaved, milliseconds, output_of, ratio, workspace

NAME = "import of vibackup and its command line"
MODULES = "vibackup, vibackup.cli"
COMMON = "argparse, json, subprocess"
REPETITIONS = 21

_OTHERS = """
import json, sys
before = set(sys.modules)
import %s
print(json.dumps([name for name in sys.modules if name not in before and name.partition(".")[0] != "vibackup"]))
"""
_TIMED = """
import os, time%s
begun = time.perf_counter()
import %s
print(time.perf_counter() - begun)
"""


def figure():
    """Return the medians: its own modules, with all they import, and the three common ones, as text."""
    with workspace() as cache:
        others = json.loads(_python(cache, _OTHERS % MODULES))
        own, whole, common = interleaved([lambda: _seconds(cache, others, MODULES),
                                          lambda: _seconds(cache, [], MODULES),
                                          lambda: _seconds(cache, [], COMMON)], REPETITIONS)
    return "%s in its own modules, %s with all they import, \"import %s\" alone %s: %.2f and %.2f times (no goal)" % (
        milliseconds(own), milliseconds(whole), COMMON, milliseconds(common), ratio(own, common), ratio(whole, common))


def _seconds(cache, already, modules):
    """Return how long a fresh process takes to import ``modules`` when it has imported ``already``."""
    return float(_python(cache, _TIMED % ("".join(", " + name for name in already), modules)))


def _python(cache, program):
    """Run it without what this machine's site has every interpreter import."""
    return output_of([sys.executable, "-S", "-c", program], PYTHONPATH=ROOT, PYTHONPYCACHEPREFIX=cache,
                     PYTHONDONTWRITEBYTECODE="")
