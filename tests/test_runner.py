# coding: utf-8
"""scripts/runner.sh: real runs, in the lab and with a stand-in for java; runner.bat; the rules of tests/run.sh."""
from __future__ import absolute_import, division, print_function, unicode_literals

import io
import os
import re
import shutil
import stat
import struct
import subprocess
import sys
import zipfile

import pytest

from vibackup import compat

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
RUNNER = os.path.join(ROOT, "scripts", "runner.sh")

NASTY = ["--vs=a b", "--vs='\"\\", "--vs=$(touch planted)`touch planted`", "--vs=a;touch planted", "--vs=a=b",
         "--vs=two\nlines", "--vs=*", "--vs=../..", "-", "--", "-c", "", " ", "--vs=naïve été 名"]

SHOW = """
import binascii, os, sys
for word in sys.argv[1:]:
    print(binascii.hexlify(word if isinstance(word, bytes) else os.fsencode(word)).decode("ascii"))
"""

JAVA = r"""#!/bin/sh
for word; do printf '%s\000' "$word"; done >>"$CALLS"
printf '\001' >>"$CALLS"
case "$*" in
    *--version*) case $2 in *too-old*) echo Jython 2.2.1 ;; *) echo Jython 2.7.3 ;; esac ;;
    *"jython -c pass") exit "${FILL_STATUS:-0}" ;;
    *) exit 9 ;;
esac
"""


class Ran(object):
    def __init__(self, status, output, errors):
        self.status, self.output, self.errors = status, output, errors

    def refused_with(self, status, words):
        """Tell whether it ended so, with one line that holds ``words`` and nothing else."""
        return (self.status == status and self.output == "" and words in self.errors and
                self.errors.startswith("runner.sh: ") and self.errors.count("\n") == 1)


class Place(object):
    """A user's current folder, and the environment that the runner is started in."""

    def __init__(self, folder):
        self.folder = folder
        self.env = dict(os.environ)
        for name in ("VIRTUALIRON_HOME", "JYTHON_JAR", "PYTHONPATH", "JYTHONPATH", "XDG_CACHE_HOME"):
            self.env.pop(name, None)
        self.env.setdefault("VIBACKUP_PYTHON", sys.executable)

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def write(self, name, words, mode=0o644):
        path = self.path(*name.split("/"))
        if not os.path.isdir(os.path.dirname(path)):
            os.makedirs(os.path.dirname(path))
        with io.open(path, "w", encoding="utf-8") as stream:
            stream.write(words)
        os.chmod(path, mode)
        return path

    def start(self, *words):
        env = dict((compat.native(name), compat.native(value)) for name, value in self.env.items())
        return subprocess.Popen(["/bin/sh", RUNNER] + [compat.native(word) for word in words], cwd=self.folder,
                                env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def run(self, *words):
        process = self.start(*words)
        output, errors = process.communicate()
        return Ran(process.returncode, output.decode("utf-8"), errors.decode("utf-8"))

    def only_these_programs(self, *names):
        """Leave on the PATH the folder ``bin`` alone, with ``names`` in it."""
        for name in names:
            target = [os.path.join(folder, name) for folder in ("/usr/bin", "/bin")
                      if os.path.exists(os.path.join(folder, name))][0]
            self.write("bin/" + name, '#!/bin/sh\nexec %s "$@"\n' % target, 0o755)
        self.env["PATH"] = self.path("bin")

    def interpreter(self, name):
        """Make a program ``name`` that is the interpreter at hand, and says so in RAN_BY."""
        real = self.env["VIBACKUP_PYTHON"]
        return self.write(name, '#!/bin/sh\nRAN_BY=%s exec "%s" "$@"\n' % (name, real), 0o755)


@pytest.fixture
def place(tmpdir):
    folder = compat.text(str(tmpdir.mkdir("a folder")))
    return Place(folder)


def words_shown(ran):
    assert ran.status == 0, ran.errors
    lines = ran.output.split("\n")[:-1]
    return [bytes(bytearray.fromhex(line)).decode("utf-8") for line in lines]


# In the lab


def test_arguments_arrive_as_they_were_typed(place):
    place.write("show.py", SHOW)
    options = ["--inputfile=show.py", "--lab"] + NASTY
    assert words_shown(place.run(*options)) == options
    assert not os.path.exists(place.path("planted"))


def test_arguments_arrive_from_cron_whose_locale_is_c(place):
    place.write("show.py", SHOW)
    place.env.update({"LC_ALL": "C", "LANG": "C"})
    assert words_shown(place.run("--inputfile=show.py", "--lab", "--vs=été"))[-1] == "--vs=été"


def test_the_current_folder_stays_and_nothing_is_imported_from_it(place):
    place.write("show.py", "import os; print(os.getcwd())")
    for name in ("fakes.py", "runpy.py", "vibackup.py"):
        place.write(name, "raise SystemExit('planted')")
    ran = place.run("--inputfile=show.py", "--lab=my lab")
    assert ran.output.strip() == os.path.realpath(place.folder), ran.errors
    assert os.path.isdir(place.path("my lab"))


def test_the_script_decides_the_exit_status(place):
    place.write("-show.py", "raise SystemExit(5)")
    assert place.run("--inputfile=-show.py", "--lab").status == 5


def test_the_users_own_python_path_is_kept_behind_ours(place):
    place.write("show.py", "import os; print(os.environ['PYTHONPATH']); print(os.environ['JYTHONPATH'])")
    place.env.update({"PYTHONPATH": "/of/mine", "JYTHONPATH": "/of/mine"})
    ran = place.run("--inputfile=show.py", "--lab")
    assert ran.output.split() == [ROOT + ":/of/mine"] * 2, ran.errors


def test_term_reaches_the_interpreter(place):
    place.write("wait.py", "import os, sys, time; print(os.getpid()); sys.stdout.flush(); time.sleep(60)")
    process = place.start("--inputfile=wait.py", "--lab")
    assert int(process.stdout.readline()) == process.pid
    process.terminate()
    assert process.wait() in (-15, 143)


def test_help_goes_to_the_script_and_needs_no_manager(place):
    place.write("show.py", SHOW)
    assert words_shown(place.run("--inputfile=show.py", "--help"))[-1] == "--help"


def test_a_link_to_the_runner_finds_its_tree(place):
    os.symlink(RUNNER, place.path("runner"))
    ran = subprocess.Popen(["/bin/sh", place.path("runner"), "--help"], stdout=subprocess.PIPE)
    assert b"--inputfile" in ran.communicate()[0]
    assert ran.returncode == 0


# Which interpreter


def test_the_first_interpreter_that_really_runs_is_taken(place):
    place.write("show.py", "import os; print(os.environ['RAN_BY'])")
    place.only_these_programs("dirname", "locale", "readlink", "tr")
    place.write("bin/python3", "#!/bin/sh\necho 'pyenv: python3: command not found' >&2\nexit 127\n", 0o755)
    place.interpreter("bin/python2.7")
    place.interpreter("bin/jython")
    del place.env["VIBACKUP_PYTHON"]
    ran = place.run("--inputfile=show.py", "--lab")
    assert ran.output == "bin/python2.7\n", ran.errors


def test_a_version_that_only_pyenv_knows_is_found(place):
    place.write("show.py", "import os; print(os.environ['RAN_BY'])")
    place.only_these_programs("dirname", "locale", "readlink", "tr")
    place.write("bin/python2.7", "#!/bin/sh\nexit 127\n", 0o755)
    real = place.interpreter("versions")
    place.write("bin/pyenv", "#!/bin/sh\n[ $1 = whence ] && echo 9.9.9 && exit\n"
                             '[ "$PYENV_VERSION" = 9.9.9 ] && echo "%s"\n' % real, 0o755)
    place.env["VIBACKUP_PYTHON"] = "python2.7"
    ran = place.run("--inputfile=show.py", "--lab")
    assert ran.output == "versions\n", ran.errors


@pytest.mark.parametrize("name", ["no-such-python", "true", "echo", "-c"])
def test_a_named_interpreter_that_does_not_run_is_not_replaced(place, name):
    place.write("show.py", SHOW)
    place.env["VIBACKUP_PYTHON"] = name
    assert place.run("--inputfile=show.py", "--lab").refused_with(7, "VIBACKUP_PYTHON: %s does not run" % name)


def test_no_interpreter_at_all(place):
    place.write("show.py", SHOW)
    place.only_these_programs("dirname", "locale", "readlink", "tr")
    del place.env["VIBACKUP_PYTHON"]
    assert place.run("--inputfile=show.py", "--lab").refused_with(7, "none of python3, python2.7 and jython")


# What is refused


def test_neither_manager_nor_lab(place):
    place.write("show.py", SHOW)
    assert place.run("--inputfile=show.py", "--vs=web01").refused_with(7, "set VIRTUALIRON_HOME, or add --lab")


@pytest.mark.parametrize("words", [[], ["--lab"], ["--inputfile="], ["--inputfile"]])
def test_a_command_line_without_a_script_is_refused(place, words):
    assert place.run(*words).refused_with(2, "--inputfile=SCRIPT is missing")


@pytest.mark.parametrize("name", ["no.py", "two\nlines.py", "."])
def test_a_script_that_is_not_there(place, name):
    assert place.run("--inputfile=" + name, "--lab").refused_with(2, "there is no file")


def test_help_shows_an_example(place):
    ran = place.run("--help")
    assert ran.status == 0 and "--inputfile=scripts/proxyBackup.py --lab" in ran.output


# On a manager


class Manager(Place):
    """A place with a VIRTUALIRON_HOME, and a java that notes how it was called."""

    def __init__(self, folder):
        Place.__init__(self, folder)
        self.write("bin/java", JAVA, 0o755)
        self.write("home/lib/vi client.jar", "")
        self.write("home/a.jar", "")
        self.write("jython.jar", "")
        self.write("show.py", SHOW)
        self.env.update({"PATH": self.path("bin") + ":" + self.env["PATH"], "CALLS": self.path("calls"),
                         "VIRTUALIRON_HOME": self.path("home"), "JYTHON_JAR": self.path("jython.jar"),
                         "XDG_CACHE_HOME": self.path("cache")})

    def calls(self):
        if not os.path.exists(self.path("calls")):
            return []
        with io.open(self.path("calls"), "rb") as stream:
            calls = stream.read().decode("utf-8").split("\1")[:-1]
        return [call.split("\0")[:-1] for call in calls]


@pytest.fixture
def manager(tmpdir):
    return Manager(compat.text(str(tmpdir.mkdir("a folder"))))


def test_jython_gets_the_managers_jars_and_every_argument(manager):
    options = ["--inputfile=show.py", "--help"] + NASTY
    assert manager.run(*options).status == 9
    last = manager.calls()[-1]
    start = last.index("org.python.util.jython")
    assert last[start + 1:] == ["show.py"] + options
    assert last[:2] == ["-cp", ":".join(manager.path(*names) for names in (
        ["jython.jar"], ["home", "a.jar"], ["home", "lib", "vi client.jar"]))]
    assert "-Dpython.home=" + manager.folder in last[:start]
    assert "-Dpython.path=" + ROOT in last[:start]
    assert "-Dpython.cachedir.skip=false" in last[:start]
    assert not os.path.exists(manager.path("planted"))


def test_a_script_whose_name_looks_like_an_option(manager):
    manager.write("-c", SHOW)
    manager.run("--inputfile=-c")
    assert manager.calls()[-1][-2:] == ["./-c", "--inputfile=-c"]


def test_the_package_cache_is_filled_once_in_a_private_folder(manager):
    manager.run("--inputfile=show.py")
    manager.run("--inputfile=show.py")
    filled = [call for call in manager.calls() if call[-2:] == ["-c", "pass"]]
    folders = set(word for call in manager.calls() for word in call if word.startswith("-Dpython.cachedir="))
    assert len(filled) == 1 and len(folders) == 1
    folder = folders.pop().split("=", 1)[1]
    assert os.path.dirname(folder) == manager.path("cache", "vibackup")
    for private in (folder, os.path.dirname(folder)):
        assert stat.S_IMODE(os.stat(private).st_mode) == 0o700


def test_a_changed_jar_gets_a_cache_of_its_own(manager):
    manager.run("--inputfile=show.py")
    manager.write("home/a.jar", "changed")
    manager.run("--inputfile=show.py")
    folders = set(word for call in manager.calls() for word in call if word.startswith("-Dpython.cachedir="))
    assert len(folders) == 2


def test_a_cache_folder_that_others_can_write_is_not_used(manager):
    os.makedirs(manager.path("cache", "vibackup"))
    os.chmod(manager.path("cache", "vibackup"), 0o777)
    manager.env["HOME"] = manager.path("user")
    manager.run("--inputfile=show.py")
    assert os.listdir(manager.path("cache", "vibackup")) == []
    assert os.path.isdir(manager.path("user", ".cache", "vibackup"))


def test_a_jython_that_does_not_start(manager):
    manager.env["FILL_STATUS"] = "1"
    assert manager.run("--inputfile=show.py").refused_with(7, "jython.jar does not start")
    assert os.listdir(manager.path("cache", "vibackup")) == []


def test_a_jython_beside_the_manager_is_taken_only_if_it_is_new_enough(manager):
    del manager.env["JYTHON_JAR"]
    manager.write("home/lib/jython-a-too-old.jar", "")
    new = manager.write("home/lib/jython-b.jar", "")
    manager.run("--inputfile=show.py")
    path = manager.calls()[-1][1].split(":")
    assert path[0] == new
    assert manager.path("home", "lib", "jython-a-too-old.jar") not in path


@pytest.mark.parametrize("name, value, words", [
    ("JYTHON_JAR", "/no/such.jar", "no Jython 2.7: /no/such.jar is missing"),
    ("VIRTUALIRON_HOME", "/no/such", "VIRTUALIRON_HOME: /no/such is not a folder"),
    ("VIRTUALIRON_HOME", "bin", "there is no jar below bin"),
])
def test_a_manager_that_cannot_be_used(manager, name, value, words):
    manager.env[name] = value
    assert manager.run("--inputfile=show.py").refused_with(7, words)


def test_the_lab_leaves_the_manager_alone(manager):
    assert manager.run("--inputfile=show.py", "--lab").status == 0
    assert not [call for call in manager.calls() if "org.python.util.jython" in call and "show.py" in call]


def interface(name):
    """Return the bytes of a Java interface without methods."""
    def utf8(words):
        return struct.pack(str(">BH"), 1, len(words)) + words.encode("ascii")
    return (struct.pack(str(">IHHH"), 0xCAFEBABE, 0, 49, 5) + utf8(name) + struct.pack(str(">BH"), 7, 1) +
            utf8("java/lang/Object") + struct.pack(str(">BH"), 7, 3) +
            struct.pack(str(">HHHHHHH"), 0x0601, 2, 4, 0, 0, 0, 0))


def real_jython_jar():
    """Return the jar that the installed Jython runs from, wherever that is."""
    ask = "from java.lang import System; print(System.getProperty('java.class.path').split(':')[0])"
    return subprocess.check_output(
        ["sh", "-c", '. "$0"; find_interpreter jython && "$interpreter" -c "$1"',
         os.path.join(ROOT, "scripts", "interpreter.sh"), ask]).decode("utf-8").strip()


@pytest.mark.needs("jython")
def test_a_real_jython_imports_the_names_in_the_managers_jars(place):
    os.makedirs(place.path("home"))
    package = "com/virtualiron/vce/mgmt/api/"
    with zipfile.ZipFile(place.path("home", "vi client.jar"), "w") as jar:
        jar.writestr(str(package + "VirtualizationManager.class"), interface(package + "VirtualizationManager"))
    place.write("show.py", "from com.virtualiron.vce.mgmt.api import *\nimport vibackup, sys\n"
                           "print VirtualizationManager, sys.argv[-1]\n")
    place.env.update({"VIRTUALIRON_HOME": place.path("home"), "XDG_CACHE_HOME": place.path("cache")})
    if not os.path.exists("/usr/share/java/jython.jar"):  # where the runner looks by itself
        place.env["JYTHON_JAR"] = real_jython_jar()
    ran = place.run("--inputfile=show.py", "--vs=été")
    assert "VirtualizationManager" in ran.output and "--vs=été" in ran.output, ran.errors


# runner.bat


def test_the_batch_file_is_whole():
    with io.open(os.path.join(ROOT, "scripts", "runner.bat"), newline="", encoding="ascii") as stream:
        lines = stream.read().split("\n")
    assert lines.pop() == "" and all(line.endswith("\r") for line in lines)  # cmd loses labels after a bare LF
    lines = [line.rstrip("\r") for line in lines]
    labels = set(line[1:] for line in lines if line.startswith(":"))
    used = set(re.findall(r"(?:goto |call :)(\w+)", "\n".join(lines)))
    assert used == labels


# The tests' own runner


def run_suite(folder, everything):
    """Run two tests, of which one needs a program that nobody has, under this suite's conftest."""
    shutil.copy(os.path.join(ROOT, "tests", "conftest.py"), str(folder))
    folder.join("test_needs.py").write("import pytest\n\n\ndef test_plain():\n    pass\n\n\n"
                                       "@pytest.mark.needs('no-such-program')\ndef test_needs():\n    pass\n")
    env = dict(os.environ)
    env.pop(str("VIBACKUP_TESTS_ALL"), None)
    if everything:
        env[str("VIBACKUP_TESTS_ALL")] = str("1")
    code = "import sys; sys.path[:] = %r; import pytest; sys.exit(pytest.main(sys.argv[1:]))" % (sys.path,)
    process = subprocess.Popen([sys.executable, "-c", code, "-p", "no:cacheprovider", "."], cwd=str(folder), env=env,
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    output = process.communicate()[0].decode("utf-8")
    return process.returncode, output


def test_a_test_whose_program_is_missing_is_left_out_and_named(tmpdir):
    status, output = run_suite(tmpdir, everything=False)
    assert status == 0 and "1 passed, 1 deselected" in output
    assert "left out 1 test: no-such-program is not installed\n" in output


def test_nothing_is_left_out_when_everything_is_asked_for(tmpdir):
    status, output = run_suite(tmpdir, everything=True)
    assert status == 1 and "1 passed, 1 error" in output and "left out 1 test" not in output


def test_an_interpreter_that_is_missing_is_named():
    process = subprocess.Popen(["/bin/sh", os.path.join(ROOT, "tests", "run.sh"), "--python=python2.99"],
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert b"python2.99 does not run here: install it" in process.communicate()[1]
    assert process.returncode == 1
