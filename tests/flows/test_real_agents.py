# -*- coding: utf-8 -*-
"""Real programs back up, and give back, the disk as it was at the snapshot, while its server goes on writing."""
from __future__ import absolute_import, division, print_function, unicode_literals

import io
import json
import os
import subprocess
import sys
import tarfile

import pytest

from tests.flows.helpers import (PASSWORD, ROOT, compat, content_in, environment, kept_lab, objects_in, process,
                                 restic_repository, small, vibackup_in, words_of)  # noqa: F401
from vibackup import agents, guest
from vibackup import process as child

DISK = 256 * 1024
WRITTEN = b"written by the server while it is being backed up\n" * 1000


class Place(object):
    """A lab kept in a folder, with a repository beside it."""

    def __init__(self, tmpdir, monkeypatch):
        self.folder = compat.text(tmpdir)
        self.lab = os.path.join(self.folder, "lab")
        self.repository = os.path.join(self.folder, "repository")
        for name, value in (("RESTIC_PASSWORD", PASSWORD), ("RESTIC_CACHE_DIR", self.path("cache")),
                            ("BORG_BASE_DIR", self.path("borg")), ("BORG_RELOCATED_REPO_ACCESS_IS_OK", "yes")):
            monkeypatch.setenv(str(name), compat.native(value))
        self.before = kept_lab(self.lab, small())

    def path(self, name):
        return os.path.join(self.folder, name)

    def run(self, *argv, **files):
        """Run a program as a person would; it must succeed."""
        done = child.run(guest.Command(list(argv), None, files.get("stdout")))
        assert done.status == 0, done
        return done.output

    def agent_that_is_written_under(self, name):
        """Return the options for the shipped agent ``name`` whose disk is written to right before it reads.

        The writer is a process of its own, which finds the lab in its folder.
        """
        data = self.path("what is written")
        with open(compat.native(data), "wb") as stream:
            stream.write(WRITTEN)
        writer = ["env", "PYTHONPATH=" + ROOT, "JYTHONPATH=" + ROOT, "PYTHONDONTWRITEBYTECODE=1",
                  compat.text(sys.executable), "-m", "fakes", "write", self.lab, "web01-system", "70000"]
        table = self.path("agents.ini")
        with io.open(compat.native(table), "w", encoding="utf-8") as stream:
            stream.write(_section(name).replace("image_backup =", "image_backup =\n    %s < '%s'\n   " % (
                words_of(writer), data), 1))
        return ["--agents=" + table, "--agent=" + name, "--location=" + self.repository]

    def back_up(self, name, *words):
        """Back web01 up while its disk is written to; return the disk as it was, and the backup."""
        before = content_in(self.lab, "web01-system")
        ran = vibackup_in(self.lab, "proxy-backup", "--vs=web01", "--proxy=pbh01",
                          *(self.agent_that_is_written_under(name) + list(words)))
        assert ran.status == 0, ran.errors
        now = content_in(self.lab, "web01-system")
        assert now != before and now[70000:70000 + len(WRITTEN)] == WRITTEN
        return before, ran.document["backup"]

    def snapshots(self):
        """Return the names that restic has for what is in the repository, sorted."""
        snapshots = json.loads(self.run("restic", "-r", self.repository, "--json", "snapshots"))
        return sorted(each["id"] for each in snapshots)

    def restored(self):
        with open(compat.native(self.path("restored")), "rb") as stream:
            return stream.read()


def _section(name):
    """Return the section of the shipped table that describes the agent ``name``."""
    with io.open(os.path.join(os.path.dirname(agents.__file__), "agents.ini"), encoding="utf-8") as stream:
        return "[%s]\n" % name + stream.read().split("\n[%s]\n" % name)[1].split("\n[")[0] + "\n"


@pytest.fixture
def place(tmpdir, monkeypatch):
    return Place(tmpdir, monkeypatch)


@pytest.mark.needs("restic")
def test_restic_gives_back_the_disk_as_it_was_at_the_snapshot(place, restic_repository):
    place.repository = restic_repository
    before, backup = place.back_up("restic")
    [disk] = backup["disks"]
    place.run("restic", "-r", place.repository, "dump", disk["backup_id"], "/" + disk["stored_as"],
              stdout=place.path("restored"))
    assert place.restored() == before and disk["bytes_read"] == DISK


@pytest.mark.needs("borg")
def test_borg_gives_back_the_disk_as_it_was_at_the_snapshot(place):
    place.run("borg", "init", "--encryption=none", place.repository)
    before, backup = place.back_up("borg")
    [disk] = backup["disks"]
    place.run("borg", "extract", "--stdout", "%s::%s" % (place.repository, disk["backup_id"]),
              stdout=place.path("restored"))
    assert place.restored() == before and disk["bytes_read"] == DISK


@pytest.mark.needs("dd")
def test_dd_has_the_disk_as_it_was_at_the_snapshot_and_the_lab_is_as_it_was_but_for_the_write(place):
    before, backup = place.back_up("dd")
    [disk] = backup["disks"]
    with open(compat.native(os.path.join(place.repository, disk["stored_as"], backup["id"] + ".img")), "rb") as stream:
        assert stream.read() == before
    for old, new in zip(place.before, objects_in(place.lab)):
        assert new == (dict(old, sha256=new["sha256"]) if old["name"] == "web01-system" else old)


@pytest.mark.needs("tar")
def test_tar_has_the_files_of_the_disk(place):
    ran = vibackup_in(place.lab, "proxy-backup", "--vs=web01", "--proxy=pbh01", "--agent=tar", "--mode=file",
                      "--location=" + place.repository)
    assert ran.status == 0, ran.errors
    [disk] = ran.document["backup"]["disks"]
    path = os.path.join(place.repository, disk["stored_as"], ran.document["backup"]["id"] + ".1.tar")
    with tarfile.open(compat.native(path)) as archive:
        assert [archive.extractfile(each).read() for each in archive.getmembers() if each.isfile()] == [b"hello\n"]


@pytest.mark.needs("restic")
def test_restic_keeps_the_files_under_the_same_names_whatever_the_device(place, restic_repository):
    place.repository = restic_repository
    ran = vibackup_in(place.lab, "proxy-backup", "--vs=web01", "--proxy=pbh01", "--agent=restic", "--mode=file",
                      "--location=" + place.repository)
    assert ran.status == 0, ran.errors
    listed = place.run("restic", "-r", place.repository, "ls", ran.document["backup"]["disks"][0]["backup_id"])
    assert [line for line in listed.splitlines() if line.endswith("/mnt/vibackup/web01/web01-system/1/etc/motd")]


@pytest.mark.needs("restic")
def test_what_restic_has_kept_for_a_run_that_was_killed_is_removed(place, restic_repository):
    place.repository = restic_repository
    words = ["proxy-backup", "--vs=web01", "--proxy=pbh01", "--agent=restic", "--location=" + place.repository]
    before, trace = place.snapshots(), place.path("trace")
    assert vibackup_in(place.lab, *(words + ["--lab-trace=" + trace])).status == 0
    ended = place.snapshots()
    with io.open(compat.native(trace), encoding="utf-8") as stream:
        [number] = [line.split()[0] for line in stream if " restic " in line and " --stdin " in line]
    killed = process("vibackup", *(words + ["--lab=" + place.lab, "--lab-fault=%s:after:crash" % number]))
    assert killed.status in (-9, 137) and len(place.snapshots()) == len(ended) + 1 == len(before) + 2
    assert vibackup_in(place.lab, "reconcile", "--fix").status == 0
    assert place.snapshots() == ended and objects_in(place.lab) == place.before


@pytest.mark.needs("restic")
def test_a_repository_that_is_not_there_is_a_failure_that_leaves_nothing(place):
    ran = vibackup_in(place.lab, "proxy-backup", "--vs=web01", "--proxy=pbh01", "--agent=restic",
                      "--location=" + place.repository)
    assert ran.status == 1 and ran.error_class == "AgentFailed"
    assert objects_in(place.lab) == place.before
    assert vibackup_in(place.lab, "backups").document["backups"] == []


@pytest.mark.needs("dd")
def test_the_first_command_of_the_readme_shows_the_steps_and_leaves_nothing(tmpdir):
    child_ = subprocess.Popen(
        ["sh", os.path.join(ROOT, "scripts", "runner.sh"),
         "--inputfile=" + os.path.join(ROOT, "scripts", "proxyBackup.py"),
         "--lab", "--vs=web01", "--proxy=pbh01", "--agent=dd"],
        cwd=str(tmpdir),
        env=environment(VIBACKUP_PYTHON=sys.executable, TMPDIR=compat.text(tmpdir)), stdout=subprocess.PIPE,
        stderr=subprocess.PIPE)
    output, errors = child_.communicate()
    lines = compat.text(output).splitlines()
    assert (child_.returncode, compat.text(errors)) == (0, "")
    assert [line.partition("  ")[0] for line in lines[1:-1]] == [
        "snapshot", "attach", "reboot", "find disks", "backup", "detach", "reboot", "check disks", "delete snapshot"]
    assert "in a lab: no real virtual server is touched" in lines[0] and lines[-1].endswith("(in a lab)")
    assert [name for name in os.listdir(str(tmpdir)) if name.startswith("vibackup-lab-")] == []
