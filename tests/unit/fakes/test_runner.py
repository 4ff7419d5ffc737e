# -*- coding: utf-8 -*-
"""Any script in a lab, as the runner of the VM server runs it."""
from __future__ import absolute_import, division, print_function, unicode_literals

import io
import os
import subprocess
import sys

import pytest

import fakes
from fakes import runner
from vibackup import compat

ROOT = os.path.dirname(fakes.FOLDER)


class _Native(object):
    """Standard output of Python 2, which takes text and bytes."""

    def __init__(self, stream):
        self.stream = stream

    def write(self, words):
        self.stream.write(words.encode("utf-8") if isinstance(words, compat.text_type) else words)

    def flush(self):
        pass


class Place(object):
    """A folder with a script, and two ways to run it."""

    def __init__(self, tmpdir, patch):
        self.tmpdir = tmpdir
        self.patch = patch

    def run(self, script, *words, **more):
        """Run ``script`` (its text) in this process; returns exit status, output and errors."""
        return self.here("--inputfile=" + self.write(script, **more), *words)

    def run_alone(self, script, *words):
        """Run ``script`` (its text) in a process of its own; returns exit status, output and errors."""
        return self.alone("--inputfile=" + self.write(script), *words)

    def write(self, script, name="script.py"):
        self.tmpdir.join(name).write_binary(script.encode("utf-8"))
        return compat.text(self.tmpdir.join(name))

    def here(self, *words):
        streams = io.BytesIO(), io.BytesIO()
        self.patch.chdir(str(self.tmpdir))
        self.patch.setattr(sys, "path", list(sys.path))
        self.patch.setattr(sys, "argv", list(sys.argv))
        for name, stream in zip(("stdout", "stderr"), streams):
            self.patch.setattr(sys, name, io.TextIOWrapper(stream, "utf-8") if compat.PYTHON3 else _Native(stream))
        try:
            status = runner.run([compat.native(word) for word in words])
            sys.stdout.flush()
            sys.stderr.flush()
            return status, streams[0].getvalue().decode("utf-8"), streams[1].getvalue().decode("utf-8")
        finally:
            self.patch.undo()

    def alone(self, *words):
        env = dict(os.environ)
        env[str("PYTHONPATH")] = env[str("JYTHONPATH")] = str(ROOT)
        process = subprocess.Popen(
            [sys.executable, "-m", "fakes", "run"] + [compat.native(word) for word in words], cwd=str(self.tmpdir),
            env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        output, errors = process.communicate()
        return process.returncode, compat.text(output), compat.text(errors)


@pytest.fixture
def place(tmpdir, monkeypatch):
    return Place(tmpdir, monkeypatch)


SHOW = """
from com.virtualiron.vce.mgmt.api import *
from com.virtualiron.vce.mgmt.api.physical import *
from com.virtualiron.vce.mgmt.api.virtual import *
import java, sys
manager = VirtualizationManager.getConfigurationManager()
server = manager.findObject(VirtualServer, "web01")
assert LogicalDisk.isAssignableFrom(server.getStorageDevices()[0].getKind())
assert NetworkBlockDevice and VirtualServerRunningEvent and VirtualServer_BootInfo.VS_BOOT_DEVICE_CDROM
print(server.getName() + " " + java.lang.Long.toString(7))
try:
    server.snapshot()
except java.lang.Throwable as throw:
    throw.printStackTrace()
print("Object: " + server)
"""


def test_a_script_finds_the_api_as_under_the_real_runner(place):
    status, output, errors = place.run_alone(SHOW, "--lab")
    assert (status, output.splitlines()) == (0, ["web01 7", "Object: web01"])
    assert "no job is begun" in errors


def test_a_script_has_all_the_words_behind_its_own_name_and_is_main(place):
    words = ["--lab", "--vs=a b=c", "$(touch planted)", "", "süd", "-x"]
    status, output, _errors = place.run(
        "import sys\nprint(__name__)\nprint(len(sys.argv))\nprint(sys.argv[0] == __file__)\n"
        "print([word for word in sys.argv if word.startswith('--vs')])\n", *words)
    assert (status, output.splitlines()) == (0, ["__main__", "8", "True", "['--vs=a b=c']"])
    assert not place.tmpdir.join("planted").check()


def test_a_script_imports_what_lies_beside_it(place):
    place.tmpdir.join("beside.py").write("WORD = 'found'\n")
    assert place.run("import beside\nprint(beside.WORD)\n", "--lab")[1].strip() == "found"


@pytest.mark.parametrize("end, status", [("pass", 0), ("import sys; sys.exit(4)", 4), ("import sys; sys.exit()", 0),
                                         ("import sys; sys.exit('words')", 1)])
def test_the_exit_status_is_that_of_the_script(place, end, status):
    assert place.run(end, "--lab")[0] == status


def test_an_error_of_the_script_is_shown_and_is_a_failure(place):
    status, _output, errors = place.run_alone("raise ValueError('in the script')\n", "--lab")
    assert status != 0 and "in the script" in errors


def test_without_a_script_it_says_so(place):
    status, output, errors = place.here("--lab")
    assert (status, output, errors) == (2, "", "runner: which script? Give --inputfile=SCRIPT\n")


def test_a_script_that_is_not_there_is_one_line(place):
    status, output, errors = place.here("--inputfile=none.py", "--lab")
    assert (status, output, errors.count("\n")) == (2, "", 1) and "none.py" in errors


def test_a_script_for_another_python_is_one_line(place):
    status, output, errors = place.run("x = 3\nthis is no python\n", "--lab")
    assert (status, output, errors.count("\n")) == (2, "", 1)
    assert "script.py: line 2: not for this Python" in errors


@pytest.mark.parametrize("name", ["a b.py", "süd.py", "$(touch planted).py", "a'b.py"])
def test_a_script_may_be_called_anything(place, name):
    assert place.run("print('ran')\n", "--lab", name=name)[:2] == (0, "ran\n")


def test_a_lab_in_a_folder_is_kept_for_the_next_script(place):
    change = SHOW.split("print")[0]
    change += "job = manager.createJob('x')\njob.begin()\nserver.setName('kept')\njob.commit()\n"
    assert place.run(change, "--lab=kept lab")[0] == 0
    look = SHOW.split("server =")[0] + "print(manager.findObject(VirtualServer, 'kept').getName())\n"
    assert place.run(look, "--lab=kept lab")[1].strip() == "kept"


def test_a_folder_that_is_no_lab_is_one_line_and_the_script_does_not_run(place):
    place.tmpdir.mkdir("full").join("thesis").write("x")
    status, output, errors = place.run("print('ran')\n", "--lab=full")
    assert (status, output, errors.count("\n")) == (2, "", 1)


def test_without_a_lab_there_is_no_manager_and_nothing_falls_back_to_one(place):
    status, _output, errors = place.run_alone(SHOW)
    assert status != 0 and "web01" not in _output
