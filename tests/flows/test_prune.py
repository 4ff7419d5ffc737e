# -*- coding: utf-8 -*-
"""Removing one backup: it is proved ours and dispensable first; then all of it goes, its entry before its bytes."""
from __future__ import absolute_import, division, print_function, unicode_literals

import io
import json
import os
import shutil

import pytest

from tests.decoys.death import Dying
from tests.flows.helpers import (PASSWORD, compat, demo_with_two_linux_disks, restic_repository, small, stage, stop,
                                 write_bytes)  # noqa: F401
from tests.flows.sweeps import nothing_more_to_release, stop_everywhere
from vibackup import agents, catalog, errors, locks, process
from vibackup.fleet import retention
from vibackup.flows import prune
from vibackup.guest import Command
from vibackup.run import Run
from vibackup.site import connect_lab


@pytest.fixture
def share(tmpdir):
    """A folder that every guest of a lab sees."""
    return compat.text(tmpdir.mkdir("share"))


def back_up(stage, share, *words, **options):
    """Back web01 up by dd on pbh01; return the catalog's entry."""
    ran = stage.proxy_backup(*words, **dict({"agent": "dd", "location": share}, **options))
    assert ran.status in (0, 5), ran.errors
    return named_by_id(stage, ran.document["backup"]["id"])


def recorded(stage):
    """Return the catalog's entries, and leave ``stage.calls`` as they are."""
    return catalog.Catalog(stage.state()).entries()


def named_by_id(stage, identity):
    return [entry for entry in recorded(stage) if entry["id"] == identity][0]


def three(stage, share, *words, **options):
    """Open a small lab, and back web01 up three times (``nights``); return the entries."""
    nights = options.pop("nights", 3)
    stage.open(small())
    return [back_up(stage, share, *words, **options) for _night in range(nights)]


def two_of_two_disks(stage, share):
    """Open the demo, and back db01, which has two disks, up twice; return the entries."""
    stage.open(demo_with_two_linux_disks())
    return [back_up(stage, share, vs="db01") for _night in range(2)]


def remove(stage, entry, known=None, entries=None, stop_status=None):
    """Prune one backup as a night does; return the run, which is over."""
    del stage.calls[:]
    with Run(connect_lab(stage.lab), stage.state(), "fleet", stop_status=stop_status) as run:
        entries = run.catalog.entries(entry["vs"]) if entries is None else entries
        with prune.at_hand(run, entry):
            prune.prune(run, prune.Plan(run, entry, known or agents.load(), entries))
    return run


def refused(stage, words, entry, **more):
    """Check that a backup is not pruned, and that nothing was done."""
    with pytest.raises(errors.Refused) as caught:
        remove(stage, entry, **more)
    assert words in caught.value.message and "\n" not in caught.value.message, caught.value.message
    assert entry["id"] in [each["id"] for each in recorded(stage)]
    assert stage.changes() == [] and ran_commands(stage, "rm", "forget") == []


def ran_commands(stage, *names):
    return [call.words for call in stage.calls if call.method == "run" and set(names) & set(call.words)]


def files(share):
    """Return the names of all files on the share."""
    return sorted(compat.text(name) for _where, _folders, names in os.walk(compat.native(share)) for name in names)


def image_of(share, entry, disk="web01-system"):
    return os.path.join(share, entry["vs"], disk, entry["id"] + ".img")


# -- success

def test_a_backup_goes_with_its_entry_and_nothing_else_does(stage, share):
    entries = three(stage, share)
    before = stage.objects()
    run = remove(stage, entries[0])
    assert [each["id"] for each in recorded(stage)] == [each["id"] for each in entries[1:]]
    assert files(share) == sorted(each["id"] + ".img" for each in entries[1:])
    assert [step["name"] for step in run.steps] == ["take out", "prune"]
    assert stage.objects() == before and stage.changes() == [] and run.leftovers == []
    assert os.listdir(compat.native(os.path.join(stage.state(), "ledger"))) == []


def test_all_disks_of_a_backup_go(stage, share):
    old, new = two_of_two_disks(stage, share)
    assert len(old["disks"]) == 2
    remove(stage, old)
    assert files(share) == [new["id"] + ".img"] * 2


@pytest.mark.needs("tar")
def test_files_that_an_agent_in_the_server_itself_keeps_go_through_that_server(stage, share):
    stage.open(small())
    words = ["--vs=web01", "--agent=tar", "--mode=file", "--location=" + share, "--path=/mnt/system/etc",
             "--path=/mnt/system"]
    for _night in range(2):
        assert stage.vibackup("agent-backup", *words).status == 0
        stage.lab.clock.sleep(60)
    old, new = recorded(stage)
    remove(stage, old)
    assert recorded(stage) == [new] and files(share) == [new["id"] + ".1.tar", new["id"] + ".2.tar"]
    assert set(call.thing for call in stage.calls if call.method == "run") == set(["web01"])


@pytest.fixture
def repository(restic_repository, monkeypatch, tmpdir):
    monkeypatch.setenv(str("RESTIC_PASSWORD"), str(PASSWORD))
    monkeypatch.setenv(str("RESTIC_CACHE_DIR"), str(tmpdir.join("cache")))
    return restic_repository


def snapshots(repository):
    """Return restic's own names for what it has, by our ids."""
    done = process.run(Command(["restic", "-r", repository, "--json", "snapshots"], None, None))
    assert done.status == 0, done
    return dict((each["tags"][-1], each["id"]) for each in json.loads(done.output))


@pytest.mark.needs("restic")
@pytest.mark.any_interpreter
def test_restic_forgets_the_image_of_one_backup_and_no_other(stage, repository):
    old, new = three(stage, repository, agent="restic", nights=2)
    before = snapshots(repository)
    assert set((old["id"], new["id"])) <= set(before)
    remove(stage, old)
    del before[old["id"]]
    assert snapshots(repository) == before and recorded(stage) == [new]


@pytest.mark.needs("restic")
@pytest.mark.any_interpreter
def test_restic_forgets_the_files_of_one_backup_and_nothing_that_has_another_id_than_ours(stage, repository):
    """L2: an entry that names somebody else's snapshot, or the latest, is not believed."""
    old, new = three(stage, repository, agent="restic", mode="file", nights=2)
    before = snapshots(repository)
    for name in (before[new["id"] + ".1"], "latest"):
        stage.mark(old["id"], disks=[dict(old["disks"][0], backup_id=name)])
        refused(stage, "so it is not removed", named_by_id(stage, old["id"]))
    stage.mark(old["id"], disks=old["disks"])
    assert snapshots(repository) == before
    remove(stage, old)
    del before[old["id"] + ".1"]
    assert snapshots(repository) == before and recorded(stage) == [new]


@pytest.mark.needs("borg")
@pytest.mark.any_interpreter
def test_borg_deletes_one_archive_and_no_other(stage, tmpdir, monkeypatch):
    for name, value in (("BORG_BASE_DIR", tmpdir.join("base")), ("BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK", "yes")):
        monkeypatch.setenv(str(name), str(value))
    repository = compat.text(tmpdir.join("repository"))
    assert process.run(Command(["borg", "init", "--encryption=none", repository], None, None)).status == 0
    old, new = three(stage, repository, agent="borg", nights=2)
    remove(stage, old)
    listed = process.run(Command(["borg", "list", "--short", repository], None, None)).output.split()
    assert listed == ["web01.web01-system." + new["id"]]


# -- refusals

def test_the_last_good_one_is_refused_whatever_the_plan_said(stage, share):
    old, middle, new = three(stage, share)
    refused(stage, "there is no newer good one", new)
    for each in (middle, new):
        stage.mark(each["id"], verified={"outcome": "does not boot"})
    refused(stage, "there is no newer good one", old, entries=[old, middle, new])  # as they were read before


def test_the_last_good_one_of_a_disk_is_refused(stage, share):
    stage.open(demo_with_two_linux_disks())
    whole, half = back_up(stage, share, vs="db01"), back_up(stage, share, "--disk=db01-data", vs="db01")
    refused(stage, "there is no newer good one of all that it has", whole)
    back_up(stage, share, "--disk=db01-system", vs="db01")
    remove(stage, whole)
    assert files(share).count(whole["id"] + ".img") == 0 and half["id"] + ".img" in files(share)


def test_one_that_was_protected_since_the_plan_was_made_is_refused(stage, share):
    old = three(stage, share)[0]
    assert stage.vibackup("backups", "--protect=" + old["id"]).status == 0
    refused(stage, "it is protected", old)
    assert stage.vibackup("backups", "--unprotect=" + old["id"]).status == 0
    remove(stage, old)


def test_one_that_is_gone_from_the_catalog_since_is_refused(stage, share):
    old, middle, new = three(stage, share)
    remove(stage, old)
    with pytest.raises(errors.NotFound):
        remove(stage, old, entries=[old, middle])
    gone = "20080601-000000-00000000"
    with pytest.raises(errors.NotFound):  # nor is one believed to be newer and good that is gone
        remove(stage, middle, entries=[middle, dict(new, id=gone, run=gone)])
    assert len(files(share)) == 2


@pytest.mark.parametrize("facts, words", [
    ({"manager": "another"}, "made with another manager"), ({"lab": False}, "made with another manager"),
    ({"verb": "archive"}, "not ours to prune"), ({"run": "20080601-000000-00000000"}, "not ours to prune")])
def test_what_is_not_ours_is_refused(stage, share, facts, words):
    """L2."""
    old = three(stage, share)[0]
    stage.mark(old["id"], **facts)
    refused(stage, words, named_by_id(stage, old["id"]))
    assert len(files(share)) == 3


def test_a_proxy_that_does_not_run_is_started_for_it_and_stopped_again(stage, share):
    """L5."""
    old = three(stage, share)[0]
    stop(stage, "pbh01")
    before = stage.objects()
    run = remove(stage, old)
    assert [step["name"] for step in run.steps] == ["start", "take out", "prune", "stop"]
    assert stage.objects() == before and len(files(share)) == 2


@pytest.mark.needs("tar")
def test_a_server_that_its_own_agent_backed_up_is_not_started_for_it(stage, share):
    """L5: it is protected, and no proxy."""
    stage.open(small())
    for _night in range(2):
        assert stage.vibackup("agent-backup", "--vs=web01", "--agent=tar", "--mode=file", "--location=" + share,
                              "--path=/mnt/system/etc").status == 0
        stage.lab.clock.sleep(60)
    stop(stage, "web01")
    refused(stage, "web01 does not run", recorded(stage)[0])
    assert stage.object("web01")["power"] == "Stopped"


def test_a_proxy_that_is_gone_is_refused(stage, share):
    old = three(stage, share)[0]
    refused(stage, "no virtual server is called gone", dict(old, proxy="gone"))


def test_a_backup_that_the_agent_does_not_find_keeps_its_entry(stage, share):
    """A share that is not mounted now: a removal that finds nothing would seem to have worked."""
    old = three(stage, share)[0]
    os.rename(compat.native(share), compat.native(share + " unmounted"))
    refused(stage, "does not find the backup %s, so it is not removed" % old["id"], old)
    os.rename(compat.native(share + " unmounted"), compat.native(share))
    remove(stage, old)
    assert len(files(share)) == 2


def test_a_backup_of_which_one_disk_is_not_there_keeps_its_entry_and_the_other(stage, share):
    old = two_of_two_disks(stage, share)[0]
    os.remove(compat.native(image_of(share, old, "db01-data")))
    refused(stage, "does not find the backup", old)
    assert os.path.exists(compat.native(image_of(share, old, "db01-system")))


DISCARDS = """
[site]
image_backup =
    mkdir -p -- {folder}
    cp -- {device} {file}
image_discard = %s
"""


def goes_where_it_is_ours(stage, share, table, ours):
    """Check that the agent of the ``table`` removes the oldest of three backups where that is ours, and else none."""
    path = stage.write("agents.ini", table)
    old = three(stage, share, "--agents=" + path, agent="site")[0]
    known = agents.load(path)
    if ours:
        remove(stage, old, known)
    else:
        refused(stage, "site in pbh01 does not show web01-system of the backup", old, known=known)
    assert len(files(share)) == 3 - ours


@pytest.mark.parametrize("discard, ours", [
    ("rm -f -- {file}", True), ("rm -rf -- {folder}", False), ("rm -f -- {location}/{vs}/{disk}/{backup_id}0", False)])
def test_an_agent_that_cannot_be_asked_must_name_our_id_in_what_removes(stage, share, discard, ours):
    goes_where_it_is_ours(stage, share, DISCARDS % discard, ours)


@pytest.mark.parametrize("said, ours", [
    ("{id}", True), ("found {id}.img", True), ("nothing", False), ("{id}0", False), ("{id}-2", False),
    ("{id}.1", False)])
def test_what_the_agent_shows_must_be_this_very_backup(stage, share, said, ours):
    goes_where_it_is_ours(stage, share, DISCARDS % "rm -f -- {file}" + "image_find = echo '%s'\n" % said, ours)


@pytest.mark.needs("tar")
@pytest.mark.parametrize("files_of", [None, {"id": "other.1"}, {"id": "{id}"}, {"id": "{id}.1/../x"}, {"id": 7}])
def test_an_entry_that_does_not_say_where_its_files_are_removes_nothing(stage, share, files_of):
    old = three(stage, share, agent="tar", mode="file")[0]
    if files_of and isinstance(files_of["id"], compat.text_type):
        files_of = {"id": files_of["id"].replace("{id}", old["id"])}
    stage.mark(old["id"], disks=[dict(old["disks"][0], files=files_of)])
    refused(stage, "the catalog does not say where the agent keeps", named_by_id(stage, old["id"]))


@pytest.mark.parametrize("what", ["backup", "server", "proxy"])
def test_what_another_run_holds_is_not_touched(stage, share, what):
    """L6."""
    old = three(stage, share)[0]
    with Run(connect_lab(stage.lab), stage.state(), "restore") as other:
        thing = {"backup": catalog.hold(old["id"]), "server": (old["vs_id"], "web01"),
                 "proxy": (stage.object("pbh01")["id"], "pbh01")}[what]
        with other.held([thing]):
            with pytest.raises(errors.Busy):
                remove(stage, old)
    assert len(recorded(stage)) == 3 and len(files(share)) == 3


# -- when things go wrong

class Pruning(object):
    """Web01 with two good backups, of which the old one is pruned again and again: each time it is there anew."""

    def __init__(self, stage, share):
        self.stage, self.share = stage, share
        stage.open(small())
        self.old, self.new = back_up(stage, share), back_up(stage, share)
        self.before = stage.objects()
        with io.open(compat.native(image_of(share, self.old)), "rb") as stream:
            self._image = stream.read()

    def anew(self):
        """Put the old backup back where it is gone, both its bytes and its entry."""
        write_bytes(image_of(self.share, self.old), self._image)
        kept = catalog.Catalog(self.stage.state())
        if not kept.has(self.old["id"]):
            kept.add(self.old)

    def calls(self):
        """Prune once, and return how many calls that takes."""
        remove(self.stage, self.old)
        count = len(self.stage.calls)
        assert not self.has_bytes() and not self.has_entry()
        return count

    def has_entry(self):
        return self.old["id"] in [entry["id"] for entry in recorded(self.stage)]

    def has_bytes(self):
        return os.path.exists(compat.native(image_of(self.share, self.old)))

    def all_or_nothing(self, place):
        """L3, L4: one reconcile leaves the whole backup with its entry, or neither; a second changes nothing."""
        if self.has_entry():
            assert self.has_bytes(), place
        fixed = self.stage.vibackup("reconcile", "--fix")
        assert fixed.status == 0, (place, fixed.errors)
        assert self.has_entry() == self.has_bytes(), place
        assert self.stage.objects() == self.before, place
        assert os.path.exists(compat.native(image_of(self.share, self.new))), place
        nothing_more_to_release(self.stage, place)
        return self.has_entry()


@pytest.fixture
def pruning(stage, share):
    return Pruning(stage, share)


@pytest.mark.parametrize("phase, action", [
    ("before", "throw"), ("after", "throw"), ("before", "hang"), ("after", "lose")])
def test_whichever_call_fails_it_is_all_there_or_all_gone(pruning, phase, action):
    """L2, L3: what is left behind is named."""
    stage, ends = pruning.stage, set()
    for number in range(1, pruning.calls() + 1):  # a dozen, so each on every interpreter
        pruning.anew()
        stage.lab.faults = []
        stage.fault_at(number, phase, action)
        left = []
        try:
            left = remove(stage, pruning.old).leftovers
        except errors.VibackupError as error:
            assert pruning.has_entry() and pruning.has_bytes(), (number, error.message)
        assert stage.changes() == [], number
        if left:
            assert [each["what"] for each in left] == ["an unfinished backup of web01, made on pbh01"], number
            assert stage.vibackup("reconcile").document["leftovers"], number
        ends.add((pruning.all_or_nothing((number, phase, action)), bool(left)))
    assert (False, True) in ends  # the removal itself was struck, and named


MOMENTS = [("call", "before"), ("call", "after"), ("line", "before"), ("line", "after")]


class Gate(object):
    """What ``Dying`` is told of: each call of a lab."""

    def __init__(self, lab):
        self.strike = None
        count = lab.count_call

        def counted(handle, method, arguments):
            number = count(handle, method, arguments)
            if self.strike is not None:
                self.strike(number, False)
            return number
        lab.count_call = counted


@pytest.mark.parametrize("what, phase", MOMENTS)
def test_whenever_it_is_killed_the_backup_is_all_there_or_all_gone_after_a_reconcile(pruning, what, phase):
    """L4: at each call of the manager and the guest, and at each line of the ledger."""
    stage, ends, number = pruning.stage, set(), 0
    gate = Gate(stage.lab)
    home = compat.native(pruning.share)
    while True:
        number += 1
        pruning.anew()
        dying = Dying(stage.lab, gate, (what, number, phase))
        dies, saved = dying._die, home + ".saved"

        def die():
            shutil.copytree(home, saved)
            dies()
        dying._die = die
        with dying.living():
            remove(stage, pruning.old)
        if not dying.dead:
            break
        shutil.rmtree(home)
        os.rename(saved, home)
        there = pruning.has_entry(), pruning.has_bytes()
        assert there != (True, False), (what, number, phase)
        ends.add((there, pruning.all_or_nothing((what, number, phase))))
    assert ((True, True), True) in ends  # killed before the entry is taken out
    assert (((False, True), False) in ends) == ((what, phase) == ("call", "before"))  # between that and the removal
    assert ((False, False), False) in ends  # and when all is gone


def test_a_kill_between_the_entry_and_the_ledger_is_seen_too(pruning, monkeypatch):
    """The entry is there: the intent alone removes nothing."""
    class Died(BaseException):
        pass

    def dies(*_given):
        raise Died()
    me = dict(locks.this_process(), started="gone")
    monkeypatch.setattr(locks, "this_process", lambda: me)
    monkeypatch.setattr(catalog.Catalog, "remove", dies)
    monkeypatch.setattr(Run, "release", dies)
    with pytest.raises(Died):
        remove(pruning.stage, pruning.old)
    monkeypatch.undo()
    assert pruning.has_entry() and pruning.has_bytes()
    assert pruning.all_or_nothing("before the entry is taken out")


def test_an_entry_that_cannot_be_taken_out_keeps_its_bytes_and_leaves_nothing(pruning, monkeypatch):
    def fails(*_given):
        raise errors.VibackupError("the disk is full")
    monkeypatch.setattr(catalog.Catalog, "remove", fails)
    with pytest.raises(errors.VibackupError):
        remove(pruning.stage, pruning.old)
    assert pruning.stage.vibackup("reconcile").status == 0
    assert pruning.has_entry() and pruning.has_bytes()


def test_a_stop_at_any_moment_leaves_all_or_nothing(pruning):
    stage = pruning.stage

    def act(run):
        pruning.anew()
        with prune.at_hand(run, pruning.old):
            prune.prune(run, prune.Plan(run, pruning.old, agents.load(), run.catalog.entries("web01")))
    assert stop_everywhere(stage, "fleet", act, pruning.before) >= 1
    assert not pruning.has_entry() and not pruning.has_bytes()


def test_an_agent_that_cannot_remove_leaves_a_leftover_until_it_can(stage, share):
    """L3: the entry is gone, so nobody restores half a backup, and reconcile finishes it."""
    table = stage.write("agents.ini", DISCARDS % (
        "\n    sh -c 'test ! -e \"$1/locked\" || exit 9; rm -f -- \"$2\"' sh {location} {file}"))
    old = three(stage, share, "--agents=" + table, agent="site")[0]
    write_bytes(os.path.join(share, "locked"), b"")
    run = remove(stage, old, agents.load(table))
    assert [left["reason"] for left in run.leftovers] == ["pbh01: sh: exit status 9"]
    assert stage.vibackup("reconcile", "--fix").status == 6 and old["id"] in files(share)
    os.remove(compat.native(os.path.join(share, "locked")))
    assert stage.vibackup("reconcile", "--fix").status == 0 and old["id"] not in files(share)


# -- a night's

class Section(object):
    agents = None
    keep = {"last": 1}


def night(stage, pairs, tell=None):
    """Prune as the fleet does at a night's end; return the results."""
    lab_manager = connect_lab(stage.lab)
    entries = catalog.Catalog(stage.state()).entries()
    planned = retention.plan_night(lab_manager, pairs, entries, lab_manager.clock.time())
    return retention.prune_night(lambda: Run(connect_lab(stage.lab), stage.state(), "fleet"), planned, tell)


def test_a_night_removes_what_its_plan_says_and_another_nothing_more(stage, share):
    three(stage, share)
    back_up(stage, share, vs="web01")
    told = []
    results = night(stage, [("web01", Section)], told.append)
    assert [each["outcome"] for each in results] == ["ok"] * 3 and told == results
    assert len(recorded(stage)) == 1 and files(share) == [recorded(stage)[0]["id"] + ".img"]
    assert night(stage, [("web01", Section)]) == []


def test_a_backup_that_is_not_to_be_had_stops_no_other(stage, share):
    old, middle, _new = three(stage, share)
    os.remove(compat.native(image_of(share, old)))
    results = night(stage, [("web01", Section)])
    assert [(each["backup"], each["outcome"]) for each in results] == [(old["id"], "failed"), (middle["id"], "ok")]
    assert "does not find the backup" in results[0]["why"] and results[1]["why"] is None
    assert files(share) == [recorded(stage)[-1]["id"] + ".img"]


def test_what_a_night_leaves_behind_is_in_its_results(stage, share):
    old = three(stage, share)[0]
    real = stage.lab.guests.run

    def run(name, command, *more):
        return real(name, command._replace(argv=["false"]) if command.argv[0] == "rm" else command, *more)
    stage.lab.guests.run = run
    results = night(stage, [("web01", Section)])
    assert results[0]["backup"] == old["id"] and results[0]["outcome"] == "failed"
    assert [left["what"] for left in results[0]["leftovers"]] == ["an unfinished backup of web01, made on pbh01"]
    assert results[1]["outcome"] == "failed" and "vibackup reconcile --fix" in results[1]["why"]
