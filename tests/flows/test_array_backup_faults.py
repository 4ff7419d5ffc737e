# -*- coding: utf-8 -*-
"""array-backup while manager or array fail it: no backup that is none, and no snapshot of either sort is left."""
from __future__ import absolute_import, division, print_function, unicode_literals

import pytest

from tests.flows.arrays import array_of, mixed
from tests.flows.helpers import FREEZE, site_agent, stage  # noqa: F401
from tests.flows.sweeps import nothing_more_to_release, release_what_it_names
from vibackup import arrays
from vibackup.run import Run

PROXY = ["--proxy=pbh01", "--agent=model"]


def both(stage, luns=("LUN-1",)):
    stage.open(mixed(luns))
    return array_of(stage, luns)


def back_up(stage, array, *words):
    return stage.vibackup("array-backup", "--vs=web01", *(array.options + (list(words) or PROXY) + FREEZE))


def settle(stage, array, ran, before, kept, place):
    """Check that nothing is left, or that reconcile leaves nothing; ``kept``: how many good backups there are."""
    array.works()
    release_what_it_names(stage, ran, place)
    assert stage.objects() == before, place
    assert len(array.snapshots("LUN-1")) == len(stage.catalog()) == kept, place
    nothing_more_to_release(stage, place)


@pytest.mark.parametrize("fault", ["before", "after", "hang"])
@pytest.mark.parametrize("number, status, words", [
    (1, 3, "array files: "), (2, 3, "array files: "),  # both LUNs are listed before anything is changed
    (3, 1, "array files: "), (4, 1, "array files: "),  # the snapshots
    (5, 1, "array files: "), (6, 1, "array files: "),  # listed after the thaw
    (7, 1, "array files: "), (8, 1, "array files: ")])  # and once more when the proxy is done
def test_whichever_command_of_the_array_fails_there_is_no_backup_and_no_snapshot(
        stage, monkeypatch, number, status, words, fault):
    monkeypatch.setattr(arrays, "COMMAND_SECONDS", 1)
    array = both(stage, ("LUN-1", "LUN-2"))
    before = stage.objects()
    array.fails_at(number, fault)
    ran = back_up(stage, array)
    assert ran.status == status and words in ran.error and ran.document["backup"] is None, ran.errors
    assert stage.object("web01")["frozen"] is False
    if fault == "hang":
        assert "was not finished within 1 seconds" in ran.error
    settle(stage, array, ran, before, 0, (number, fault))
    assert array.snapshots("LUN-2") == []


def test_a_snapshot_that_the_array_does_not_list_is_no_backup_and_named_for_a_person_to_look(stage):
    array = both(stage)
    before = stage.objects()
    array.fails_at(2, "forgets")
    ran = back_up(stage, array)
    assert ran.status == 6 and ran.error_class == "ArrayFailed" and ran.document["backup"] is None
    [left] = ran.document["leftovers"]
    assert "; its delete failed (array files: sh: rm: " in left["reason"]
    assert left["reason"].endswith("look on the array whether it is there")
    assert ran.error.startswith("array files ended well, but does not list the snapshot vibackup-")
    assert ran.error.endswith(" of the LUN LUN-1")
    assert "attach" not in ran.steps
    settle(stage, array, ran, before, 0, "forgets")


def test_a_snapshot_that_was_taken_and_is_not_listed_is_deleted_all_the_same(stage):
    array = both(stage)
    before = stage.objects()
    array.fails_at(3, "forgets")
    list_fails = back_up(stage, array, "--proxy=pbh01", *site_agent(stage, "true"))
    assert list_fails.status == 1 and array.commands.count("delete") == 1  # the list shows it the next time
    array.works()
    array.hides(True)
    ran = back_up(stage, array)
    assert ran.status == 6 and ran.document["backup"] is None and array.snapshots("LUN-1") == []
    assert "its delete ended well: look on the array" in ran.document["leftovers"][0]["reason"]
    array.hides(False)
    settle(stage, array, ran, before, 0, "hidden")


@pytest.mark.parametrize("number, status", [(9, 0), (2, 1)], ids=["good", "the snapshot fails after its effect"])
def test_among_very_many_snapshots_ours_is_found(stage, number, status):
    array = both(stage)
    array.has_many_more()
    before = stage.objects()
    array.fails_at(number, "after")
    ran = back_up(stage, array)
    assert ran.status == status, ran.errors
    settle(stage, array, ran, before, 1 - status, number)


def test_a_snapshot_that_comes_a_little_after_its_command_was_given_up_is_deleted_too(stage, monkeypatch):
    array = both(stage)
    before = stage.objects()
    array.fails_at(2, "hang")
    sleep, run_id = stage.lab.clock.sleep, []

    def finishing(seconds):
        """The array finishes what it was told to do while vibackup waits."""
        with open(array.path("LUN-1", "vibackup-" + run_id[0]), "wb") as stream:
            stream.write(b"late")
        sleep(seconds)
    new_id = Run.new_backup_id
    monkeypatch.setattr(Run, "new_backup_id", lambda run: run_id.append(new_id(run)) or run_id[0])
    monkeypatch.setattr(stage.lab.clock, "sleep", finishing)
    monkeypatch.setattr(arrays, "COMMAND_SECONDS", 1)
    ran = back_up(stage, array)
    monkeypatch.undo()
    assert ran.status == 1 and array.commands.count("delete") == 1
    settle(stage, array, ran, before, 0, "late")


@pytest.mark.parametrize("command", ["delete", "list"])
def test_a_snapshot_that_cannot_be_taken_back_is_a_leftover_until_it_can(stage, command):
    array = both(stage)
    before = stage.objects()
    agent = site_agent(stage, "echo %s >%s/broken; echo no luck >&2; exit 9" % (command, array.folder))
    ran = back_up(stage, array, "--proxy=pbh01", *agent)
    assert ran.status == 6 and "no luck" in ran.error and ran.document["backup"] is None
    tag, = array.snapshots("LUN-1")
    assert [left["what"] for left in ran.document["leftovers"]] == ["the snapshot %s of the LUN LUN-1" % tag]
    assert "%s is not to be had" % command in ran.document["leftovers"][0]["reason"]
    assert back_up(stage, array).status == 6  # nobody backs it up before that is released
    assert stage.vibackup("reconcile", "--fix").status == 6
    settle(stage, array, ran, before, 0, command)


@pytest.mark.parametrize("fault", ["before", "after"])
@pytest.mark.parametrize("number", [4, 5, 6])
def test_whichever_command_fails_while_a_snapshot_is_taken_back_reconcile_finishes_it(stage, number, fault):
    array = both(stage)
    before = stage.objects()
    array.fails_at(number, fault)  # 1 list, 2 snapshot, 3 list; then the agent fails: 4 list, 5 delete, 6 list
    ran = back_up(stage, array, "--proxy=pbh01", *site_agent(stage, "exit 9"))
    assert ran.status == 6, ran.errors
    settle(stage, array, ran, before, 0, (number, fault))


def test_a_snapshot_that_is_still_listed_after_its_delete_is_a_leftover(stage):
    array = both(stage)
    before = stage.objects()
    array.fails_at(5, "forgets")
    ran = back_up(stage, array, "--proxy=pbh01", *site_agent(stage, "exit 9"))
    assert ran.status == 6 and "but lists the snapshot " in ran.document["leftovers"][0]["reason"]
    settle(stage, array, ran, before, 0, "forgets")


def test_a_snapshot_that_somebody_has_deleted_already_is_released_without_a_word(stage):
    array = both(stage)
    ran = back_up(stage, array, "--proxy=pbh01", *site_agent(stage, "rm %s/snapshots/LUN-1/*; exit 9" % array.folder))
    assert ran.status == 1 and ran.document["leftovers"] == [] and "delete" not in array.commands


def test_a_snapshot_that_went_away_while_the_proxy_worked_is_no_backup(stage):
    array = both(stage)
    before = stage.objects()
    agent = site_agent(stage, "rm %s/snapshots/LUN-1/*; echo read 262144" % array.folder)
    ran = back_up(stage, array, "--proxy=pbh01", *agent)
    assert ran.status == 1 and ran.error_class == "ArrayFailed" and "backup" in ran.steps
    settle(stage, array, ran, before, 0, "gone")


def test_snapshots_of_others_are_not_touched(stage):
    array = both(stage)
    good = back_up(stage, array)
    assert back_up(stage, array, "--proxy=pbh01", *site_agent(stage, "exit 9")).status == 1
    assert array.snapshots("LUN-1") == ["vibackup-" + good.document["backup"]["id"]]


def test_a_server_that_cannot_be_thawed_has_no_backup(stage):
    array = both(stage)
    ran = stage.vibackup("array-backup", "--vs=web01", "--freeze=true", "--thaw=false", *(array.options + PROXY))
    assert ran.status == 6 and "web01 is still frozen" in ran.error
    assert [left["what"] for left in ran.document["leftovers"]] == ["web01 frozen"]
    assert array.snapshots("LUN-1") == [] and stage.object("web01")["snapshot"] is None


def test_a_freeze_that_fails_leaves_the_array_alone(stage):
    array = both(stage)
    ran = stage.vibackup("array-backup", "--vs=web01", "--freeze=false", "--thaw=true", *(array.options + PROXY))
    assert ran.status == 1 and "web01: false: exit status 1" in ran.error
    assert array.commands == ["list"]


def test_a_good_backup_keeps_its_snapshot_also_where_something_else_was_left(stage):
    array = both(stage)
    stage.fault("removeStorageDevice", times=None)
    ran = back_up(stage, array)
    assert ran.status == 6 and ran.document["backup"] is not None
    stage.lab.faults = []
    assert stage.vibackup("reconcile", "--fix").status == 0
    assert array.snapshots("LUN-1") == ["vibackup-" + ran.document["backup"]["id"]]
