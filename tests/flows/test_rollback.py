# -*- coding: utf-8 -*-
"""rollback: a snapshot around a risky change, reverted to or discarded; and what it refuses."""
from __future__ import absolute_import, division, print_function, unicode_literals

import os

import pytest

from fakes import kinds, storage
from tests.flows.helpers import KIB, compat, demo, in_a_job, named, same_by_cmp, small, stage  # noqa: F401
from vibackup import manager as api
from vibackup import state
from vibackup.flows import rollback as flow
from vibackup.ledger import Ledger

TAKE, REVERT, DISCARD = "--take", "--revert", "--discard"


def rollback(stage, *words, **options):
    return stage.vibackup("rollback", "--vs=" + options.get("vs", "web01"), *words)


def upgrade(stage, disk="web01-system", words=b"upgraded", offset=4096):
    """Write to a disk as the guest does."""
    with stage.lab.exclusive():
        storage.write(stage.lab, stage.lab.world.named({"LogicalDisk", "RawDisk"}, disk), offset, words)


def by_hand(stage, change):
    """Change something in the lab as an administrator does."""
    return in_a_job(stage, lambda manager: change(manager, manager.find("VirtualServer", "web01")))


def wait(stage, seconds=120):
    stage.lab.clock.sleep(seconds)


def take_by_hand(_manager, vs):
    return api.snapshot(vs)


def delete_by_hand(_manager, vs):
    snapshot = api.snapshot_of(vs)
    for disk in api.devices_of(snapshot):
        api.delete_disk(api.group_of(disk), disk)
    api.delete_snapshot(vs, snapshot)


def ledger_files(stage):
    return sorted(os.listdir(compat.native(os.path.join(compat.text(stage.lab.folder), "state", "ledger"))))


@pytest.fixture
def taken(stage):
    """A small lab in which web01's snapshot is kept."""
    stage.open(small())
    stage.taken = rollback(stage, TAKE)
    assert stage.taken.status == 0, stage.taken.errors
    return stage


# -- what it is for

def test_a_change_is_undone_as_often_as_one_likes_and_in_the_end_nothing_is_left(stage):
    stage.open(small())
    before, content = stage.objects(), stage.content("web01-system")
    assert rollback(stage, TAKE).status == 0
    for words in (b"first upgrade", b"second upgrade"):
        upgrade(stage, words=words)
        assert stage.content("web01-system") != content
        ran = rollback(stage, REVERT)
        assert ran.status == 0 and ran.steps == ["stop", "revert", "start"], ran.errors
        assert same_by_cmp(stage.content("web01-system"), content)
        assert stage.object("web01")["power"] == "Running" and stage.object("web01")["snapshot"] is not None
    assert rollback(stage, DISCARD).status == 0
    assert stage.objects() == before and ledger_files(stage) == []


def test_a_change_that_went_well_is_kept_and_the_snapshot_goes(stage):
    stage.open(small())
    assert rollback(stage, TAKE).status == 0
    upgrade(stage)
    content, others = stage.content("web01-system"), stage.objects()
    ran = rollback(stage, DISCARD)
    assert ran.status == 0 and ran.steps == ["delete snapshot"]
    assert stage.content("web01-system") == content and content[4096:4104] == b"upgraded"
    assert stage.object("web01")["snapshot"] is None and stage.object("web01")["power"] == "Running"
    assert len(stage.objects()) == len(others) - 2 and ledger_files(stage) == []


def test_all_disks_of_a_server_go_back_together(stage):
    content = [stage.content(name) for name in ("db01-system", "db01-data")]
    assert rollback(stage, TAKE, vs="db01").status == 0
    for name in ("db01-system", "db01-data"):
        upgrade(stage, name)
    ran = rollback(stage, REVERT, vs="db01")
    assert ran.status == 0 and ran.document["rollback"]["disks"] == ["db01-system", "db01-data"]
    assert [stage.content(name) for name in ("db01-system", "db01-data")] == content


def test_what_was_taken_is_said_with_its_groups_and_what_they_have_free(taken):
    done = taken.taken.document["rollback"]
    assert done["vs"] == "web01" and done["run"] == taken.taken.document["run"] and done["disks"] == ["web01-system"]
    assert done["groups"] == [{"name": "fastGroup", "free_bytes": 8 * 256 * KIB - 3 * 256 * KIB}]
    assert taken.taken.steps == ["snapshot", "keep"]
    assert taken.object("vibackup %s web01" % done["run"])["id"] == taken.object("web01")["snapshot"]
    last = taken.taken.errors.splitlines()[-1]
    assert last == "done: web01 can be rolled back to %s; its snapshot grows in fastGroup (1.2 MiB free) (in a lab)" % (
        done["taken"])


def test_what_was_reverted_and_discarded_is_said_with_the_moment_it_was_taken(taken):
    moment = taken.taken.document["rollback"]["taken"]
    ran = rollback(taken, REVERT)
    assert ran.errors.splitlines()[-1] == (
        "done: web01 is reverted to %s, and runs; its snapshot stays until rollback --discard (in a lab)" % moment)
    assert (ran.document["rollback"]["runs"], ran.document["rollback"]["kept"]) == (True, True)
    ran = rollback(taken, DISCARD)
    assert ran.errors.splitlines()[-1] == (
        "done: web01 keeps what was changed since %s, its snapshot is deleted (in a lab)" % moment)


@pytest.mark.parametrize("power", ["Stopped", "Failed"])
def test_a_server_that_does_not_run_is_reverted_and_not_started(stage, power):
    stage.open(small())
    content = stage.content("web01-system")
    assert rollback(stage, TAKE).status == 0
    upgrade(stage, words=b"\0\0", offset=510)  # what it boots by
    by_hand(stage, lambda _manager, vs: api.stop(vs))
    wait(stage)
    if power == "Failed":
        by_hand(stage, lambda _manager, vs: api.start(vs))
        wait(stage)
    assert stage.object("web01")["power"] == power
    ran = rollback(stage, REVERT)
    assert ran.status == 0 and ran.steps == ["revert"] and ran.document["rollback"]["runs"] is False
    assert stage.content("web01-system") == content and stage.object("web01")["power"] == power
    by_hand(stage, lambda _manager, vs: api.start(vs))
    wait(stage)
    assert stage.object("web01")["power"] == "Running"


def test_a_raw_disk_is_warned_of_and_stays_as_it_is(stage):
    content = stage.content("mixed01-system")
    assert rollback(stage, TAKE, vs="mixed01").status == 5
    upgrade(stage, "mixed01-system")
    upgrade(stage, "mixed01-lun")
    ran = rollback(stage, REVERT, vs="mixed01")
    assert ran.status == 5 and ran.document["warnings"] == [
        "mixed01: the disk mixed01-lun is not in the snapshot, so it stays as it is"]
    assert stage.content("mixed01-system") == content
    assert stage.content("mixed01-lun")[4096:4104] == b"upgraded"
    assert rollback(stage, DISCARD, vs="mixed01").status == 0


def test_a_disk_that_it_got_since_is_warned_of_and_stays_as_it_is(taken):
    by_hand(taken, lambda manager, vs: api.add_device(vs, api.create_disk(manager.find("LvmDiskGroup", "fastGroup"),
                                                                         "later", 64 * KIB)))
    upgrade(taken, "later")
    ran = rollback(taken, REVERT)
    assert ran.status == 5 and "web01: the disk later is not in the snapshot" in ran.document["warnings"][0]
    assert taken.content("later")[4096:4104] == b"upgraded"


@pytest.mark.parametrize("missing", [["setName"], ["getId"], ["getObjects"]])
def test_it_works_as_well_where_the_manager_lacks_ids_names_or_lists(stage, missing):
    stage.open(dict(small(), missing=missing))
    before = stage.objects()
    assert rollback(stage, TAKE).status == 0
    upgrade(stage)
    for option in (REVERT, DISCARD):
        ran = rollback(stage, option)
        assert ran.status == 0, ran.errors
    assert stage.objects() == before and ledger_files(stage) == []


def test_where_the_manager_takes_the_snapshot_away_with_the_revert_its_record_goes_too(taken, monkeypatch):
    revert = api.revert

    def revert_and_delete(vs):
        revert(vs)
        delete_by_hand(None, vs)
    monkeypatch.setattr(api, "revert", revert_and_delete)
    ran = rollback(taken, REVERT)
    assert ran.status == 0 and ran.document["rollback"]["kept"] is False
    assert "the manager took its snapshot away" in ran.errors.splitlines()[-1]
    assert ledger_files(taken) == []


# -- what is kept is nobody's leftover

def test_what_is_kept_is_no_leftover_and_no_fix_touches_it(taken):
    before = taken.objects()
    listed = taken.vibackup("reconcile")
    assert listed.status == 0 and listed.document["leftovers"] == []
    fixed = taken.vibackup("reconcile", "--fix")
    assert fixed.status == 0 and fixed.document["released"] == 0 and taken.changes() == []
    assert taken.objects() == before and len(ledger_files(taken)) == 1
    assert taken.vibackup("backups").document["backups"] == []
    assert rollback(taken, REVERT).status == 0


def test_leftovers_of_another_run_are_released_beside_it(stage):
    assert rollback(stage, TAKE).status == 0
    stage.fault("deleteLogicalDisk", times=None)
    assert stage.proxy_backup(vs="db01").status == 6
    stage.lab.faults = []
    assert stage.vibackup("reconcile", "--fix").status == 0
    assert stage.object("db01")["snapshot"] is None and stage.object("web01")["snapshot"] is not None
    assert rollback(stage, DISCARD).status == 0


# -- refused: --take

def words_of_the_refusal(stage, ran):
    assert ran.status == 3 and stage.changes() == [], ran.errors
    return ran.error


def test_a_second_take_says_whose_the_snapshot_is_and_so_does_each_verb_that_takes_one(taken):
    done = taken.taken.document["rollback"]
    words = ("web01 has a snapshot already, taken %s by the run %s to roll back to: end that with vibackup rollback "
             "--discard, after --revert if the change is to be undone" % (done["taken"], done["run"]))
    before = taken.objects()
    for ran in (lambda: rollback(taken, TAKE), lambda: rollback(taken, TAKE, "--dry-run"), taken.proxy_backup,
                taken.snapshot_boot):
        assert words_of_the_refusal(taken, ran()) == words
    assert taken.objects() == before


@pytest.mark.parametrize("name, words", [
    (None, "web01 has a snapshot already, called Snapshot of web01, which this run did not make: delete it"),
    ("vibackup x web01", "web01 has a snapshot already, called vibackup x web01, as another vibackup would call it")])
def test_a_snapshot_of_somebody_else_is_refused_with_whose_it_seems_to_be(stage, name, words):
    stage.open(small())
    snapshot = by_hand(stage, take_by_hand)
    by_hand(stage, lambda _manager, _vs: api.set_name(snapshot, name or "Snapshot of web01"))
    assert words_of_the_refusal(stage, rollback(stage, TAKE)).startswith(words)


def test_a_snapshot_that_a_run_left_behind_is_told_as_such_where_nothing_else_refuses(stage):
    stage.open(small())
    stage.fault("deleteSnapshot", times=None)
    assert stage.proxy_backup().status == 6
    ran = rollback(stage, TAKE)
    assert ran.status == 6 and "vibackup reconcile --fix" in ran.error and stage.changes() == []


@pytest.mark.parametrize("vs, words", [
    ("raw01", "raw01 has no logical disk, so there is no snapshot of it"),
    ("nobody", "no virtual server is called nobody")])
def test_a_server_of_which_there_is_no_snapshot_is_refused(stage, vs, words):
    assert words_of_the_refusal(stage, rollback(stage, TAKE, vs=vs)).startswith(words)


def test_a_snapshot_itself_is_refused(stage):
    stage.open(small())
    snapshot = by_hand(stage, take_by_hand)
    words = words_of_the_refusal(stage, rollback(stage, TAKE, vs=api.name_of(snapshot)))
    assert words == "Snapshot of web01 is a snapshot itself: name the server that it is of"


def test_a_group_without_space_is_refused(stage):
    inventory = small()
    inventory["data_centers"][0]["disk_groups"][0]["bytes"] = 3 * 256 * KIB + KIB
    stage.open(inventory)
    assert words_of_the_refusal(stage, rollback(stage, TAKE)).startswith("the disk group fastGroup has 1024 bytes free")


@pytest.mark.parametrize("call", ["revertToSnapshot", "deleteSnapshot", "listenForEvents", "stop"])
def test_where_the_manager_could_not_revert_or_discard_nothing_is_taken(stage, call):
    stage.open(dict(small(), missing=[call]))
    assert call in words_of_the_refusal(stage, rollback(stage, TAKE))


def test_a_snapshot_without_one_of_the_disks_is_not_kept(stage, monkeypatch):
    before = stage.objects()
    real = api.snapshot

    def half(server):
        made = real(server)
        disk = api.devices_of(made)[1]
        api.delete_disk(api.group_of(disk), disk)
        return made
    monkeypatch.setattr(api, "snapshot", half)
    ran = rollback(stage, TAKE, vs="db01")
    assert ran.status == 1 and ran.error == ("the snapshot of db01 has the disks db01-system where these were to be in "
                                             "it: db01-system, db01-data")
    assert stage.objects() == before and ledger_files(stage) == []


# -- refused: --revert and --discard

@pytest.mark.parametrize("option", [REVERT, DISCARD])
def test_where_nothing_was_taken_there_is_nothing_to_roll_back_to(stage, option):
    stage.open(small())
    assert words_of_the_refusal(stage, rollback(stage, option)) == (
        "web01 has no snapshot to roll back to: take one before the change with vibackup rollback --take")


@pytest.mark.parametrize("option", [REVERT, DISCARD])
@pytest.mark.parametrize("name, words", [
    ("before the upgrade", "called before the upgrade, which this run did not make"),
    ("vibackup 20081115-014010-bebb3c5b web01", "as another vibackup would call it")])
def test_a_snapshot_of_somebody_else_is_not_touched(stage, option, name, words):
    stage.open(small())
    snapshot = by_hand(stage, take_by_hand)
    by_hand(stage, lambda _manager, _vs: api.set_name(snapshot, name))
    before = stage.objects()
    said = words_of_the_refusal(stage, rollback(stage, option))
    assert said.startswith("web01 has no snapshot of ours to roll back to; the one it has is ") and words in said
    assert stage.objects() == before


def test_a_record_made_with_another_manager_proves_nothing_here(taken):
    """Its ids and names may well mean something else here."""
    path = os.path.join(compat.native(taken.state()), "ledger", compat.native(ledger_files(taken)[0]))
    lines = state.read_lines(path)
    lines[0]["owner"]["manager"] = "another lab"
    os.remove(path)
    for line in lines:
        state.append_line(path, line)
    for option in (REVERT, DISCARD):
        said = words_of_the_refusal(taken, rollback(taken, option))
        assert said.startswith("web01 has no snapshot of ours to roll back to; the one it has is called vibackup ")


@pytest.mark.parametrize("option", [REVERT, DISCARD])
def test_a_snapshot_that_somebody_renamed_is_not_touched(taken, option):
    by_hand(taken, lambda _manager, vs: api.set_name(api.snapshot_of(vs), "theirs now"))
    before = taken.objects()
    name = "vibackup %s web01" % taken.taken.document["run"]
    assert words_of_the_refusal(taken, rollback(taken, option)) == (
        "the snapshot of web01: somebody has renamed it to theirs now, so it is not touched: call it %s again, or "
        "delete it" % name)
    by_hand(taken, lambda _manager, vs: api.set_name(api.snapshot_of(vs), name))
    assert taken.objects() != before and rollback(taken, option).status == 0


def test_a_snapshot_that_somebody_deleted_cannot_be_reverted_to_and_its_record_is_discarded(taken):
    by_hand(taken, delete_by_hand)
    done = taken.taken.document["rollback"]
    assert words_of_the_refusal(taken, rollback(taken, REVERT)) == (
        "the snapshot of web01 that the run %s took %s is gone, so nothing can be reverted: release its record with "
        "vibackup rollback --discard" % (done["run"], done["taken"]))
    ran = rollback(taken, DISCARD)
    assert ran.status == 0 and taken.changes() == [] and ran.document["rollback"]["gone"] is True
    assert "its snapshot was gone already" in ran.errors.splitlines()[-1]
    assert ledger_files(taken) == [] and rollback(taken, DISCARD).status == 3


def test_a_snapshot_of_somebody_else_in_its_place_is_not_touched(taken):
    by_hand(taken, delete_by_hand)
    by_hand(taken, take_by_hand)
    before = taken.objects()
    assert "is gone, so nothing can be reverted" in words_of_the_refusal(taken, rollback(taken, REVERT))
    ran = rollback(taken, DISCARD)
    assert ran.status == 0 and taken.changes() == [] and taken.objects() == before
    assert "web01 has another snapshot, called Snapshot of web01, which this run did not make" in ran.errors


def test_after_somebody_deleted_it_the_next_one_can_be_taken(taken):
    by_hand(taken, delete_by_hand)
    ran = rollback(taken, TAKE)
    assert ran.status == 0 and "is gone: somebody deleted it" in ran.document["warnings"][0]
    assert ledger_files(taken) == [ran.document["run"] + ".jsonl"]
    assert rollback(taken, REVERT).status == 0


def test_a_snapshot_that_ran_out_of_space_is_refused_before_the_server_is_stopped_and_can_be_discarded(taken):
    upgrade(taken, "the proxy's own disk")
    taken.lab.world.named({"LogicalDisk"}, "Snapshot of web01-system")["lost"] = True
    assert words_of_the_refusal(taken, rollback(taken, REVERT)).startswith(
        "web01 cannot be reverted, because Snapshot of web01-system was lost (")
    assert rollback(taken, DISCARD).status == 0


def test_a_snapshot_that_runs_out_of_space_while_the_server_is_stopped_is_not_reverted_to(taken, monkeypatch):
    upgrade(taken)
    real = api.stop

    def losing(server):
        real(server)
        taken.lab.world.named({"LogicalDisk"}, "Snapshot of web01-system")["lost"] = True
    monkeypatch.setattr(api, "stop", losing)
    ran = rollback(taken, REVERT)
    assert ran.status == 1 and ran.error_class == "SnapshotLost" and ran.steps == ["stop", "start"]
    assert taken.object("web01")["power"] == "Running"
    assert taken.content("web01-system")[4096:4104] == b"upgraded"


def test_a_snapshot_that_lost_a_disk_is_not_reverted_to(stage):
    assert rollback(stage, TAKE, vs="db01").status == 0

    def delete_one(manager, _vs):
        disk = api.devices_of(api.snapshot_of(manager.find("VirtualServer", "db01")))[1]
        api.delete_disk(api.group_of(disk), disk)
    by_hand(stage, delete_one)
    assert "the snapshot of db01 lacks a disk that it was taken with" in words_of_the_refusal(
        stage, rollback(stage, REVERT, vs="db01"))
    assert rollback(stage, DISCARD, vs="db01").status == 0


def before_the_revert(stage, monkeypatch, change):
    """Have an administrator change something when the server is stopped, right before the job that reverts."""
    real = flow._revert_disks

    def later(run, plan):
        change()
        return real(run, plan)
    monkeypatch.setattr(flow, "_revert_disks", later)


def test_a_snapshot_that_somebody_took_in_place_of_ours_while_the_server_stopped_is_not_reverted_to(taken, monkeypatch):
    upgrade(taken)

    def swap():
        by_hand(taken, delete_by_hand)
        by_hand(taken, take_by_hand)
    before_the_revert(taken, monkeypatch, swap)
    ran = rollback(taken, REVERT)
    assert ran.status == 1 and "is gone since this run began: nothing is reverted to another one" in ran.error
    assert taken.content("web01-system")[4096:4104] == b"upgraded" and taken.object("web01")["power"] == "Running"


@pytest.mark.parametrize("change, words", [
    (delete_by_hand, "is gone since this run began"),
    (lambda _manager, vs: api.set_name(api.snapshot_of(vs), "theirs"), "somebody has renamed it to theirs")])
def test_a_snapshot_that_goes_or_is_renamed_while_the_server_stops_is_no_refusal_before_any_change(
        taken, monkeypatch, change, words):
    upgrade(taken)
    before_the_revert(taken, monkeypatch, lambda: by_hand(taken, change))
    ran = rollback(taken, REVERT)
    assert ran.status == 1 and words in ran.error and "revertToSnapshot" not in taken.methods()
    assert taken.content("web01-system")[4096:4104] == b"upgraded" and taken.object("web01")["power"] == "Running"


def test_a_snapshot_that_somebody_takes_in_place_of_ours_right_after_the_revert_is_an_error(taken, monkeypatch):
    real = api.revert

    def revert_and_swap(vs):
        real(vs)
        delete_by_hand(None, vs)
        api.snapshot(vs)
    monkeypatch.setattr(api, "revert", revert_and_swap)
    ran = rollback(taken, REVERT)
    assert ran.status == 1 and "web01 has another snapshot now than the one taken" in ran.error
    assert taken.object("web01")["power"] == "Running"


def test_a_server_that_somebody_stops_between_the_check_and_the_revert_is_not_said_to_run(taken, monkeypatch):
    real = flow.power.stopped

    def later(run, server):
        by_hand(taken, lambda _manager, vs: api.stop(vs))
        wait(taken)
        return real(run, server)
    monkeypatch.setattr(flow.power, "stopped", later)
    ran = rollback(taken, REVERT)
    assert ran.status == 0 and ran.document["rollback"]["runs"] is False
    assert ", and does not run; its snapshot stays" in ran.errors and taken.object("web01")["power"] == "Stopped"


def test_where_the_manager_cannot_delete_a_disk_nothing_is_discarded(taken):
    taken.lab.world.settings["missing"] = ["deleteLogicalDisk"]
    for words in ([DISCARD], [DISCARD, "--dry-run"]):
        assert words_of_the_refusal(taken, rollback(taken, *words)).startswith("this manager has no deleteLogicalDisk")


def test_a_server_that_has_one_of_the_disks_no_more_is_not_reverted(stage):
    assert rollback(stage, TAKE, vs="db01").status == 0
    by_hand(stage, lambda manager, _vs: api.remove_device(manager.find("VirtualServer", "db01"),
                                                          manager.find_device("db01-data")))
    assert words_of_the_refusal(stage, rollback(stage, REVERT, vs="db01")) == (
        "db01 has the disk db01-data no more, which is in its snapshot: give it back before you revert")


@pytest.mark.parametrize("option", [REVERT, DISCARD])
def test_a_snapshot_that_somebody_has_booted_is_not_touched(taken, option):
    by_hand(taken, lambda _manager, vs: api.start(api.snapshot_of(vs)))
    wait(taken)
    name = "vibackup %s web01" % taken.taken.document["run"]
    assert words_of_the_refusal(taken, rollback(taken, option)) == "the snapshot of web01 runs: stop %s first" % name


def test_a_server_on_its_way_is_not_reverted(taken):
    by_hand(taken, lambda _manager, vs: api.stop(vs))
    wait(taken)
    by_hand(taken, lambda _manager, vs: api.start(vs))
    assert "web01 is neither running nor stopped (Starting)" in words_of_the_refusal(taken, rollback(taken, REVERT))


@pytest.mark.parametrize("option", [TAKE, REVERT, DISCARD])
def test_a_server_that_another_run_holds_is_busy(taken, option):
    other = Ledger(os.path.join(compat.text(taken.lab.folder), "state"), "another", "proxy-backup")
    other.take(taken.object("web01")["id"], "web01")
    ran = rollback(taken, option)
    assert ran.status == 4 and "the run another" in ran.error and taken.changes() == []
    other.close()


@pytest.mark.parametrize("words", [[], [TAKE, REVERT], [REVERT, DISCARD], [TAKE, REVERT, DISCARD]], ids=" ".join)
def test_one_of_the_three_is_to_be_given_and_no_more(stage, words):
    ran = stage.vibackup("rollback", "--vs=web01", *words)
    assert ran.status == 2 and ran.error and stage.calls == []


# -- the dry run

def dry_and_real(stage, option, **options):
    """Return what the dry run says and what the real run then does, each as ``(step, object)``."""
    dry = rollback(stage, option, "--dry-run", **options)
    assert dry.status == 0 and dry.document["dry_run"] is True and stage.changes() == [], dry.errors
    ran = rollback(stage, option, **options)
    assert ran.status == 0, ran.errors
    return ([(line.split(": ")[0], line.split(": ")[1].split(",")[0]) for line in dry.document["plan"]],
            [(step["name"], step["object"]) for step in ran.document["steps"]])


def test_the_dry_run_says_what_the_real_run_then_does_and_changes_nothing(stage):
    stage.open(small())
    for option in (TAKE, REVERT, DISCARD, TAKE):
        said, done = dry_and_real(stage, option)
        assert said == done
    by_hand(stage, lambda _manager, vs: api.stop(vs))
    wait(stage)
    for change in (lambda _manager, _vs: None, delete_by_hand):
        by_hand(stage, change)
        said, done = dry_and_real(stage, REVERT if change is not delete_by_hand else DISCARD)
        assert said == done


def test_a_dry_run_leaves_the_record_as_it_is(taken):
    by_hand(taken, delete_by_hand)
    for option in (DISCARD, TAKE):
        assert rollback(taken, option, "--dry-run").status == 0
    assert ledger_files(taken) == [taken.taken.document["run"] + ".jsonl"]


def test_the_demo_server_of_the_first_command_can_be_taken_and_reverted(stage):
    inventory = demo()
    named(inventory["servers"], "web01")["power"] = "Running"
    stage.open(inventory)
    assert stage.lab.world.named({kinds.VIRTUAL_SERVER.name}, "web01")["power"] == "Running"
    for option in (TAKE, REVERT, DISCARD):
        assert rollback(stage, option).status == 0
