# -*- coding: utf-8 -*-
"""A stage for whole runs: a lab from an inventory, and the product's own command line in this process."""
from __future__ import absolute_import, division, print_function, unicode_literals

import contextlib
import copy
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading

import pytest

from fakes import disks, faults, inventory, kinds, opening, storage
from tests import canary, labs
from vibackup import catalog, cli, compat, site
from vibackup import manager as api

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
JYTHON = compat.JYTHON
# Loops over all calls take each of them on one interpreter, and on the slower ones as many as there is time for.
EVERY = 13 if JYTHON else 1 if sys.version_info >= (3, 7) else 5
KIB = 1024
PASSWORD = canary.VALUE  # of repositories


# -- inventories

def demo():
    """Return the bundled inventory, to be changed: disks of a sixteenth, and nodes that take as long for them."""
    with open(inventory.DEMO, "rb") as stream:
        found = json.loads(stream.read().decode("utf-8"))
    for disk in found["disks"]:
        disk["bytes"] //= 16
    for node in found["data_centers"][0]["nodes"]:
        node["bytes_per_second"] //= 16
    return found


def demo_with_two_linux_disks():
    """Return the bundled inventory with db01, which has two disks, under Linux: its images can be read by dd."""
    found = demo()
    named(found["servers"], "db01")["operating_system"] = "Linux"
    return found


def small(vs="web01", disk="web01-system", proxy="pbh01", group="fastGroup", size=256 * KIB):
    """Return an inventory of one server with one small disk, and a proxy on another managed node."""
    return {
        "job_ms": 1000,
        "data_centers": [{"name": "East", "nodes": [{"name": "node1", "bytes_per_second": 65536},
                                                    {"name": "node2", "bytes_per_second": 65536}],
                          "disk_groups": [{"name": group, "bytes": 8 * size}]}],
        "disks": [{"name": disk, "group": group, "bytes": size,
                   "content": {"boot": True, "fill": "the server's disk", "files": {"etc/motd": "hello\n"}}},
                  {"name": "the proxy's own disk", "group": group, "bytes": 2 * size,
                   "content": {"boot": True, "fill": "the proxy's disk"}}],
        "network_block_devices": [{"name": "backup.iso", "live_cd": {"seconds": 120}}],
        "servers": [{"name": vs, "node": "node1", "devices": [disk]},
                    {"name": proxy, "node": "node2", "devices": ["the proxy's own disk"]}]}


def named(things, name):
    """Return the one of an inventory's ``things`` that is called ``name``, to be changed."""
    return [thing for thing in things if thing["name"] == name][0]


# -- what a command line asks for

FREEZE = ["--freeze=fsfreeze -f /", "--thaw=fsfreeze -u /"]

AGENT = """
[site]
image_backup = sh -c '{script}'
file_backup = sh -c '{script}'
warning_status = 3
warnings_from = sh
bytes = read ([0-9]+)
"""


def site_agent(stage, script):
    """Return the options that have the agent do what the shell ``script`` does."""
    return ["--agents=" + stage.write("agents.ini", AGENT.format(script=script)), "--agent=site", "--location=here"]


# -- a stage

class Call(object):
    """One call that passed the lab's gate; a command in a guest is the method ``run`` with its argv."""

    def __init__(self, kind, thing, method, arguments):
        self.kind, self.thing, self.method, self.arguments = kind, thing, method, arguments
        self.words = [compat.text(each) for each in arguments]

    @property
    def changes(self):
        """Whether it changes the manager: an operation inside a job, or the job's own begin and commit."""
        found = kinds.BY_NAME[self.kind].find(self.method)
        return found is not None and (found.changes or (self.kind == "Job" and self.method in ("begin", "commit")))

    def __repr__(self):
        return str("%s.%s(%s)" % (self.kind, self.method, self.thing))


class Ran(object):
    """How one command line ended: its exit status, its JSON document, and what it wrote on standard error."""

    def __init__(self, status, output, errors):
        self.status, self.output, self.errors = status, output, errors
        canary.note("what a command printed", output + errors)
        self.document = json.loads(output) if output.startswith("{") else None

    @property
    def error(self):
        """The message of what ended it, or None."""
        return self.document["error"] and self.document["error"]["message"]

    @property
    def error_class(self):
        return self.document["error"] and self.document["error"]["class"]

    @property
    def steps(self):
        return [step["name"] for step in self.document["steps"]]


class Stage(object):
    """One lab in memory, and commands that run in it."""

    def __init__(self, folder):
        self.folder = compat.text(folder)
        self._lab = None
        self.calls = []

    @property
    def lab(self):
        """The lab; the demo, where no other was opened."""
        return self._lab or self.open()

    def open(self, description=None):
        """Open the lab that the inventory ``description`` (``demo()`` by default) makes."""
        self.close()
        self._lab = opening.open_lab(None, self.write("inventory.json", json.dumps(description or demo())))
        self._lab.spec = (None, None)  # so that --lab means this one
        self._record_calls()
        return self._lab

    def close(self):
        if self._lab is not None:
            self._lab.close()
            self._lab = None

    def write(self, name, words):
        """Write a file below the test's own folder and return its path."""
        return write_words(os.path.join(self.folder, name), words)

    def _record_calls(self):
        count = self.lab.count_call

        def counted(handle, method, arguments):
            kind = handle._kind
            self.calls.append(Call(kind.name, self.lab.describe(handle._identity, kind), method, arguments))
            return count(handle, method, arguments)
        self.lab.count_call = counted

    # -- commands

    def vibackup(self, verb, *words):
        """Run a verb in the lab, as on the command line; ``self.calls`` is what it called."""
        del self.calls[:]
        self.lab  # opened here, so that its calls are recorded
        return run_main(verb, ["--lab", "--json"] + list(words))

    def proxy_backup(self, *words, **options):
        """Back up web01 through pbh01 by the lab's model of an agent, where ``options`` say nothing else."""
        given = dict({"vs": "web01", "proxy": "pbh01", "agent": "model"}, **options)
        return self.vibackup("proxy-backup", *(["--%s=%s" % pair for pair in sorted(given.items())] + list(words)))

    def snapshot_boot(self, *words, **options):
        """Boot web01's snapshot from backup.iso, where ``options`` say nothing else."""
        return self.vibackup("snapshot-boot", "--vs=%s" % options.get("vs", "web01"),
                             "--boot-device=%s" % options.get("boot_device", "backup.iso"), *words)

    def printed(self, verb, *words):
        """Run a verb in the lab and return what it prints for a person."""
        return run_main(verb, ["--lab"] + list(words)).output

    def other_letters(self, proxy, when):
        """Have ``proxy`` show its disks under other letters once ``when(argv)`` is true of a command that has run."""
        real, done = self.lab.guests.run, []

        def run(name, command, *more):
            result = real(name, command, *more)
            if when(command.argv) and not done:
                done.append(True)
                server = self.lab.world.named({kinds.VIRTUAL_SERVER.name}, proxy)
                self.lab.world.settle(server, visible=[dict(each, device=other["device"]) for each, other in zip(
                    server["visible"], reversed(server["visible"]))])
            return result
        self.lab.guests.run = run

    # -- looking

    def watch(self, look, method):
        """Call ``look`` at each call of ``method``."""
        count = self.lab.count_call

        def looked(handle, name, arguments):
            if name == method:
                look()
            return count(handle, name, arguments)
        self.lab.count_call = looked

    def objects(self):
        """Return the lab's committed objects, to be compared."""
        return self.lab.dump()["objects"]

    def object(self, name):
        """Return the dump of the one object called ``name``."""
        found = [thing for thing in self.objects() if thing["name"] == name]
        assert len(found) == 1
        return found[0]

    def content(self, name):
        """Return the bytes of the disk called ``name``."""
        record = self.lab.world.named({kinds.LOGICAL_DISK.name, kinds.RAW_DISK.name}, name)
        return disks.read(self.lab.pages, record["layers"], 0, record["bytes"])

    def home(self, proxy="pbh01"):
        """Return the folder in which an agent on ``proxy`` runs."""
        server = self.lab.world.named({kinds.VIRTUAL_SERVER.name}, proxy)
        return os.path.join(compat.text(self.lab.folder), "guests", server["id"], "home")

    def image(self, backup, disk, proxy="pbh01", suffix=".img"):
        """Return the bytes of dd's image of ``disk`` in ``backup`` (of the JSON document)."""
        entry = named(backup["disks"], disk)
        with open(compat.native(os.path.join(self.home(proxy), backup["location"], entry["stored_as"],
                                             backup["id"] + suffix)), "rb") as stream:
            return stream.read()

    def files(self):
        """Return the names of all files that agents left on any proxy."""
        found = []
        for where, _folders, names in os.walk(compat.native(os.path.join(compat.text(self.lab.folder), "guests"))):
            if os.sep + "home" in where:
                found += [compat.text(name) for name in names]
        return found

    def methods(self):
        """Return the names of the calls of the last command that change something, jobs' own left out."""
        return [call.method for call in self.calls if call.changes and call.kind != "Job"]

    def changes(self):
        """Return the calls of the last command that change the manager."""
        return [call for call in self.calls if call.changes]

    def state(self):
        """Return the state folder that commands in this lab use."""
        return site.state_folder(None, self.lab)

    def mark(self, backup, **facts):
        """Change the catalog's entry of ``backup``."""
        catalog.Catalog(self.state()).mark(backup, **facts)

    def catalog(self):
        return self.vibackup("backups").document["backups"]

    def fault(self, method, phase="before", action="throw", times=1, name=None):
        """Let every call (``times`` of them) of ``method`` go wrong."""
        self.lab.faults.append(faults.Fault(phase, action, method=method, name=name, times=times))

    def fault_at(self, number, phase="before", action="throw"):
        """Let the call go wrong that is ``number`` from now on."""
        self.lab.faults.append(faults.Fault(phase, action, number=self.lab.calls + number))

    def nth(self, method, number):
        """Return which call, from 1, of the last command was the ``number``th of ``method``."""
        return [place for place, call in enumerate(self.calls, 1) if call.method == method][number - 1]


@pytest.fixture
def stage(tmpdir):
    """A stage whose lab is ``demo()``; ``stage.open(inventory)`` makes it another."""
    made = Stage(tmpdir)
    yield made
    made.close()


# -- what tests of several flows do with a stage

def backed_up(stage, description=None, vs="web01", *words):
    """Open a lab, back up ``vs`` by dd, and return the backup's id."""
    stage.open(description or small())
    return stage.proxy_backup(*words, vs=vs, agent="dd").document["backup"]["id"]


def stop(stage, server):
    """Stop a virtual server by hand."""
    with labs.job(stage.lab):
        labs.find(stage.lab, kinds.VIRTUAL_SERVER, server).stop()
    stage.lab.clock.sleep(60)


def scribble(stage, disk, offset=0):
    """Write something to a disk, as a bad upgrade would."""
    storage.write(stage.lab, stage.lab.world.named({kinds.LOGICAL_DISK.name}, disk), offset, b"something else" * 100)


def in_a_job(stage, change):
    """Change something in the lab as an administrator does; returns what ``change(manager)`` returns."""
    manager = site.connect_lab(stage.lab)
    job = manager.create_job("an administrator's own")
    api.begin(job)
    found = change(manager)
    api.commit(job)
    return found


def refused(stage, ran, words, status=3):
    """Check that a run was refused with ``words``, and has changed nothing."""
    assert ran.status == status and words in ran.error, ran.errors
    assert stage.changes() == []


# -- bytes and files

def write_words(path, words):
    """Write a file of text and return its path."""
    with io.open(compat.native(path), "w", encoding="utf-8") as stream:
        stream.write(compat.text(words))
    return path


def write_bytes(path, data):
    """Write a file of bytes and return its path."""
    with io.open(compat.native(path), "wb") as stream:
        stream.write(data)
    return path


def same_by_cmp(one, other):
    """Tell whether the program cmp finds two things the same: bytes, or files by their paths (text)."""
    folder = tempfile.mkdtemp()
    try:
        paths = [_file_of(each, os.path.join(folder, name)) for each, name in ((one, "one"), (other, "other"))]
        child = subprocess.Popen(["cmp"] + paths, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                 stderr=subprocess.PIPE)
        said = child.communicate()
    finally:
        shutil.rmtree(folder)
    assert child.returncode in (0, 1), said
    return child.returncode == 0


def _file_of(thing, path):
    """Return the path of a file that holds ``thing``: its own, or where it is bytes, ``path``, written here."""
    return write_bytes(path, thing) if isinstance(thing, bytes) else compat.native(thing)


@pytest.fixture(scope="module")
def restic_repository(tmpdir_factory):
    """A repository of restic under PASSWORD, made once for a module: that takes a while."""
    path = str(tmpdir_factory.mktemp(str("restic")).join("repository"))
    subprocess.check_call(["restic", "-r", path, "init", "-q"], env=environment(RESTIC_PASSWORD=PASSWORD))
    return compat.text(path)


# -- the command line in this process

@contextlib.contextmanager
def _streams():
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = _Sink(), _Sink()
    try:
        yield sys.stdout, sys.stderr
    finally:
        sys.stdout, sys.stderr = before


class _Sink(object):
    """A stream that keeps what is written, bytes or text."""

    def __init__(self):
        self._data = []
        self.buffer = _Bytes(self._data)

    def write(self, words):
        self._data.append(words if isinstance(words, bytes) else words.encode("utf-8"))

    def flush(self):
        return

    def isatty(self):
        return False

    def words(self):
        return compat.text(b"".join(self._data))


class _Bytes(object):
    def __init__(self, data):
        self._data = data

    def write(self, data):
        self._data.append(data)

    def flush(self):
        return


def run_main(verb, words):
    """Run the product's command line in this process; returns Ran."""
    with _streams() as (output, errors):
        status = cli.main(verb, ["vibackup"] + [_argument(word) for word in words])
    return Ran(status, output.words(), errors.words())


def _argument(word):
    """Return a word as ``sys.argv`` has it on this interpreter."""
    return word if compat.PYTHON3 else word.encode("utf-8")


def words_of(command):
    """Return the words of an agent's command line in an INI file, quoted as the file wants them."""
    return " ".join("'%s'" % word.replace("{", "{{").replace("}", "}}") for word in command)


# -- real processes

def send_signal(number):
    """Send a signal to this process, and wait until its handler was called: on Jython another thread does that."""
    handler, called = signal.getsignal(number), threading.Event()

    def note(*given):
        handler(*given)
        called.set()
    signal.signal(number, note)
    try:
        os.kill(os.getpid(), number)
        assert called.wait(10)
    finally:
        signal.signal(number, handler)


def environment(**more):
    """Return an environment in which ``python -m vibackup`` and ``python -m fakes`` are this checkout's."""
    found = dict(os.environ, PYTHONPATH=ROOT, JYTHONPATH=ROOT, PYTHONDONTWRITEBYTECODE="1")
    found.update((str(key), compat.native(value)) for key, value in more.items())
    return found


def start(*words, **options):
    """Start ``python -m`` with ``words`` on this interpreter."""
    return subprocess.Popen([sys.executable, "-m"] + [compat.native(word) for word in words], cwd=options.get("cwd"),
                            env=environment(), stdin=options.get("stdin"), stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE)


def process(*words, **options):
    """Run ``python -m`` with ``words`` on this interpreter to its end; returns Ran."""
    child = start(*words, **options)
    output, errors = child.communicate()
    return Ran(child.returncode, compat.text(output), compat.text(errors))


def kept_lab(folder, description=None):
    """Make a lab in ``folder``, as ``python -m fakes init`` does, and return its objects."""
    path = None
    if description is not None:
        path = os.path.join(os.path.dirname(folder), "inventory.json")
        with io.open(path, "wb") as stream:
            stream.write(json.dumps(description).encode("ascii"))
    with opened(folder, path) as made:
        return made.dump()["objects"]


@contextlib.contextmanager
def opened(folder, inventory_path=None):
    """Open the lab kept in ``folder`` for a look."""
    found = opening.open_lab(compat.text(folder), inventory_path)
    try:
        yield found
    finally:
        found.close()


def objects_in(folder):
    """Return the objects of the lab kept in ``folder``."""
    with opened(folder) as found:
        return copy.deepcopy(found.dump()["objects"])


def content_in(folder, disk):
    """Return the bytes of a disk of the lab kept in ``folder``."""
    with opened(folder) as found:
        record = [each for each in found.world.objects.values() if each["name"] == disk and "layers" in each][0]
        return disks.read(found.pages, record["layers"], 0, record["bytes"])


def vibackup_in(folder, verb, *words):
    """Run a verb in this process in the lab kept in ``folder``."""
    return run_main(verb, ["--lab=%s" % compat.text(folder), "--json"] + list(words))
