"""What every test module shares: the path, the marker ``needs``, the profile of hypothesis."""
from __future__ import absolute_import, division, print_function, unicode_literals

import os
import subprocess
import sys

import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
if ROOT not in sys.path:
    sys.path.insert(0, ROOT)

from tests import canary  # noqa: E402

ALL = bool(os.environ.get("VIBACKUP_TESTS_ALL"))
JYTHON = sys.platform.startswith("java")
NEWEST = sys.version_info >= (3, 7)

collect_ignore_glob = ["*_properties.py"] if JYTHON else []  # hypothesis does not import there

_left_out = []  # (how many tests, why)
_installed = {}

try:
    import hypothesis
except ImportError:
    pass
else:
    hypothesis.settings.register_profile(
        "vibackup", deadline=None, derandomize=True, max_examples=40, database=None,
        suppress_health_check=[hypothesis.HealthCheck.too_slow])
    hypothesis.settings.load_profile("vibackup")


if JYTHON:
    from tests import throwables
    throwables.fail_fixtures()

    @pytest.hookimpl(tryfirst=True)
    def pytest_pyfunc_call(pyfuncitem):
        """Have a Java error fail the test; pytest then calls it."""
        pyfuncitem.obj = throwables.as_failures(pyfuncitem.obj)


def leave_out(count, why):
    """Say at the end that so many tests were left out."""
    _left_out.append((count, why))


def pytest_configure(config):
    config.addinivalue_line(
        "markers", "any_interpreter: about a program, whichever interpreter starts it: left out on the older ones")
    config.addinivalue_line(
        "markers", "needs(program, ...): left out where a program is not installed; with --all, a failure")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config, items):
    """Leave out the tests whose programs are missing, unless nothing may be left out; and what others do for all."""
    if not NEWEST:
        _deselect(config, items, [item for item in items if any(item.iter_markers("any_interpreter"))],
                  "they are about programs, which are the same here: CPython 3.7 and later runs them")
    if ALL:
        return
    lacking = {}
    for item in items:
        for program in missing_programs(item)[:1]:
            lacking.setdefault(program, []).append(item)
    for program, left_out in sorted(lacking.items()):
        _deselect(config, items, left_out, "%s is not installed" % program)


def _deselect(config, items, left_out, why):
    if left_out:
        leave_out(len(left_out), why)
        config.hook.pytest_deselected(items=left_out)
        gone = set(left_out)
        items[:] = [item for item in items if item not in gone]


def pytest_runtest_setup(item):
    for program in missing_programs(item):
        pytest.fail("%s is not installed" % program, pytrace=False)


def pytest_sessionfinish(session):
    """No secret may be in anything that was written or printed: where one is, the session has failed."""
    if hasattr(session.config, "workeroutput"):  # a worker of xdist: what it prints is not seen, its files are ours
        session.config.workeroutput.update(left_out=_left_out, canary=canary.hits)
        return
    canary.look_below(*_folder_of_tests(session.config))
    if canary.hits and session.exitstatus == 0:
        session.exitstatus = 1


def _folder_of_tests(config):
    """Return in a list the folder that all tests' own folders are in, if there is one by now."""
    factory = getattr(config, "_tmp_path_factory", None)
    return [str(factory.getbasetemp())] if factory is not None else []


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node):
    """A worker of xdist has ended. Each of them has left out the same."""
    said = getattr(node, "workeroutput", {})
    _left_out[:] = said.get("left_out", _left_out)
    canary.hits.extend(said.get("canary", ()))


def pytest_terminal_summary(terminalreporter):
    for count, why in _left_out:
        terminalreporter.write_line("left out %d test%s: %s" % (count, "" if count == 1 else "s", why))
    for where in canary.hits:
        terminalreporter.write_line("A SECRET IS OPEN in %s" % where)
    if JYTHON:
        terminalreporter.write_line("left out the property tests: hypothesis does not run on Jython")


def missing_programs(item):
    wanted = [program for marker in item.iter_markers("needs") for program in marker.args]
    return [program for program in wanted if not installed(program)]


def installed(program):
    """Tell whether ``program`` can be run. An interpreter's name may be a shim: that one is tried."""
    if program not in _installed:
        if program.startswith(("python", "jython")):
            found = subprocess.call(["sh", "-c", '. "$0"; find_interpreter "$1"',
                                     os.path.join(ROOT, "scripts", "interpreter.sh"), program]) == 0
        else:
            found = any(os.access(os.path.join(folder, program), os.X_OK)
                        for folder in os.environ.get("PATH", "").split(os.pathsep) if folder)
        _installed[program] = found
    return _installed[program]
