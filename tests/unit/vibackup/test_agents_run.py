# -*- coding: utf-8 -*-
"""The shipped agents that are at hand, really run: what they keep comes back."""
from __future__ import absolute_import, division, print_function, unicode_literals

import os
import subprocess
import threading

import pytest

from tests.unit.vibackup.test_agents import known, values
from vibackup import agents, compat

needs_dd = pytest.mark.needs("dd")
needs_tar = pytest.mark.needs("tar")
needs_restic = [pytest.mark.needs("restic"), pytest.mark.any_interpreter]  # flows/test_real_agents.py is for all
needs_borg = [pytest.mark.needs("borg"), pytest.mark.any_interpreter]


def run(command, folder, **environment):
    """Run a command as a process, as a guest would, and return its status and all that it printed."""
    opened = [open(compat.native(command.stdin or os.devnull), "rb")]
    if command.stdout:
        opened.append(open(compat.native(command.stdout), "r+b"))
    try:
        child = subprocess.Popen(
            [compat.native(word) for word in command.argv], cwd=compat.native(folder), stdin=opened[0],
            stdout=opened[1] if command.stdout else subprocess.PIPE, stderr=subprocess.PIPE,
            env=dict(os.environ, **{str(name): compat.native(text) for name, text in environment.items()}))
        output, errors = child.communicate()
    finally:
        for each in opened:
            each.close()
    return child.returncode, compat.text(output or b"") + compat.text(errors)


def run_all(agent, operation, filled, folder, **environment):
    """Run the commands of an operation until one fails; return the worst verdict and all output.

    Before those of a backup come those that make ready for it.
    """
    whole = ""
    verdicts = []
    before = operation.split("_")[0] + "_before" if operation.endswith("_backup") else None
    for command in (agent.commands(before, filled) if before else []) + agent.commands(operation, filled):
        status, output = run(command, folder, **environment)
        whole += output
        verdicts.append(agent.judge(status, command))
        if verdicts[-1] == agents.FAILED:
            break
    return max(verdicts, key=[agents.OK, agents.WARNING, agents.FAILED].index), whole


def make_device(folder, name, data):
    path = os.path.join(folder, name)
    with open(compat.native(path), "wb") as stream:
        stream.write(data)
    return path


def content(path):
    with open(compat.native(path), "rb") as stream:
        return stream.read()


RANDOM = os.urandom(3 * 1024 * 1024 + 512)


class Site(object):
    """A folder with a device to back up, one to restore to, files, and repositories."""

    def __init__(self, tmpdir):
        self.folder = compat.text(tmpdir)
        self.device = make_device(self.folder, "a disk", RANDOM)
        self.target = make_device(self.folder, "a target", b"\0" * len(RANDOM))
        self.mount = os.path.join(self.folder, "a mount")
        os.mkdir(self.mount)
        with open(os.path.join(self.mount, "file"), "wb") as stream:
            stream.write(b"content")
        self.environment = {
            "RESTIC_PASSWORD": "secret", "RESTIC_CACHE_DIR": self.folder + "/cache",
            "BORG_BASE_DIR": self.folder + "/borg-base", "BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK": "yes"}

    def prepare(self, *argv):
        assert run(agents.Command(list(argv), None, None), self.folder, **self.environment)[0] == 0

    def values(self, agent, location, **more):
        more = dict({"device": self.device, "mount": self.mount, "origin": "/", "vs": "web 01=$(x)",
                     "disk": "-süd/.."}, **more)
        return values(agent, location=location, **more)

    def run(self, agent, operation, filled):
        return run_all(agent, operation, filled, self.folder, **self.environment)


@pytest.fixture
def site(tmpdir):
    return Site(tmpdir)


def repository(site, name):
    """Return an agent and its location, made ready."""
    location = site.folder + "/the " + name
    if name == "restic":
        site.prepare("restic", "--quiet", "--repo=" + location, "init")
    if name == "borg":
        site.prepare("borg", "init", "--encryption=none", location)
    return known(name), location


@pytest.mark.parametrize("name", [
    pytest.param("dd", marks=needs_dd), pytest.param("restic", marks=needs_restic),
    pytest.param("borg", marks=needs_borg)])
def test_an_image_comes_back_byte_for_byte(site, name):
    agent, location = repository(site, name)
    filled = site.values(agent, location)
    verdict, output = site.run(agent, "image_backup", filled)
    assert verdict == agents.OK
    assert agent.bytes_read(output) == len(RANDOM)
    filled.update(device=site.target, backup_id=agent.backup_id(output))
    verdict, output = site.run(agent, "image_restore", filled)
    assert verdict == agents.OK, output
    assert content(site.target) == RANDOM


@pytest.mark.parametrize("name", [
    pytest.param("dd", marks=needs_dd), pytest.param("restic", marks=needs_restic),
    pytest.param("borg", marks=needs_borg)])
def test_a_restore_to_a_device_that_is_not_there_fails_and_makes_no_file(site, name):
    agent, location = repository(site, name)
    filled = site.values(agent, location)
    _verdict, output = site.run(agent, "image_backup", filled)
    filled.update(device=site.folder + "/nothing", backup_id=agent.backup_id(output) or "none")
    assert site.run(agent, "image_restore", filled)[0] == agents.FAILED
    assert not os.path.exists(site.folder + "/nothing")


@pytest.mark.parametrize("name", [pytest.param("restic", marks=needs_restic), pytest.param("borg", marks=needs_borg)])
def test_an_image_of_which_only_our_own_id_is_known_can_be_removed_and_no_other(site, name):
    agent, location = repository(site, name)
    called = {}
    for identifier in ("kept", "cut", "cut-2"):
        called[identifier] = agent.backup_id(
            site.run(agent, "image_backup", site.values(agent, location, identifier=identifier))[1])
    for _time in ("first", "again"):
        assert site.run(agent, "image_discard", site.values(agent, location, identifier="cut"))[0] == agents.OK
    there = [identifier for identifier in sorted(called) if site.run(agent, "image_restore", site.values(
        agent, location, identifier=identifier, device=site.target, backup_id=called[identifier]))[0] == agents.OK]
    assert there == ["cut-2", "kept"]


@pytest.mark.needs("restic")
@pytest.mark.any_interpreter
def test_an_image_is_not_called_removed_where_restic_cannot_say_what_is_there(site):
    agent = known("restic")
    nowhere = site.values(agent, site.folder + "/nothing", identifier="cut")
    assert site.run(agent, "image_discard", nowhere)[0] == agents.FAILED


@pytest.mark.parametrize("name", [pytest.param("restic", marks=needs_restic), pytest.param("borg", marks=needs_borg)])
def test_the_older_of_two_images_can_be_restored(site, name):
    agent, location = repository(site, name)
    _verdict, output = site.run(agent, "image_backup", site.values(agent, location, identifier="older"))
    newer = make_device(site.folder, "newer", b"\1" * len(RANDOM))
    site.run(agent, "image_backup", site.values(agent, location, identifier="newer", device=newer))
    site.run(agent, "image_restore", site.values(
        agent, location, device=site.target, identifier="older", backup_id=agent.backup_id(output)))
    assert content(site.target) == RANDOM


@pytest.mark.parametrize("name", [
    pytest.param("tar", marks=needs_tar), pytest.param("restic", marks=needs_restic),
    pytest.param("borg", marks=needs_borg)])
def test_files_are_backed_up(site, name):
    agent, location = repository(site, name)
    filled = site.values(agent, location)
    verdict, output = site.run(agent, "file_backup", filled)
    assert verdict == agents.OK, output
    assert agent.bytes_read(output) >= len(b"content")


def backed_up(site, name, identifier="b1", operation="file_backup", location=None):
    """Back up the files of the mount; return the agent and what restores them into a new folder of the site."""
    agent, found = (known(name), location) if location else repository(site, name)
    filled = site.values(agent, found, identifier=identifier)
    verdict, output = site.run(agent, operation, filled)
    assert verdict == agents.OK, output
    target = os.path.join(site.folder, "back to " + identifier)
    os.mkdir(compat.native(target))
    return agent, dict(filled, backup_id=agent.backup_id(output) or filled["id"], target=target)


def listing(folder):
    """Return a line for a folder and each thing below it: path, kind, mode, where a link leads, owner and group."""
    command = ["find", ".", "-printf", "%P %y %m %l %U:%G\\n"]
    return sorted(compat.text(subprocess.check_output(command, cwd=compat.native(folder))).splitlines())


FILE_AGENTS = pytest.mark.parametrize("name", [
    pytest.param("tar", marks=needs_tar), pytest.param("restic", marks=needs_restic),
    pytest.param("borg", marks=needs_borg)])


@FILE_AGENTS
@pytest.mark.parametrize("operation", ["file_backup", "file_system_backup"])
def test_files_come_back_as_they_were_and_where_they_were_below_the_mount(site, name, operation):
    make = ("mkdir -p a/empty 'a/süd; x' && printf data > 'a/süd; x/-f' && chmod 640 'a/süd; x/-f' && "
            "ln -s nowhere link && chmod 2750 a && chmod 711 .")
    subprocess.check_call(["sh", "-c", compat.native(make)], cwd=compat.native(site.mount))
    agent, filled = backed_up(site, name, operation=operation)
    verdict, output = site.run(agent, "file_restore", filled)
    assert verdict == agents.OK, output
    as_it_was, as_it_is = listing(site.mount), listing(filled["target"])
    assert as_it_is == as_it_was and len(as_it_is) == 7
    assert [each for each in os.listdir(compat.native(site.folder)) if ".above" in each] == []


@FILE_AGENTS
def test_the_older_of_two_backups_of_files_can_be_restored(site, name):
    agent, older = backed_up(site, name, "older")
    with open(os.path.join(compat.native(site.mount), "file"), "wb") as stream:
        stream.write(b"newer")
    backed_up(site, name, "newer", location=older["location"])
    assert site.run(agent, "file_restore", older)[0] == agents.OK
    assert content(os.path.join(older["target"], "file")) == b"content"


@FILE_AGENTS
def test_a_backup_of_files_that_the_agent_does_not_have_fails(site, name):
    agent, filled = backed_up(site, name)
    filled.update(backup_id="0badcafe", file=site.folder + "/nothing")
    verdict, _output = site.run(agent, "file_restore", filled)
    assert verdict == agents.FAILED and os.listdir(compat.native(filled["target"])) == []


@FILE_AGENTS
def test_files_are_not_restored_over_what_is_there(site, name):
    agent, filled = backed_up(site, name)
    with open(os.path.join(compat.native(filled["target"]), "mine"), "wb") as stream:
        stream.write(b"mine")
    verdict, _output = site.run(agent, "file_restore", filled)
    assert content(os.path.join(filled["target"], "mine")) == b"mine"
    assert verdict == (agents.OK if name == "tar" else agents.FAILED)


@pytest.mark.needs("borg")
@pytest.mark.any_interpreter
def test_borg_finds_a_repository_below_the_folder_where_it_runs(site):
    site.prepare("borg", "init", "--encryption=none", "the repository")
    agent, filled = backed_up(site, "borg", location="the repository")
    verdict, output = site.run(agent, "file_restore", filled)
    assert verdict == agents.OK, output
    assert content(os.path.join(filled["target"], "file")) == b"content"


@pytest.mark.parametrize("name", [
    pytest.param("tar", marks=needs_tar), pytest.param("restic", marks=needs_restic),
    pytest.param("borg", marks=needs_borg)])
def test_a_mount_that_is_not_there_is_no_finished_backup(site, name):
    agent, location = repository(site, name)
    filled = site.values(agent, location, mount=site.folder + "/nothing")
    assert site.run(agent, "file_backup", filled)[0] != agents.OK


@pytest.mark.parametrize("name", [pytest.param("restic", marks=needs_restic), pytest.param("borg", marks=needs_borg)])
def test_a_repository_that_is_not_there_fails(site, name):
    agent = known(name)
    filled = site.values(agent, site.folder + "/nothing")
    for operation in ("image_backup", "file_backup"):
        verdict, output = site.run(agent, operation, filled)
        assert (verdict, agent.backup_id(output)) == (agents.FAILED, None)


@needs_tar
def test_a_tar_archive_holds_the_files_by_their_place_below_the_mount(site):
    tar, location = repository(site, "tar")
    filled = site.values(tar, location)
    site.run(tar, "file_backup", filled)
    _status, listing = run(agents.Command(["tar", "--list", "--file", filled["file"]], None, None), site.folder)
    assert listing.split() == ["./", "./file"]


@needs_tar
def test_a_file_that_changes_while_tar_reads_it_is_a_warning(site):
    tar = known("tar")
    changing = os.path.join(site.mount, "changing")
    with open(compat.native(changing), "wb") as stream:
        stream.seek(64 * 1024 * 1024)
        stream.write(b"end")
    done = threading.Event()

    def change():
        while not done.wait(0.001):
            os.utime(compat.native(changing), None)

    changer = threading.Thread(target=change)
    changer.start()
    try:
        filled = site.values(tar, site.folder + "/archives")
        verdict, _output = site.run(tar, "file_backup", filled)
    finally:
        done.set()
        changer.join()
    assert verdict == agents.WARNING
    assert os.path.exists(compat.native(filled["file"]))


@needs_dd
def test_a_backup_that_failed_leaves_nothing_behind(site):
    dd = known("dd")
    filled = site.values(dd, site.folder, device=site.folder + "/nothing")
    assert site.run(dd, "image_backup", filled)[0] == agents.FAILED
    make_device(filled["folder"], "b1.img.partial", b"half")
    assert site.run(dd, "image_after", filled)[0] == agents.OK
    assert os.listdir(compat.native(filled["folder"])) == []


@needs_dd
def test_clearing_up_after_a_good_backup_leaves_it_alone(site):
    dd = known("dd")
    filled = site.values(dd, site.folder)
    site.run(dd, "image_backup", filled)
    assert site.run(dd, "image_after", filled)[0] == agents.OK
    assert content(filled["file"]) == RANDOM


@pytest.mark.parametrize("name, operation", [
    pytest.param("dd", "image_backup", marks=needs_dd), pytest.param("tar", "file_backup", marks=needs_tar)])
def test_a_file_of_an_earlier_backup_is_never_overwritten(site, name, operation):
    agent = known(name)
    filled = site.values(agent, site.folder)
    os.makedirs(compat.native(filled["folder"]))
    make_device(filled["folder"], os.path.basename(filled["file"]), b"earlier")
    assert site.run(agent, operation, filled)[0] == agents.FAILED
    assert content(filled["file"]) == b"earlier"


@needs_dd
def test_a_restore_of_a_smaller_image_leaves_the_rest_of_the_disk_as_it_was(site):
    dd = known("dd")
    filled = site.values(dd, site.folder)
    site.run(dd, "image_backup", filled)
    larger = make_device(site.folder, "larger", b"\2" * (len(RANDOM) + 4096))
    filled.update(device=larger)
    assert site.run(dd, "image_restore", filled)[0] == agents.OK
    assert content(larger) == RANDOM + b"\2" * 4096


@pytest.mark.parametrize("digits, figure", [(1, 9), (20, 10 ** 20 - 1), (21, None), (5000, None), (60000, None)])
def test_a_figure_that_no_disk_can_have_is_none(tmpdir, digits, figure):
    tmpdir.join("agents.ini").write("[site]\nimage_backup = true\nbytes = read ([0-9]+)\n")
    agent = agents.load(compat.text(tmpdir.join("agents.ini")))["site"]
    assert agent.bytes_read("read " + "9" * digits) == figure
