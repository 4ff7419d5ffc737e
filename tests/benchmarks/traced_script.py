"""Run --script=FILE, with each of its calls of the management API as a line in --trace=FILE.

Started by runner.sh with --lab, so the lab is open already; on Jython, Python 2.7 or 3.
"""
import sys

from fakes.model import VirtualizationManager


def _value(option):
    return [word[len(option):] for word in sys.argv if word.startswith(option)][0]


def _code(path):
    with open(path, "rb") as stream:
        return compile(stream.read(), path, "exec", 0, True)


VirtualizationManager.lab.trace_to(_value("--trace="))
exec(_code(_value("--script=")), {"__name__": "__main__"})
