# -*- coding: utf-8 -*-
"""An agent's run in a guest: what is believed, and what is taken back."""
from __future__ import absolute_import, division, print_function, unicode_literals

import json

import pytest

from tests.runs import make_run
from vibackup import agents, backup, compat, errors, guest
from vibackup.guest import Completed

INI = """[writer]
image_before = ready {name}
image_backup = write {device} {name}
image_after = tidy {name}
image_discard = forget {backup_id}
file_backup = write {mount} {name}
progress = ^([0-9]+) so far
%s
"""
TELLS = "bytes = ([0-9]+) bytes\nbackup_id = saved as (\\w+)\n"
SIZE = 1000


class Host(object):
    """A guest that answers by the first word of a command; notes what was run."""

    name = "pbh01"
    family = guest.LINUX

    def __init__(self, **answers):
        self.answers = answers
        self.ran = []

    def command(self, command, _timeout=60, on_output=None):
        self.ran.append(" ".join(command.argv))
        answer = self.answers.get(command.argv[0], Completed(0, "", ""))
        if isinstance(answer, Exception):
            raise answer
        for line in answer.output.splitlines():
            if on_output is not None:
                on_output(line)
        return answer


def writer(tmpdir, more=TELLS):
    """Return the agent of an INI file with these lines more."""
    tmpdir.join("agents.ini").write(INI % more)
    return agents.load(compat.text(str(tmpdir.join("agents.ini"))))["writer"]


@pytest.fixture
def back_up(lab, tmpdir):
    """Return a function that runs one backup: ``back_up(host, mode, size)``; ``run`` is its run."""
    def function(host, mode=backup.IMAGE, size=SIZE, more="", tells=TELLS, **run_more):
        agent = writer(tmpdir, tells + more)
        function.shown = []
        function.run = make_run(lab, tmpdir, show=lambda what, value: function.shown.append((what, value)), **run_more)
        values = agents.values_for(agent, "web01", "system", "/srv", "b1", device="/dev/sdb", mount="/mnt/1",
                                   origin="/")
        return backup.back_up(function.run, host, agent, mode, values, size)
    return function


def wrote(count=SIZE, status=0, saved="saved as s77"):
    return Completed(status, "%d bytes\n%s\n" % (count, saved), "")


def test_a_backup_of_all_bytes_is_good(back_up):
    found = back_up(Host(write=wrote()))
    assert (found["bytes"], found["backup_id"], found["outcome"]) == (SIZE, "s77", agents.OK)


def test_an_agent_that_has_no_names_of_its_own_keeps_ours(back_up):
    assert back_up(Host(write=wrote(saved="")), tells="bytes = ([0-9]+) bytes\n")["backup_id"] == "b1"


@pytest.mark.parametrize("mode, size", [(backup.IMAGE, SIZE), (backup.FILE, None)])
def test_an_agent_that_names_its_backups_and_did_not_name_this_one_has_none(back_up, mode, size):
    """What cannot be found again is no backup, whatever the exit status says."""
    host = Host(write=wrote(saved=""))
    with pytest.raises(errors.AgentFailed) as caught:
        back_up(host, mode=mode, size=size)
    assert caught.value.message == "writer ended well, but did not say what it calls the backup"
    assert ("forget b1" in host.ran) == (mode == backup.IMAGE)


@pytest.mark.parametrize("mode, size", [(backup.IMAGE, SIZE), (backup.FILE, None)])
@pytest.mark.parametrize("said", ["", "saved as s77\n", "many bytes\nsaved as s77\n"])
def test_an_agent_that_tells_its_bytes_and_did_not_tell_these_has_no_backup(back_up, said, mode, size):
    with pytest.raises(errors.AgentFailed) as caught:
        back_up(Host(write=Completed(0, said, "")), mode=mode, size=size)
    assert caught.value.message == "writer ended well, but did not say how many bytes it has read"


def test_what_an_agent_says_on_either_stream_counts(back_up):
    found = back_up(Host(write=Completed(0, "saved as s77\n", "%d bytes\n" % SIZE)))
    assert (found["bytes"], found["backup_id"]) == (SIZE, "s77")


def test_many_complaints_do_not_hide_the_figures(back_up):
    found = back_up(Host(write=Completed(0, "%d bytes\nsaved as s77\n" % SIZE, "file changed as we read it\n" * 1000)))
    assert (found["bytes"], found["backup_id"]) == (SIZE, "s77")


@pytest.mark.parametrize("count", [0, 1, SIZE - 1, SIZE + 1])
def test_a_backup_of_other_bytes_than_the_disk_has_is_worthless_and_removed(back_up, count):
    host = Host(write=wrote(count))
    with pytest.raises(errors.AgentFailed) as caught:
        back_up(host)
    assert "read %d bytes" % count in caught.value.message
    assert host.ran[-1] == "forget s77"


def test_bytes_of_an_agent_that_never_tells_them_are_not_known_and_no_failure(back_up):
    assert back_up(Host(write=Completed(0, "", "")), tells="")["bytes"] is None


def test_files_may_have_any_bytes(back_up):
    assert back_up(Host(write=wrote(3)), mode=backup.FILE, size=None)["bytes"] == 3


@pytest.mark.parametrize("status", [1, 2, 3, 12, 125, 126, 127, 128, 130, 137, 143, 255, None])
def test_every_status_but_those_listed_is_a_failure_whatever_the_text_says(back_up, status):
    with pytest.raises(errors.AgentFailed):
        back_up(Host(write=wrote(status=status, saved="OK, all is well")))


def test_what_a_failed_agent_kept_all_the_same_is_removed(back_up):
    host = Host(write=wrote(status=1))
    with pytest.raises(errors.AgentFailed):
        back_up(host)
    assert "forget s77" in host.ran


@pytest.mark.parametrize("answer", [wrote(), wrote(status=1), errors.GuestError("no way in")],
                         ids=["good", "failed", "error"])
def test_the_command_for_afterwards_runs_whatever_happens(back_up, answer):
    host = Host(write=answer)
    try:
        back_up(host)
    except errors.VibackupError:
        assert answer != wrote()
    assert "tidy web01/system" in host.ran


def test_a_warning_of_files_is_a_good_backup_with_a_warning(back_up):
    found = back_up(Host(write=wrote(status=1)), mode=backup.FILE, size=None,
                    more="warning_status = 1\nwarnings_from = write")
    assert found["outcome"] == agents.WARNING
    assert len(back_up.run.warnings) == 1


def test_an_agent_ended_by_a_stop_is_a_stop_and_no_failure_of_the_agent(back_up):
    with pytest.raises(errors.Stopped):
        back_up(Host(write=Completed(None, "", "")), stop_status=lambda: errors.TERMINATED)


def test_progress_is_shown_as_it_comes(back_up):
    back_up(Host(write=Completed(0, "250 so far\nnoise\n500 so far\n", "")), tells="")
    assert [value for what, value in back_up.shown if what == "progress"] == [
        {"unit": "bytes", "figure": 250, "size": SIZE}, {"unit": "bytes", "figure": 500, "size": SIZE}]


def test_the_cause_of_a_failure_is_in_its_message(back_up):
    with pytest.raises(errors.AgentFailed) as caught:
        back_up(Host(write=Completed(4, "reading\n", "no space left\n")))
    assert caught.value.message == "writer: write: reading; no space left (exit status 4)"


def test_the_last_lines_of_a_failure_are_in_its_message_and_no_more(back_up):
    with pytest.raises(errors.AgentFailed) as caught:
        back_up(Host(write=Completed(4, "one\ntwo\n", "three\nfour\n")))
    assert caught.value.message == "writer: write: two; three; four (exit status 4)"


def test_a_failed_agent_that_named_nothing_may_have_kept_something_all_the_same(back_up):
    """What it keeps under a name of ours is removed; that there is nothing to remove is no failure of its own."""
    host = Host(write=Completed(1, "", "no space"), forget=Completed(1, "", "no such backup"))
    with pytest.raises(errors.AgentFailed) as caught:
        back_up(host, tells="", more="")
    assert "no space" in caught.value.message
    assert back_up.run.warnings == []


def test_a_worthless_backup_that_cannot_be_removed_is_a_warning(back_up):
    with pytest.raises(errors.AgentFailed):
        back_up(Host(write=wrote(3), forget=Completed(1, "", "locked")))
    assert back_up.run.warnings == ["a worthless backup of web01/system stays with writer: locked (exit status 1)"]


def test_a_secret_in_what_an_agent_says_is_masked(back_up, monkeypatch):
    monkeypatch.setenv(str("RESTIC_PASSWORD"), str("hunter2"))
    with pytest.raises(errors.AgentFailed) as caught:
        back_up(Host(write=Completed(1, "", "wrong password hunter2")))
    assert "hunter2" not in caught.value.message


# -- making ready

def prepare(lab, tmpdir, host, mode=backup.IMAGE):
    agent = writer(tmpdir)
    values = agents.values_for(agent, "web01", "system", "/srv", "b1", device="/dev/sdb", mount="/mnt/1", origin="/")
    backup.prepare(make_run(lab, tmpdir), host, agent, mode, values)


def test_making_ready_is_done_before_a_backup_and_not_by_it(lab, tmpdir, back_up):
    host = Host(write=wrote())
    prepare(lab, tmpdir, host)
    assert host.ran == ["ready web01/system"]
    back_up(host)
    assert host.ran.count("ready web01/system") == 1


def test_an_agent_that_cannot_be_made_ready_has_nothing_removed(lab, tmpdir):
    host = Host(ready=Completed(1, "", "no such folder"))
    with pytest.raises(errors.AgentFailed) as caught:
        prepare(lab, tmpdir, host)
    assert caught.value.message == "writer: ready: no such folder (exit status 1)"
    assert host.ran == ["ready web01/system"]


def test_where_there_is_nothing_to_make_ready_nothing_is_run(lab, tmpdir):
    host = Host()
    prepare(lab, tmpdir, host, backup.FILE)
    assert host.ran == []


# -- after a crash

def commands_of(tmpdir, ini, mode=backup.IMAGE):
    agent = writer(tmpdir, ini)
    values = agents.values_for(agent, "web01", "system", "/srv", "b1", device="/dev/sdb", mount="/mnt/1", origin="/")
    return backup.undo_commands(agent, mode, values)


def test_what_undoes_a_backup_that_was_cut_short_is_known_before_it_begins(tmpdir):
    """The name that the agent would have given it is not: where there is one, there was no cut."""
    assert commands_of(tmpdir, TELLS) == [[["tidy", "web01/system"], None, None]]
    assert commands_of(tmpdir, TELLS, backup.FILE) == []


def test_what_undoes_a_backup_by_our_own_name_is_all_known(tmpdir):
    assert commands_of(tmpdir, "file_discard = forget {id} > {file}", backup.FILE) == [
        [["forget", "b1"], None, "/srv/web01/system/b1"]]


def test_what_undoes_a_backup_outlives_a_crash(tmpdir):
    known = commands_of(tmpdir, TELLS)
    assert json.loads(json.dumps(known)) == known


def test_undoing_runs_every_command(tmpdir):
    host = Host()
    backup.undo(host, [[["tidy", "a b"], None, None], [["forget", "b1"], "/in", "/out"]])
    assert host.ran == ["tidy a b", "forget b1"]


def test_undoing_nothing_is_done(tmpdir):
    host = Host()
    backup.undo(host, [])
    assert host.ran == []


def test_undoing_that_fails_is_said_to():
    with pytest.raises(errors.GuestError) as caught:
        backup.undo(Host(forget=Completed(2, "", "locked")), [[["forget", "b1"], None, None]])
    assert caught.value.message == "pbh01: forget: locked (exit status 2)"


# -- bringing an image back

RESTORES = "image_restore = read {backup_id} {device}\n"


@pytest.fixture
def bring_back(lab, tmpdir):
    """Return a function that restores one image: ``bring_back(host)``."""
    def function(host, tells=TELLS):
        agent = writer(tmpdir, tells + RESTORES)
        values = agents.values_for(agent, "web01", "system", "/srv", "b1", device="/dev/sdb", backup_id="s77")
        backup.bring_back(make_run(lab, tmpdir), host, agent, values, SIZE)
    return function


def test_an_image_that_came_back_whole_is_good_and_the_agent_tidies_up(bring_back):
    host = Host(read=Completed(0, "%d bytes\n" % SIZE, ""))
    bring_back(host)
    assert host.ran == ["read s77 /dev/sdb", "tidy web01/system"]


def test_an_agent_that_does_not_tell_what_it_wrote_is_believed_by_its_exit_status(bring_back):
    bring_back(Host(read=Completed(0, "", "")))


@pytest.mark.parametrize("status", [1, 3, 8, 100, 126, 127, 255, None])
def test_a_restore_with_any_other_status_than_success_is_a_failure_and_tidies_up_too(bring_back, status):
    host = Host(read=Completed(status, "%d bytes\nOK\n" % SIZE, "no such backup"))
    with pytest.raises(errors.AgentFailed) as caught:
        bring_back(host)
    assert "no such backup" in caught.value.message and host.ran[-1] == "tidy web01/system"


@pytest.mark.parametrize("count", [0, SIZE - 1, SIZE + 1])
def test_an_image_of_other_bytes_than_the_disk_has_is_no_restore(bring_back, count):
    with pytest.raises(errors.AgentFailed) as caught:
        bring_back(Host(read=Completed(0, "%d bytes\n" % count, "")))
    assert caught.value.message == "writer wrote %d bytes of web01/system where the disk has %d" % (count, SIZE)


# -- the disk that is written to

def disk(partitions=()):
    return guest.GuestDisk("/dev/sdb", SIZE, (0, 1, 0), [guest.Partition(number, "/dev/sdb%d" % number, system, None)
                                                         for number, system in partitions])


def test_a_disk_is_blank_when_as_many_bytes_as_it_has_are_zero(lab, tmpdir):
    host = Host()
    backup.prove_blank(make_run(lab, tmpdir), host, disk())
    assert host.ran == ["cmp -n %d -- /dev/sdb /dev/zero" % SIZE]


@pytest.mark.parametrize("answer", [Completed(1, "/dev/sdb /dev/zero differ: byte 511, line 1\n", ""),
                                    Completed(1, "", "cmp: EOF on /dev/sdb after byte 512, in line 1"),
                                    Completed(2, "", "cmp: /dev/sdb: Input/output error"), Completed(None, "", "gone"),
                                    Completed(127, "", "cmp: not found")])
def test_whatever_else_is_said_of_a_disk_it_is_not_proved_blank(lab, tmpdir, answer):
    with pytest.raises(errors.NotBlank) as caught:
        backup.prove_blank(make_run(lab, tmpdir), Host(cmp=answer), disk())
    assert caught.value.message.startswith("pbh01: /dev/sdb is not proved blank, so nothing was written to it")


@pytest.mark.parametrize("partitions", [None, [[1, "ext3"], [2, "swap"]]])
def test_a_restored_disk_shows_the_partitions_that_the_backup_had(lab, tmpdir, partitions):
    host = Host()
    host.disks = lambda: [disk([(1, "ext3"), (2, "swap")])]
    run = make_run(lab, tmpdir)
    backup.look_at(run, host, disk(), partitions)
    assert run.steps[-1]["detail"] == "/dev/sdb, 1: ext3, 2: swap"


@pytest.mark.parametrize("partitions", [[], [[1, "ext3"]], [[1, "ext4"], [2, "swap"]], [[2, "ext3"], [1, "swap"]]])
def test_a_restored_disk_that_shows_other_partitions_is_no_restore(lab, tmpdir, partitions):
    host = Host()
    host.disks = lambda: [disk([(1, "ext3"), (2, "swap")])]
    with pytest.raises(errors.AgentFailed):
        backup.look_at(make_run(lab, tmpdir), host, disk(), partitions)


def test_a_restored_disk_that_is_not_there_any_more_is_no_restore(lab, tmpdir):
    host = Host()
    host.disks = lambda: []
    with pytest.raises(errors.AgentFailed):
        backup.look_at(make_run(lab, tmpdir), host, disk(), None)
