# -*- coding: utf-8 -*-
"""restore: a new virtual server from a backup's images, as the paper tested it in Virtual Iron's lab."""
from __future__ import absolute_import, division, print_function, unicode_literals

import pytest

from fakes import kinds, storage
from tests import labs
from tests.flows.helpers import (KIB, Stage, backed_up, compat, content_in, demo, kept_lab, named, objects_in,
                                 opened, process, refused, same_by_cmp, small, stage, start, stop,
                                 vibackup_in)  # noqa: F401
from tests.flows.sweeps import stop_everywhere
from vibackup import agents as agents_module
from vibackup import manager as api
from vibackup.flows import restore as restore_flow
from vibackup.masking import MASK

CALLS = 150  # about how many a restore of one disk makes
SETTINGS = ("memory_bytes", "processors", "networks", "operating_system", "boot_type")


def restore(stage, backup, *words, **options):
    given = dict({"backup": backup, "proxy": "pbh01", "new-vs": "back"}, **options)
    return stage.vibackup("restore", *(["--%s=%s" % pair for pair in sorted(given.items())] + list(words)))


def new_objects(stage, before):
    """Return the names of the objects that were not there before, having checked that the others are as they were."""
    known = dict((thing["id"], thing) for thing in before)
    now = dict((thing["id"], thing) for thing in stage.objects())
    for identity, thing in known.items():
        ignored = ("free_bytes",) if thing["kind"] == "LvmDiskGroup" else ()
        assert dict(now[identity], **dict((key, None) for key in ignored)) == dict(
            thing, **dict((key, None) for key in ignored))
    return sorted(thing["name"] for identity, thing in now.items() if identity not in known)


# -- done

def test_the_new_server_has_the_bytes_of_the_old_one_and_runs(stage):
    backup = backed_up(stage)
    was = stage.content("web01-system")
    ran = restore(stage, backup)
    assert ran.status == 0 and ran.document["outcome"] == "ok", ran.errors
    assert stage.object("back")["power"] == "Running"
    assert stage.content("back-system") == was


def test_several_disks_keep_their_order_and_the_settings_come_from_the_backup(stage):
    backup = backed_up(stage, demo(), "db01")
    ran = restore(stage, backup)
    assert ran.status == 0, ran.errors
    new, old = stage.object("back"), stage.object("db01")
    assert [new[key] for key in SETTINGS] == [old[key] for key in SETTINGS]
    names = dict((thing["id"], thing["name"]) for thing in stage.objects())
    assert [names[each] for each in new["devices"]] == ["back-system", "back-data"]
    for disk in ("system", "data"):
        assert stage.content("back-" + disk) == stage.content("db01-" + disk)


@pytest.mark.parametrize("naming", ["in order", "reversed"])
def test_disks_of_one_size_are_not_mixed_up(stage, naming):
    description = demo()
    named(description["disks"], "db01-data")["bytes"] = named(description["disks"], "db01-system")["bytes"]
    named(description["servers"], "pbh01")["device_naming"] = naming
    backup = backed_up(stage, description, "db01")
    assert restore(stage, backup).status == 0
    assert stage.content("back-system") == stage.content("db01-system")
    assert stage.content("back-data") == stage.content("db01-data") != stage.content("back-system")


def test_nothing_else_is_changed_and_nothing_is_left(stage):
    backup = backed_up(stage, demo())
    before = stage.objects()
    assert restore(stage, backup).status == 0
    assert new_objects(stage, before) == ["back", "back-system"]
    assert stage.vibackup("reconcile").document["leftovers"] == []


def test_the_original_may_be_gone(stage):
    backup = backed_up(stage, demo())
    was = stage.content("web01-system")
    stop(stage, "web01")
    with labs.job(stage.lab):
        labs.find(stage.lab, kinds.VIRTUAL_DATA_CENTER, "East").deleteVirtualServer(
            labs.find(stage.lab, kinds.VIRTUAL_SERVER, "web01"))
    assert restore(stage, backup, "--isolated", **{"new-vs": "web01"}).status == 3  # its disk still has the name
    with labs.job(stage.lab):
        labs.find(stage.lab, kinds.LVM_DISK_GROUP, "fastGroup").deleteLogicalDisk(
            labs.find(stage.lab, kinds.LOGICAL_DISK, "web01-system"))
    ran = restore(stage, backup, **{"new-vs": "web01"})
    assert ran.status == 0 and ran.document["warnings"] == [], ran.errors
    assert stage.content("web01-system") == was and stage.object("web01")["networks"] == ["lan"]


def test_node_and_group_can_be_chosen(stage):
    backup = backed_up(stage, demo())
    ran = restore(stage, backup, "--to-node=node2", "--to-group=bulkGroup")
    assert ran.status == 0
    names = dict((thing["id"], thing["name"]) for thing in stage.objects())
    assert names[stage.object("back")["managed_node"]] == "node2"
    assert names[stage.object("back-system")["disk_group"]] == "bulkGroup"


def test_a_copy_beside_its_original_is_warned_of_or_isolated(stage):
    backup = backed_up(stage, demo())
    assert "see --isolated" in restore(stage, backup).document["warnings"][0]
    assert stage.object("back")["networks"] == ["lan"]
    ran = restore(stage, backup, "--isolated", **{"new-vs": "alone"})
    assert ran.document["warnings"] == [] and stage.object("alone")["networks"] == []


def test_one_disk_can_be_chosen(stage):
    backup = backed_up(stage, demo(), "db01")
    ran = restore(stage, backup, "--disk=db01-system")
    assert [disk["of"] for disk in ran.document["restored"]["disks"]] == ["db01-system"]
    assert len(stage.object("back")["devices"]) == 1


def test_a_server_without_the_first_disk_of_the_backup_is_warned_of(stage):
    backup = backed_up(stage, demo(), "db01")
    ran = restore(stage, backup, "--disk=db01-data", "--isolated", "--dry-run")
    assert ran.document["warnings"] == [
        "db01-system is the first disk of the backup %s, and back comes without it: it may not boot" % backup]


def test_the_proxy_is_as_it_was_also_when_it_did_not_run(stage):
    description = small()
    backup = backed_up(stage, description)
    stop(stage, "pbh01")
    before = stage.objects()
    assert restore(stage, backup).status == 0
    assert new_objects(stage, before) == ["back", "back-system"] and stage.object("pbh01")["power"] == "Stopped"


def test_the_bytes_are_the_same_by_cmp_in_a_lab_that_stays(tmpdir):
    lab = compat.text(tmpdir.join("lab"))
    kept_lab(lab, small())
    backup = vibackup_in(lab, "proxy-backup", "--vs=web01", "--proxy=pbh01", "--agent=dd").document["backup"]["id"]
    assert vibackup_in(lab, "restore", "--backup=" + backup, "--proxy=pbh01", "--new-vs=back").status == 0
    one, other = [start("fakes", "read", lab, name).communicate()[0] for name in ("web01-system", "back-system")]
    assert len(one) == 256 * KIB and same_by_cmp(one, other)


def test_a_raw_disk_that_the_array_keeps_is_said_to_be_missing(stage):
    stage.open(demo())
    backup = stage.vibackup("array-backup", "--vs=mixed01", "--array=model", "--proxy=pbh01", "--agent=dd").document
    ran = restore(stage, backup["backup"]["id"], "--isolated")
    assert ran.status == 0 and [disk["of"] for disk in ran.document["restored"]["disks"]] == ["mixed01-system"]
    assert "mixed01-lun is kept by the array model as vibackup-" in ran.document["warnings"][0]


# -- refused

def test_a_backup_that_is_not_in_the_catalog_is_refused(stage):
    stage.open(small())
    refused(stage, restore(stage, "20260101-000000-00000000"), "vibackup backups")


@pytest.mark.parametrize("options, words", [
    ({"new-vs": "web01"}, "there is a virtual server called web01 already"),
    ({"proxy": "nobody"}, "no virtual server is called nobody"),
    ({"proxy": "pbhwin"}, "pbhwin is not a Linux guest"),
    ({"to-node": "node9"}, "no managed node is called node9"),
    ({"to-group": "slowGroup"}, "no disk group is called slowGroup"),
    ({"disk": "web01-data"}, "has no disk web01-data; it has: web01-system")])
def test_what_does_not_fit_is_refused_before_any_change(stage, options, words):
    refused(stage, restore(stage, backed_up(stage, demo()), **options), words)


def test_a_disk_of_the_new_name_is_refused(stage):
    description = demo()
    description["disks"].append({"name": "back-system", "group": "bulkGroup", "bytes": 512})
    refused(stage, restore(stage, backed_up(stage, description)), "back-system already")


def test_a_group_without_space_is_refused_with_both_figures(stage):
    description = demo()
    named(description["data_centers"][0]["disk_groups"], "bulkGroup")["bytes"] = 600 * KIB
    words = "bulkGroup has 90112 bytes free where 262144 are wanted"
    refused(stage, restore(stage, backed_up(stage, description), "--to-group=bulkGroup"), words)


def test_a_backup_of_files_is_refused(stage):
    stage.open(small())
    backup = stage.proxy_backup("--mode=file", agent="tar").document["backup"]["id"]
    refused(stage, restore(stage, backup), "holds no image")


def test_an_agent_that_is_not_known_any_more_is_refused_by_name(stage):
    stage.open(small())
    agents = stage.write("agents.ini", "[site]\nimage_backup = dd if={device} of={location}\n")
    backup = stage.proxy_backup("--agents=" + agents, agent="site", location="here").document["backup"]["id"]
    refused(stage, restore(stage, backup), "the agent site, which is not known here: give --agents")


def test_an_agent_without_a_restore_is_refused(stage):
    stage.open(small())
    backup = stage.proxy_backup().document["backup"]["id"]
    refused(stage, restore(stage, backup), "agent model has no image_restore")


def test_a_location_whose_password_the_catalog_does_not_keep_must_be_given_again(stage):
    backup = backed_up(stage)
    stage.mark(backup, location="rest:https://me:%s@store/" % MASK)
    refused(stage, restore(stage, backup), "holds a password, which the catalog does not keep: give --location")
    assert restore(stage, backup, "--location=vibackup-images").status == 0


def test_an_agent_that_restores_the_newest_image_alone_is_not_asked_for_an_older_one(stage):
    backup = backed_up(stage)
    stage.proxy_backup(agent="dd")
    words = stage.write("agents.ini", "[dd]\nimage_backup = dd if={device}\nimage_restore = dd of={device}\n")
    refused(stage, restore(stage, backup, "--agents=" + words), "restores the newest image alone")


CALLS_OF_THE_API = sorted(set(call for _kind, known, assumed in api.CALLS for call in known + assumed))


@pytest.mark.parametrize("call", CALLS_OF_THE_API)
def test_a_manager_without_a_call_does_all_or_refuses_by_name_before_any_change(stage, call):
    backup = backed_up(stage)
    stage.lab.world.settings["missing"] = [call]
    ran = restore(stage, backup)
    if ran.error_class == "MissingCall":
        refused(stage, ran, "this manager has no %s" % call)
    else:
        assert ran.status == 0, ran.errors
        assert stage.content("back-system") == stage.content("web01-system")


def test_a_call_it_can_do_without_may_be_missing_and_is_said(stage):
    backup = backed_up(stage, demo())
    stage.lab.world.settings["missing"] = ["setMemoryBytes", "setProcessors"]
    ran = restore(stage, backup)
    assert ran.status == 0
    assert "no call to set memory_bytes, processors" in ran.document["warnings"][-1]


@pytest.mark.parametrize("words", [[], ["--new-vs="], ["--new-vs=a", "--to-node="], ["--overwrite="],
                                   ["--new-vs=a", "--overwrite=b"], ["--overwrite=b", "--isolated"],
                                   ["--overwrite=b", "--to-group=bulkGroup"]], ids=" ".join)
def test_a_command_line_that_makes_no_sense_is_refused(stage, words):
    ran = stage.vibackup("restore", "--backup=x", "--proxy=pbh01", *words)
    assert ran.status == 2 and stage.calls == []


def test_a_backup_that_was_not_made_in_a_lab_is_refused_in_one(stage):
    backup = backed_up(stage)
    stage.mark(backup, lab=False)
    refused(stage, restore(stage, backup), "was made on a real manager, and this is a lab: give the --state")


def test_a_backup_of_another_manager_is_warned_of(stage):
    backup = backed_up(stage)
    stage.mark(backup, manager="vm2")
    assert "was made with another manager, vm2" in restore(stage, backup, "--dry-run").document["warnings"][0]


def test_an_entry_under_the_name_of_another_backup_is_refused(stage):
    backup = backed_up(stage)
    stage.mark(backup, id="another")
    refused(stage, restore(stage, backup), "says that it is another", 2)


@pytest.mark.parametrize("facts", [
    {"server": None}, {"skipped": 5}, {"skipped": [5]}, {"verified": "x"}, {"verified": {}}, {"location": 5},
    {"outcome": 5}, {"server": {"memory_bytes": "x"}}, {"server": {"networks": "lan"}}, {"server": {"node": 5}},
    {"disks": [{"name": "web01-system", "bytes": "x"}]}, {"disks": [{"name": "web01-system", "bytes": 0}]},
    {"disks": [{"name": "web01-system", "bytes": 1000}]}, {"disks": [{"name": "web01-system", "bytes": -512}]},
    {"disks": [{"name": "web01-system", "bytes": 512, "partitions": 5}]}, {"disks": ["x"]}, {"disks": {}}], ids=str)
def test_an_entry_that_nobody_wrote_is_one_line_and_not_a_bug(stage, facts):
    backup = backed_up(stage)
    stage.mark(backup, **facts)
    for verb in (["restore", "--backup=" + backup, "--proxy=pbh01", "--new-vs=back"], ["backups"],
                 ["verify", "--backup=" + backup, "--proxy=pbh01"]):
        ran = stage.vibackup(*verb)
        assert ran.status == 2 and "not an entry that vibackup wrote" in ran.error and "Traceback" not in ran.errors


def test_the_space_that_a_snapshot_may_still_want_is_left_alone(stage):
    description = small()
    description["data_centers"][0]["disk_groups"][0]["bytes"] = 4 * 256 * KIB + 20000
    backup = backed_up(stage, description)
    assert stage.vibackup("rollback", "--vs=web01", "--take").status == 0
    refused(stage, restore(stage, backup), "26214 of them for the snapshots that it has")


# -- the wrong disk

@pytest.mark.parametrize("offset", [0, 510, 100000, 256 * KIB - 1])
def test_a_disk_that_is_not_blank_is_never_written_to(stage, offset):
    backup = backed_up(stage)
    before = stage.objects()
    real = stage.lab.count_call

    def somebody_writes(handle, method, arguments):
        if method == "addStorageDevice":
            record = stage.lab.target(arguments[0]._kind, arguments[0]._identity)
            storage.write(stage.lab, record, offset, b"x")
        return real(handle, method, arguments)
    stage.lab.count_call = somebody_writes
    ran = restore(stage, backup)
    assert ran.status == 1 and ran.error_class == "NotBlank" and "nothing was written to it" in ran.error
    assert "restore" not in ran.steps
    assert stage.objects() == before


def test_a_proxy_that_shows_another_disk_instead_is_not_written_to(stage):
    backup = backed_up(stage, demo())
    before, content = stage.objects(), stage.content("db01-system")
    real = stage.lab.count_call

    def swapped(handle, method, arguments):
        if method == "reboot":
            proxy = stage.lab.world.named({"VirtualServer"}, "pbh01")
            other = stage.lab.world.named({"LogicalDisk"}, "db01-system")["id"]
            stage.lab.world.settle(proxy, devices=proxy["devices"][:1] + [other])
        return real(handle, method, arguments)
    stage.lab.count_call = swapped
    ran = restore(stage, backup)
    assert ran.error_class == "NotBlank"
    assert stage.content("db01-system") == content
    assert [thing for thing in stage.objects() if thing["name"] == "db01-system"] == [
        thing for thing in before if thing["name"] == "db01-system"]


def test_a_proxy_that_is_booted_by_somebody_in_the_middle_and_shows_other_letters_is_not_written_to(stage):
    description = demo()
    named(description["disks"], "db01-data")["bytes"] = named(description["disks"], "db01-system")["bytes"]
    backup = backed_up(stage, description, "db01")
    before, proxys = stage.objects(), stage.content("pbh01-system")
    written = []

    def when(argv):
        written.extend(word for word in argv if word.startswith("of=/dev/"))
        return len(written) == 1 and argv[0] == "lsblk"
    stage.other_letters("pbh01", when)
    ran = restore(stage, backup)
    assert ran.status == 1 and "does not show the disks any more as they were found" in ran.error, ran.errors
    assert stage.content("pbh01-system") == proxys and stage.objects() == before


# -- what somebody else does meanwhile

def test_a_server_that_somebody_deleted_before_it_was_kept_does_not_run(stage):
    backup = backed_up(stage)
    done = []

    def delete():
        ours = [thing for thing in stage.objects() if thing["name"].endswith(" back")]
        if ours and ours[0]["power"] == "Running" and not done:
            done.append(True)
            stop(stage, ours[0]["name"])
            with labs.job(stage.lab):
                labs.find(stage.lab, kinds.VIRTUAL_DATA_CENTER, "East").deleteVirtualServer(
                    labs.find(stage.lab, kinds.VIRTUAL_SERVER, ours[0]["name"]))
    before = stage.objects()
    stage.watch(delete, "getObjects")
    ran = restore(stage, backup)
    assert stage.objects() == before
    assert done and ran.status == 1 and "the new virtual server back is gone" in ran.error, ran.errors


def test_a_name_that_somebody_took_meanwhile_is_not_given_twice(stage):
    backup = backed_up(stage)
    done = []

    def take():
        if not done:
            done.append(True)
            with labs.job(stage.lab):
                labs.find(stage.lab, kinds.VIRTUAL_SERVER, "pbh01").setName("back")
            with labs.job(stage.lab):
                labs.find(stage.lab, kinds.VIRTUAL_SERVER, "back").setName("pbh01")
                labs.find(stage.lab, kinds.VIRTUAL_SERVER, "web01").setName("back")
    stage.watch(take, "createVirtualServer")
    ran = restore(stage, backup)
    assert ran.status == 1 and "there is another virtual server called back by now" in ran.error, ran.errors
    assert [thing["name"] for thing in stage.objects() if thing["name"] == "back"] == ["back"]


# -- a proxy that keeps the disk

def test_no_server_is_made_with_a_disk_that_is_still_on_the_proxy(stage):
    backup = backed_up(stage)
    before = stage.objects()
    stage.fault("removeStorageDevice", times=None)
    ran = restore(stage, backup)
    assert ran.status == 6 and "pbh01 may still have the disks" in ran.error and "create server" not in ran.steps
    assert [left["what"] for left in ran.document["leftovers"]] == [
        "back-system on pbh01", "the new disk back-system"]
    fixed = stage.vibackup("reconcile", "--fix")
    assert fixed.status == 6 and "deleteLogicalDisk" not in stage.methods()
    stage.lab.faults = []
    assert stage.vibackup("reconcile", "--fix").status == 0
    assert stage.objects() == before


def test_a_new_server_of_the_name_is_refused_until_what_is_left_of_the_last_is_released(stage):
    backup = backed_up(stage)
    stage.fault("deleteLogicalDisk", times=None)
    stage.fault("createVirtualServer")
    assert restore(stage, backup).status == 6
    stage.lab.faults = []
    again = restore(stage, backup)
    assert again.status == 6 and "back-system: the run" in again.error and "reconcile --fix" in again.error
    assert stage.changes() == []


# -- what the agent says

@pytest.mark.parametrize("script, words", [
    ("exit 1", "exit status 1"), ("exit 3", "exit status 3"), ("kill -9 $$", "exit status 137"),
    ("echo 12345 bytes copied", "wrote 12345 bytes of web01/web01-system where the disk has 262144")])
def test_a_restore_that_is_not_whole_is_no_restore(stage, script, words):
    backup = backed_up(stage)
    before = stage.objects()
    agents = stage.write("agents.ini", "[dd]\nimage_backup = true {{device}}\n"
                         "image_restore = sh -c '{0}' {{backup_id}}\nbytes = ([0-9]+) bytes copied\n".format(script))
    ran = restore(stage, backup, "--agents=" + agents)
    assert ran.status == 1 and words in ran.error, ran.errors
    assert stage.objects() == before


def test_a_disk_that_does_not_show_the_partitions_of_the_backup_is_no_restore(stage):
    backup = backed_up(stage)
    before = stage.objects()
    agents = stage.write("agents.ini", "[dd]\nimage_backup = true {device}\nimage_restore = true {backup_id}\n")
    ran = restore(stage, backup, "--agents=" + agents)
    assert ran.status == 1 and "does not show the partitions that the backup had" in ran.error
    assert stage.objects() == before


def test_a_server_that_does_not_boot_is_taken_back(stage):
    description = small()
    description["disks"][0]["content"]["boot"] = False
    backup = backed_up(stage, description)
    before = stage.objects()
    ran = restore(stage, backup)
    assert ran.status == 1 and ran.error_class == "ServerFailed" and "back failed" in ran.error
    assert stage.objects() == before


# -- the dry run

@pytest.mark.parametrize("power", ["Running", "Stopped"])
@pytest.mark.parametrize("vs", ["web01", "db01"])
def test_the_plan_of_a_dry_run_is_what_the_run_then_does(stage, vs, power):
    backup = backed_up(stage, demo(), vs)
    if power == "Stopped":
        stop(stage, "pbh01")
    before = stage.objects()
    dry = restore(stage, backup, "--dry-run")
    assert dry.status == 0 and stage.objects() == before and stage.changes() == []
    assert [line.partition(":")[0] for line in dry.document["plan"]] == restore(stage, backup).steps


# -- what goes wrong

def test_a_stop_at_any_moment_leaves_nothing(stage):
    backup = backed_up(stage)
    before = stage.objects()
    stopped = stop_everywhere(stage, "restore", lambda run: restore_flow.restore(run, restore_flow.Plan(
        run, backup, "pbh01", "back", agents_module.load())), before)
    assert stopped >= 10


def test_a_server_whose_restore_was_complete_when_it_was_killed_stays(tmpdir):
    """Everything gets its own name in one job, and from then on it is the administrator's."""
    stage_ = Stage(tmpdir)
    restore(stage_, backed_up(stage_))
    last = stage_.nth("commit", len([call for call in stage_.calls if call.method == "commit"]))
    stage_.close()
    lab = compat.text(tmpdir.join("lab"))
    kept_lab(lab, small())
    backup = vibackup_in(lab, "proxy-backup", "--vs=web01", "--proxy=pbh01", "--agent=dd").document["backup"]["id"]
    process("vibackup", "restore", "--lab=" + lab, "--lab-fault=%d:after:crash" % last, "--backup=" + backup,
            "--proxy=pbh01", "--new-vs=back")
    assert vibackup_in(lab, "reconcile").status == 6
    assert vibackup_in(lab, "reconcile", "--fix").status == 0
    server = [thing for thing in objects_in(lab) if thing["name"] == "back"][0]
    assert server["power"] == "Running" and content_in(lab, "back-system") == content_in(lab, "web01-system")


def test_something_of_ours_that_somebody_renamed_is_not_deleted(tmpdir):
    lab = compat.text(tmpdir.join("lab"))
    kept_lab(lab, small())
    backup = vibackup_in(lab, "proxy-backup", "--vs=web01", "--proxy=pbh01", "--agent=dd").document["backup"]["id"]
    process("vibackup", "restore", "--lab=" + lab, "--lab-fault=%d:after:crash" % int(CALLS * 0.3),
            "--backup=" + backup, "--proxy=pbh01", "--new-vs=back")
    with opened(lab) as found:
        disk = [each for each in found.world.objects.values() if each["name"].endswith("back-system")][0]
        with labs.job(found):
            labs.find(found, kinds.LOGICAL_DISK, disk["name"]).setName("precious")
    fixed = vibackup_in(lab, "reconcile", "--fix")
    assert fixed.status == 6 and "somebody has renamed it to precious" in fixed.document["leftovers"][0]["reason"]
    assert [thing for thing in objects_in(lab) if thing["name"] == "precious"]
