"""setup.py: what an installed vibackup carries, and that its version stands in one place."""
from __future__ import absolute_import, division, print_function, unicode_literals

import io
import os
import re
import shutil
import subprocess
import sys

import pytest

import vibackup

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def files_below(root, *folders):
    """Return the paths below ``root``, relative to it, of the source files in ``folders``."""
    found = []
    for folder in folders:
        for where, _, names in os.walk(os.path.join(root, folder)):
            found += [os.path.relpath(os.path.join(where, name), root) for name in names]
    return sorted(name for name in found if name.endswith((".py", ".ini", ".json", ".java")))


def test_the_version_stands_in_one_place():
    version = re.compile(r"(?<![\d.])%s(?![\d.])" % re.escape(vibackup.__version__))
    names = [name for name in os.listdir(ROOT) if name.endswith((".py", ".cfg", ".toml", ".in"))]
    names += files_below(ROOT, "vibackup", "fakes", "scripts")
    holding = []
    for name in names:
        with io.open(os.path.join(ROOT, name), encoding="utf-8") as stream:
            if version.search(stream.read()):
                holding.append(name)
    assert holding == [os.path.join("vibackup", "version.py")]


@pytest.fixture(scope="module")
def installed(tmpdir_factory):
    """The folder that pip installed a copy of this tree into."""
    source = str(tmpdir_factory.mktemp("source").join("vibackup"))
    target = str(tmpdir_factory.mktemp("installed"))
    skipped = shutil.ignore_patterns(".*", "__pycache__", "*.pyc", "*.class", "build", "*.egg-info")
    shutil.copytree(ROOT, source, ignore=skipped)
    process = subprocess.Popen(
        [sys.executable, "-m", "pip", "install", "--disable-pip-version-check", "--no-index", "--no-deps",
         "--no-build-isolation", "--target", target, source], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    output = process.communicate()[0].decode("utf-8", "replace")
    assert process.returncode == 0, output
    return target


def run(installed, cwd, *words):
    env = dict(os.environ, PYTHONPATH=installed)
    process = subprocess.Popen([sys.executable] + list(words), cwd=str(cwd), env=env,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    output, errors = process.communicate()
    assert process.returncode == 0, errors.decode("utf-8", "replace")
    return output.decode("utf-8")


if not sys.platform.startswith("java"):  # there is no pip for Jython

    def test_every_module_and_data_file_is_carried(installed):
        assert files_below(installed, "vibackup", "fakes") == files_below(ROOT, "vibackup", "fakes")

    def test_the_installed_version_is_the_modules(installed):
        names = [name for name in os.listdir(installed) if name.startswith("vibackup-")]
        assert len(names) == 1 and names[0].startswith("vibackup-%s" % vibackup.__version__)

    def test_the_module_and_the_command_run_outside_the_tree(installed, tmpdir):
        by_module = run(installed, tmpdir, "-m", "vibackup", "--help")
        by_command = run(installed, tmpdir, os.path.join(installed, "bin", "vibackup"), "--help")
        assert "usage" in by_module.lower()
        assert "usage" in by_command.lower()

    def test_an_installed_lab_works(installed, tmpdir):
        code = "import fakes, vibackup; print(fakes.__file__); print(vibackup.__file__)"
        assert all(line.startswith(installed) for line in run(installed, tmpdir, "-c", code).split())
        run(installed, tmpdir, "-m", "fakes", "init", "lab")
        assert "web01" in run(installed, tmpdir, "-m", "fakes", "dump", "lab")
