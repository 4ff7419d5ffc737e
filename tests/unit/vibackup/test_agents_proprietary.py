# -*- coding: utf-8 -*-
"""TSM, NetBackup and NetWorker: their commands, run against stand-ins for the vendors' programs.

A stand-in (tests/standins) refuses an option that the vendor's command does not have.
"""
from __future__ import absolute_import, division, print_function, unicode_literals

import io
import os
import subprocess

import pytest

from vibackup import agents, compat

pytestmark = pytest.mark.needs("sh")

HERE = os.path.dirname(os.path.abspath(__file__))
STANDINS = os.path.normpath(os.path.join(HERE, os.pardir, os.pardir, "standins"))
SHIPPED_TABLE = os.path.join(os.path.dirname(os.path.abspath(agents.__file__)), "agents.ini")
PROPRIETARY = ["netbackup", "networker", "tsm"]

ONE, TWO = os.urandom(70000), os.urandom(70000)


class Proxy(object):
    """A proxy with two disks, whose /dev/vibackup is a folder, and whose agents are stand-ins."""

    def __init__(self, tmpdir):
        self.folder = compat.text(tmpdir)
        self.store = self.path("store")
        os.mkdir(self.store)
        self.agents = agents.load(self._table())
        self.calls_file = self.path("calls")

    def path(self, name):
        return os.path.join(self.folder, name)

    def _table(self):
        with io.open(SHIPPED_TABLE, encoding="utf-8") as stream:
            text = stream.read()
        table = self.path("site.ini")
        with io.open(table, "w", encoding="utf-8") as stream:
            stream.write(text.replace("/dev/vibackup", self.path("dev")))
        return table

    def device(self, name, data):
        with open(self.path(name), "wb") as stream:
            stream.write(data)
        return self.path(name)

    def content(self, name):
        with open(self.path(name), "rb") as stream:
            return stream.read()

    def values(self, agent, **more):
        given = {"vs": "web 01", "disk": "-system", "identifier": "b1", "location": "nsrserver"}
        given.update(more)
        return agents.values_for(agent, **{str(key): given[key] for key in given})

    def run(self, name, operation, status=0, **more):
        """Run an operation, then what comes after it; return (worst verdict, output)."""
        agent = self.agents[name]
        filled = self.values(agent, **more)
        verdicts, output = [agents.OK], ""
        for command in agent.commands(operation, filled):
            ended, printed = self._run(command, status)
            output += printed
            verdicts.append(agent.judge(ended, command))
            if verdicts[-1] == agents.FAILED:
                break
        for command in agent.commands(operation.split("_")[0] + "_after", filled):
            assert agent.judge(self._run(command, 0)[0], command) == agents.OK
        return max(verdicts, key=[agents.OK, agents.WARNING, agents.FAILED].index), output

    def _run(self, command, status):
        environment = dict(os.environ)
        environment.update({str(name): compat.native(text) for name, text in {
            "PATH": STANDINS + os.pathsep + compat.text(os.environ["PATH"]), "STANDIN_RECORD": self.calls_file,
            "STANDIN_STORE": self.store, "STANDIN_STATUS": "%d" % status}.items()})
        output = open(compat.native(command.stdout), "wb") if command.stdout else None
        try:
            # env: Java looks for a program on the path that it was itself started with.
            child = subprocess.Popen(["env"] + [compat.native(word) for word in command.argv], env=environment,
                                     stdout=output or subprocess.PIPE, stderr=subprocess.STDOUT)
            printed = child.communicate()[0]
        finally:
            if output:
                output.close()
        return child.returncode, compat.text(printed or b"")

    def calls(self, program):
        """Return the argument lists with which a program was called."""
        with io.open(self.calls_file, encoding="utf-8") as stream:
            lines = stream.read().splitlines()
        found = []
        while lines:
            name, count = lines.pop(0).rsplit(" ", 1)
            words, lines = lines[:int(count)], lines[int(count):]
            found.append((name, words))
        return [words for name, words in found if name == program]


@pytest.fixture
def proxy(tmpdir):
    return Proxy(tmpdir)


@pytest.mark.parametrize("name", PROPRIETARY)
def test_an_image_comes_back_to_another_device_byte_for_byte(proxy, name):
    verdict, output = proxy.run(name, "image_backup", device=proxy.device("sdb", ONE))
    assert verdict == agents.OK, output
    identity = proxy.agents[name].backup_id(output)
    verdict, output = proxy.run(
        name, "image_restore", device=proxy.device("sdq", b"\0" * len(ONE)), backup_id=identity)
    assert verdict == agents.OK, output
    assert proxy.content("sdq") == ONE


@pytest.mark.parametrize("name", PROPRIETARY)
def test_two_servers_on_the_same_device_do_not_get_each_others_image(proxy, name):
    identities = {}
    for vs, data in (("web01", ONE), ("web02", TWO)):
        _verdict, output = proxy.run(
            name, "image_backup", device=proxy.device("sdb", data), vs=vs, identifier="of-" + vs)
        identities[vs] = proxy.agents[name].backup_id(output)
    for vs, data in (("web01", ONE), ("web02", TWO)):
        proxy.run(name, "image_restore", device=proxy.device("sdb", b"\0" * len(ONE)), vs=vs,
                  identifier="of-" + vs, backup_id=identities[vs])
        assert proxy.content("sdb") == data


@pytest.mark.parametrize("name", PROPRIETARY)
@pytest.mark.parametrize("status", [0, 12])
def test_the_device_has_its_second_name_only_for_the_time_of_the_run(proxy, name, status):
    proxy.run(name, "image_backup", status=status, device=proxy.device("sdb", ONE))
    left = [file for _folder, _folders, files in os.walk(proxy.path("dev")) for file in files]
    assert left == []


@pytest.mark.parametrize("name, program, place", [
    ("tsm", "dsmc", 2), ("netbackup", "bpbackup", -1), ("networker", "save", -1)])
def test_the_agent_is_given_the_same_name_whatever_the_device(proxy, name, program, place):
    proxy.run(name, "image_backup", device=proxy.device("sdb", ONE))
    proxy.run(name, "image_backup", device=proxy.device("sdq", ONE))
    first, second = proxy.calls(program)
    assert first == second
    assert first[place] == proxy.path("dev") + "/web%2001/%2Dsystem"


@pytest.mark.parametrize("name, status, files, image", [
    ("tsm", 4, agents.WARNING, agents.WARNING), ("tsm", 8, agents.WARNING, agents.WARNING),
    ("tsm", 12, agents.FAILED, agents.FAILED),
    ("netbackup", 1, agents.WARNING, agents.FAILED), ("netbackup", 71, agents.FAILED, agents.FAILED),
    ("networker", 1, agents.FAILED, agents.FAILED),
])
def test_the_exit_status_decides_whatever_was_done(proxy, name, status, files, image):
    device = proxy.device("sdb", ONE)
    assert proxy.run(name, "image_backup", status=status, device=device)[0] == image
    assert proxy.run(name, "file_backup", status=status, mount=proxy.store, origin="/")[0] == files
    assert proxy.run(name, "file_backup", mount=proxy.store, origin="/")[0] == agents.OK


@pytest.mark.parametrize("name", PROPRIETARY)
def test_a_device_that_is_not_there_fails(proxy, name):
    assert proxy.run(name, "image_backup", device=proxy.path("nothing"))[0] == agents.FAILED
    assert proxy.run(name, "image_restore", device=proxy.path("nothing"), backup_id="4001")[0] == agents.FAILED
    assert not os.path.lexists(proxy.path("nothing"))


def test_tsm_files_are_kept_under_the_servers_own_node_and_file_space(proxy):
    proxy.run("tsm", "file_backup", vs="web01", mount=proxy.store, origin="C:")
    assert proxy.calls("dsmc") == [["incremental", "C:", "-snapshotroot=" + proxy.store, "-asnodename=web01"]]


def test_tsm_prints_no_exact_bytes_so_none_are_read(proxy):
    _verdict, output = proxy.run("tsm", "image_backup", device=proxy.device("sdb", ONE))
    assert "1.46 GB" in output
    assert proxy.agents["tsm"].bytes_read(output) is None


def test_netbackup_is_waited_for_and_asked_for_this_backup(proxy):
    for identifier, data in (("older", ONE), ("newer", TWO)):
        proxy.run("netbackup", "image_backup", device=proxy.device("sdb", data), identifier=identifier)
    proxy.run("netbackup", "image_restore", device=proxy.device("sdb", b"\0" * len(ONE)), identifier="older")
    assert proxy.content("sdb") == ONE
    assert all("-w" in words for words in proxy.calls("bpbackup") + proxy.calls("bprestore"))


def test_networker_saves_the_content_of_the_device_and_says_how_much(proxy):
    verdict, output = proxy.run("networker", "image_backup", device=proxy.device("sdb", ONE))
    assert verdict == agents.OK
    assert proxy.agents["networker"].bytes_read(output) == len(ONE)
    assert proxy.agents["networker"].backup_id(output) == "4001"


def test_networker_without_its_directive_shows_in_the_bytes(proxy):
    save = [each for each in proxy.agents["networker"].commands("image_backup", proxy.values(
        proxy.agents["networker"], device=proxy.device("sdb", ONE))) if each.argv[0] in ("save", "mminfo")]
    without = agents.Command(save[0].argv[:5] + [proxy.path("sdb")], None, None)
    output = "".join(proxy._run(each, 0)[1] for each in (without, save[1]))
    assert proxy.agents["networker"].bytes_read(output) < len(ONE)


@pytest.mark.parametrize("program, words", [
    ("dsmc", ["backup", "image", "/dev/sdb", "-snapshotroot=/mnt"]),
    ("dsmc", ["incremental", "/", "-noprompt"]),
    ("dsmc", ["backup", "disk", "/dev/sdb"]),
    ("bpbackup", ["-p", "policy", "-Z", "/dev/sdb"]),
    ("bpbackup", ["/dev/sdb"]),
    ("bprestore", ["-Z", "/dev/sdb"]),
    ("save", ["-s", "server", "-Z", "/dev/sdb"]),
    ("recover", ["-s", "server", "-Z", "/dev/sdb"]),
    ("mminfo", ["-Z"]),
])
def test_a_stand_in_refuses_what_the_vendors_command_does_not_have(proxy, program, words):
    assert proxy._run(agents.Command([program] + words, None, None), 0)[0] != 0
