# -*- coding: utf-8 -*-
"""array-backup that is stopped or killed, at any moment."""
from __future__ import absolute_import, division, print_function, unicode_literals

import signal

import pytest

from fakes import kinds
from tests.flows.arrays import FileArray, array_of, mixed
from tests.flows.helpers import (EVERY, FREEZE, JYTHON, compat, content_in, kept_lab, objects_in, opened, process,
                                 stage, vibackup_in)  # noqa: F401
from tests.flows.sweeps import stop_everywhere
from vibackup import agents, arrays
from vibackup.flows import array_backup
from vibackup.run import Run

PROXY = ["--proxy=pbh01", "--agent=model"]
KILLED = (-signal.SIGKILL, 128 + signal.SIGKILL)


def test_a_stop_at_any_moment_leaves_nothing(stage):
    stage.open(mixed())
    array = array_of(stage)
    before = stage.objects()

    def act(run):
        assert array.snapshots("LUN-1") == []
        array_backup.array_backup(run, array_backup.Plan(
            run, "web01", arrays.load(array.table)["files"], ["true"], ["true"], "pbh01", agents.load()["model"]))
    assert stop_everywhere(stage, "array-backup", act, before, min(EVERY, 3)) >= 3
    assert stage.objects() == before and len(array.snapshots("LUN-1")) == len(stage.catalog()) == 1


# -- in a lab on disk

@pytest.fixture
def lab(tmpdir):
    """The folder of a lab, and the array that its web01 has a LUN of."""
    folder = compat.text(tmpdir.join("lab"))
    kept_lab(folder, mixed())
    return folder, FileArray(tmpdir, {"LUN-1": content_in(folder, "web01 LUN-1")})


def words_of(lab, *words):
    folder, array = lab
    return ("array-backup", "--lab=" + folder, "--json", "--vs=web01") + tuple(array.options) + words


@pytest.mark.parametrize("number", [1, 2, 3])
@pytest.mark.parametrize("name, status", [("INT", 130), ("TERM", 143)])
def test_a_real_signal_while_the_array_works_ends_its_command_and_leaves_nothing(lab, name, status, number):
    folder, array = lab
    before = objects_in(folder)
    array.fails_at(number, name)
    ran = process("vibackup", *words_of(lab, *(PROXY + FREEZE)))
    assert ran.status == status and ran.document["leftovers"] == [], ran.errors
    assert array.snapshots("LUN-1") == [] and objects_in(folder) == before


def fixed(lab, before):
    """Check that one ``reconcile --fix`` leaves nothing, and that a second one finds nothing."""
    folder, array = lab
    array.works()
    ran = vibackup_in(folder, "reconcile", "--fix")
    assert ran.status == 0, ran.errors
    assert objects_in(folder) == before
    again = vibackup_in(folder, "reconcile", "--fix")
    assert (again.status, again.document["released"]) == (0, 0)
    return ran


@pytest.mark.parametrize("number, left", [
    (2, ["the snapshot vibackup-X of the LUN LUN-1", "web01 frozen", "the snapshot of web01"]),
    (3, ["the snapshot vibackup-X of the LUN LUN-1", "the snapshot of web01"])])
def test_what_a_run_left_that_was_killed_while_the_array_worked_is_refused_listed_and_released(lab, number, left):
    folder, array = lab
    before = objects_in(folder)
    array.fails_at(number, "KILL")
    assert process("vibackup", *words_of(lab, *(PROXY + FREEZE))).status in KILLED
    tag, = array.snapshots("LUN-1")
    assert vibackup_in(folder, "array-backup", "--vs=web01", *(array.options + PROXY)).status == 6
    listed = vibackup_in(folder, "reconcile").document["leftovers"]
    assert [each["what"].replace(tag, "vibackup-X") for each in listed] == left
    assert vibackup_in(folder, "reconcile", "--fix", "--dry-run").status == 6 and array.snapshots("LUN-1") == [tag]
    fixed(lab, before)
    assert array.snapshots("LUN-1") == []


def calls_of_a_good_run(stage):
    stage.open(mixed())
    array = array_of(stage)
    assert stage.vibackup("array-backup", "--vs=web01", *(array.options + PROXY + FREEZE)).status == 0
    calls = len(stage.calls)
    stage.close()
    return calls


def test_wherever_a_run_is_killed_reconcile_leaves_the_good_backups_alone(stage, tmpdir):
    for number in range(1, calls_of_a_good_run(stage) + 1, 60 if JYTHON else 15):
        place = tmpdir.mkdir("at %d" % number)
        folder = compat.text(place.join("lab"))
        before = kept_lab(folder, mixed())
        array = FileArray(place, {"LUN-1": content_in(folder, "web01 LUN-1")})
        phase = "after" if number % 2 else "before"
        fault = "--lab-fault=%d:%s:crash" % (number, phase)
        ran = process("vibackup", *words_of((folder, array), fault, *(PROXY + FREEZE)))
        assert ran.status in KILLED, (number, ran.errors)
        fixed((folder, array), before)
        kept = [disk["tag"] for entry in vibackup_in(folder, "backups").document["backups"]
                for disk in entry["disks"] if "tag" in disk]
        assert array.snapshots("LUN-1") == kept, number
        assert vibackup_in(folder, "array-backup", "--vs=web01", *(array.options + PROXY + FREEZE)).status == 0, number


def test_a_backup_in_the_catalog_is_kept_where_the_run_was_killed_right_after_it(lab, monkeypatch):
    folder, array = lab
    before = objects_in(folder)

    class Killed(BaseException):
        """Stands for the end of the process."""

    real = Run.release

    def dying(run, number, function):
        if run.ledger.kind(number) == "lun":
            raise Killed()
        return real(run, number, function)
    monkeypatch.setattr(Run, "release", dying)
    with pytest.raises(Killed):
        vibackup_in(folder, "array-backup", "--vs=web01", *(array.options + PROXY + FREEZE))
    monkeypatch.undo()
    tag, = array.snapshots("LUN-1")
    assert [each["what"] for each in vibackup_in(folder, "reconcile").document["leftovers"]] == [
        "the snapshot %s of the LUN LUN-1" % tag]
    fixed(lab, before)
    assert array.snapshots("LUN-1") == [tag] and len(vibackup_in(folder, "backups").document["backups"]) == 1


def test_a_snapshot_is_deleted_also_where_its_server_is_gone(lab):
    folder, array = lab
    array.fails_at(2, "KILL")
    assert process("vibackup", *words_of(lab, *PROXY)).status in KILLED
    with opened(folder) as made:
        record = made.world.named({kinds.VIRTUAL_SERVER.name}, "web01")
        made.world.settle(record, id="gone")
    array.works()
    assert vibackup_in(folder, "reconcile", "--fix").status == 0
    assert array.snapshots("LUN-1") == []
