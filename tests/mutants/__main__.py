"""Break each guard of ``mutants.ini`` in a copy of the project, and show that a test catches it.

    python -m tests.mutants [--jobs=N] [part of a name ...]

Each breakage is made in a copy of its own, and the tests that are named for it run there: one must fail. On the
copy that nothing was broken in, all of them must pass. A line each, and exit status 1 where one was not caught.
"""
from __future__ import absolute_import, division, print_function, unicode_literals

import argparse
import multiprocessing.pool
import os
import shutil
import subprocess
import sys
import tempfile

from tests import mutants

NOTHING_FAILED, SOMETHING_FAILED = 0, 1  # exit statuses of pytest
HANGS = 124  # the status of a breakage that no test ends: not caught either
LONGEST_SECONDS = 600
_LEFT_BEHIND = shutil.ignore_patterns(".git", ".venvs", "__pycache__", "*.class", "*.pyc", ".hypothesis", ".coverage*")


def main(words):
    """Try the mutants whose names hold one of the ``words``, or all; return the exit status."""
    options = _options(words)
    chosen = [mutant for mutant in mutants.load()
              if not options.names or any(part in mutant.name for part in options.names)]
    with tempfile.TemporaryDirectory(prefix="vibackup-mutants-") as folder:
        whole = _copy(os.path.join(folder, "whole"))
        everything = sorted(set(path for mutant in chosen for path in mutant.tests))
        print("nothing broken: %d files of tests" % len(everything), flush=True)
        status, output = _run_tests(whole, everything)
        if status != NOTHING_FAILED:
            print("%s\nthey do not pass as they are: mend that first" % output)
            return 1
        pool = multiprocessing.pool.ThreadPool(options.jobs)
        caught = list(pool.imap(lambda mutant: _try(folder, mutant), chosen))
    print("%d of %d caught" % (sum(caught), len(chosen)))
    return 0 if chosen and all(caught) else 1


def _options(words):
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__.splitlines()[0],
                                     epilog="example: python -m tests.mutants --jobs=2 snapshot")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), metavar="N", help="how many at a time")
    parser.add_argument("names", nargs="*", metavar="NAME", help="try those whose names hold this")
    return parser.parse_args(words)


def _copy(target):
    shutil.copytree(mutants.ROOT, target, ignore=_LEFT_BEHIND)
    return target


def _try(folder, mutant):
    """Break one guard in a copy, and tell whether its tests caught it."""
    copy = _copy(tempfile.mkdtemp(dir=folder) + "/copy")
    mutant.break_in(copy)
    status, output = _run_tests(copy, mutant.tests)
    shutil.rmtree(copy)
    print("%-9s %s" % ({SOMETHING_FAILED: "caught", NOTHING_FAILED: "SURVIVED"}.get(status, "BROKEN %d" % status),
                       mutant.name), flush=True)
    if status not in (SOMETHING_FAILED, NOTHING_FAILED):
        print(output, flush=True)
    return status == SOMETHING_FAILED


def _run_tests(copy, paths):
    """Run tests in a copy until one fails; return pytest's exit status, and what it printed."""
    try:
        child = _run_pytest(copy, paths)
    except subprocess.TimeoutExpired as error:
        return HANGS, "not over within %d seconds" % error.timeout
    return child.returncode, child.stdout.decode("utf-8", "replace")


def _run_pytest(copy, paths):
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-x", "-q", "-n0", "-p", "no:cacheprovider"] + list(paths), cwd=copy,
        env=dict(os.environ, PYTHONPATH=copy, PYTHONDONTWRITEBYTECODE="1"), stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=LONGEST_SECONDS)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
