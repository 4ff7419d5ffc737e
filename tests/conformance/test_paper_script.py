# -*- coding: utf-8 -*-
"""The script in the paper's appendix, as it was printed, runs in the lab unchanged."""
from __future__ import absolute_import, division, print_function, unicode_literals

import os
import subprocess
import sys

import pytest

from fakes import disks
from fakes.opening import open_lab
from tests import conftest
from vibackup import compat

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SCRIPT = os.path.join(os.path.dirname(ROOT), "shared", "conformance", "vsSnapshot_as_printed.py")
HERE = os.path.exists(SCRIPT)

# It is written in Python 2: on Python 3 the others run it.
INTERPRETERS = [pytest.param(name, marks=pytest.mark.needs(name)) for name in ("jython", "python2.7")] \
    if compat.PYTHON3 else [sys.executable]


class Lab(object):
    """The demo, kept in a folder."""

    def __init__(self, folder):
        self.folder = compat.text(folder)
        with self.opened() as lab:
            self.before = lab.dump()["objects"]

    def opened(self):
        return _Opened(self.folder)

    def run(self, interpreter, *words):
        """Run the paper's script in the lab; return its exit status and what it printed."""
        env = dict(os.environ, VIBACKUP_PYTHON=interpreter, PYTHONDONTWRITEBYTECODE="1")
        child = subprocess.Popen(
            ["sh", os.path.join(ROOT, "scripts", "runner.sh"), "--inputfile=" + SCRIPT,
             "--lab=" + compat.native(self.folder)] + list(words),
            env=env, cwd=compat.native(os.path.dirname(self.folder)), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        output, errors = child.communicate()
        return child.returncode, compat.text(output), compat.text(errors)


class _Opened(object):
    def __init__(self, folder):
        self.folder = folder

    def __enter__(self):
        self.lab = open_lab(self.folder)
        return self.lab

    def __exit__(self, *_error):
        self.lab.close()


@pytest.fixture
def lab(tmpdir):
    return Lab(tmpdir.join("lab"))


@pytest.mark.parametrize("interpreter", INTERPRETERS)
def test_it_sees_the_snapshot_run_and_stop_and_leaves_none(lab, interpreter):
    status, output, errors = lab.run(interpreter, "--vs=web01", "--bootDevice=backup.iso")
    assert status == 0, output + errors
    lines = output.splitlines()
    assert "Snapshot: Snapshot of web01" in lines
    assert [line.split()[1] for line in lines if line.startswith("Rcvd:")][-2:] == [
        "VirtualServerRunningEvent", "VirtualServerStoppedEvent"]
    with lab.opened() as now:
        assert now.dump()["objects"] == lab.before
        [web01] = [thing for thing in lab.before if thing["name"] == "web01"]
        assert web01["snapshot"] is None
        assert image(now, "web01-system") == content(now, "web01-system")


def content(lab, name):
    record = lab.world.named({"LogicalDisk"}, name)
    return disks.read(lab.pages, record["layers"], 0, record["bytes"])


def image(lab, name):
    """Return what the live CD has written of the disk ``name``."""
    wanted = lab.world.named({"LogicalDisk"}, name)["id"] + ".img"
    found = [os.path.join(where, wanted) for where, _folders, files in os.walk(os.path.join(lab.folder, str("images")))
             if wanted in files]
    assert len(found) == 1
    with open(found[0], "rb") as stream:
        return stream.read()


if not HERE:
    del test_it_sees_the_snapshot_run_and_stop_and_leaves_none
    conftest.leave_out(1, "the paper's script is not in ../shared/conformance")
