# -*- coding: utf-8 -*-
"""The ledger: what is open, what is a leftover, and who may touch what."""
from __future__ import absolute_import, division, print_function, unicode_literals

import json
import os

import pytest

from vibackup import compat, errors, ledger, locks, records, state

SNAPSHOT = {"vs": "vs-1", "vs_name": "web01", "name": "vibackup one web01"}
ATTACHMENT = {"proxy": "vs-9", "proxy_name": "pbh01", "disks": ["disk-7"], "disk_names": "snap", "before": []}


@pytest.fixture
def open_ledger(folder, monkeypatch):
    """Return a function that opens the ledger as a run of a living process, or of one that is gone."""
    def function(run_id, dead=False):
        if dead:
            monkeypatch.setattr(locks, "this_process", lambda: dict(me, started="gone"))
        opened = ledger.Ledger(folder, run_id, "proxy-backup")
        monkeypatch.setattr(locks, "this_process", lambda: me)
        return opened
    me = locks.this_process()
    return function


def what(intents):
    return [(intent.run, intent.number, intent.kind) for intent in intents]


def files(folder):
    return os.listdir(os.path.join(compat.native(folder), "ledger"))


# -- what a run makes

def test_what_was_made_and_released_leaves_no_file(folder, open_ledger):
    mine = open_ledger("one")
    number = mine.intend(ledger.SNAPSHOT, **SNAPSHOT)
    mine.made(number, snapshot="vs-7")
    mine.released(number)
    mine.close()
    assert files(folder) == []


def test_a_run_that_makes_nothing_writes_nothing(folder, open_ledger):
    open_ledger("one").close()
    assert files(folder) == []


def test_what_was_not_released_stays_in_the_file(folder, open_ledger):
    mine = open_ledger("one")
    mine.released(mine.intend(ledger.SNAPSHOT, **SNAPSHOT))
    mine.intend(ledger.ATTACHMENT, **ATTACHMENT)
    mine.close()
    assert files(folder) == ["one.jsonl"]


def test_an_intent_is_on_the_disk_before_anything_is_made(folder, open_ledger):
    open_ledger("one", dead=True).intend(ledger.SNAPSHOT, **SNAPSHOT)
    assert what(open_ledger("two").leftovers()) == [("one", 1, ledger.SNAPSHOT)]


def test_what_became_known_is_added_to_the_facts(open_ledger):
    mine = open_ledger("one", dead=True)
    number = mine.intend(ledger.SNAPSHOT, **SNAPSHOT)
    mine.made(number, snapshot="vs-7")
    assert mine.facts(number)["snapshot"] == "vs-7"
    assert open_ledger("two").leftovers()[0].facts == dict(SNAPSHOT, snapshot="vs-7")


def test_open_facts_are_those_of_one_kind(open_ledger):
    mine = open_ledger("one")
    mine.intend(ledger.SNAPSHOT, **SNAPSHOT)
    number = mine.intend(ledger.ATTACHMENT, **ATTACHMENT)
    assert mine.open_facts(ledger.ATTACHMENT) == [ATTACHMENT]
    assert mine.kind(number) == ledger.ATTACHMENT
    mine.released(number)
    assert mine.open_facts(ledger.ATTACHMENT) == []


def test_names_of_any_kind_come_back_as_they_were(open_ledger):
    name = "süd\n'\"$(reboot) -rf ../\u2028"
    open_ledger("one", dead=True).intend(ledger.SNAPSHOT, **dict(SNAPSHOT, vs_name=name))
    assert open_ledger("two").leftovers()[0].facts["vs_name"] == name


def test_the_id_of_a_run_never_leads_out_of_the_folder(folder, open_ledger):
    open_ledger("../../one", dead=True).intend(ledger.SNAPSHOT, **SNAPSHOT)
    assert len(files(folder)) == 1
    assert what(open_ledger("two").leftovers()) == [("../../one", 1, ledger.SNAPSHOT)]


# -- leftovers

def test_leftovers_are_listed_the_newest_of_a_run_first(open_ledger):
    dead = open_ledger("one", dead=True)
    dead.intend(ledger.SNAPSHOT, **SNAPSHOT)
    dead.intend(ledger.ATTACHMENT, **ATTACHMENT)
    assert what(open_ledger("two").leftovers()) == [("one", 2, ledger.ATTACHMENT), ("one", 1, ledger.SNAPSHOT)]


def test_what_a_living_run_holds_is_no_leftover(open_ledger):
    living = open_ledger("one")
    living.take("vs-1", "web01")
    living.intend(ledger.SNAPSHOT, **SNAPSHOT)
    assert open_ledger("two").leftovers() == []


def test_what_a_run_could_not_release_is_a_leftover_once_it_is_over_though_its_process_lives(open_ledger):
    living = open_ledger("one")
    living.take("vs-1", "web01")
    living.intend(ledger.SNAPSHOT, **SNAPSHOT)
    living.close()
    assert what(open_ledger("two").leftovers()) == [("one", 1, ledger.SNAPSHOT)]


def test_a_dead_runs_lock_does_not_make_it_alive(open_ledger):
    dead = open_ledger("one", dead=True)
    dead.take("vs-1", "web01")
    dead.intend(ledger.SNAPSHOT, **SNAPSHOT)
    assert what(open_ledger("two").leftovers()) == [("one", 1, ledger.SNAPSHOT)]


def test_a_process_id_used_again_does_not_make_a_dead_run_alive(open_ledger):
    """The dead run had the very process id of this process."""
    dead = open_ledger("one", dead=True)
    dead.intend(ledger.SNAPSHOT, **SNAPSHOT)
    assert open_ledger("two").leftovers()[0].owner["pid"] == os.getpid()


def test_what_a_run_of_another_host_holds_is_never_a_leftover(open_ledger, monkeypatch):
    monkeypatch.setattr(locks.socket, "gethostname", lambda: "another.example")
    far = open_ledger("one")
    far._owner["host"] = "another.example"
    far.take("vs-1", "web01")
    far.intend(ledger.SNAPSHOT, **SNAPSHOT)
    monkeypatch.undo()
    assert ledger.Ledger(os.path.dirname(far._folder), "two", "reconcile").leftovers() == []


def test_ones_own_intents_are_not_leftovers(open_ledger):
    mine = open_ledger("one", dead=True)
    mine.intend(ledger.SNAPSHOT, **SNAPSHOT)
    assert mine.leftovers() == []


@pytest.mark.parametrize("lost", [1, 2, 10, 30])
def test_a_last_line_that_a_crash_cut_short_was_never_written(folder, open_ledger, lost):
    dead = open_ledger("one", dead=True)
    number = dead.intend(ledger.SNAPSHOT, **SNAPSHOT)
    dead.made(number, snapshot="vs-7777777777777777777777")
    path = os.path.join(compat.native(folder), "ledger", "one.jsonl")
    with open(path, "r+b") as stream:
        stream.truncate(os.path.getsize(path) - lost)
    assert open_ledger("two").leftovers()[0].facts == SNAPSHOT


def test_a_leftover_whose_last_line_was_cut_short_can_be_released(folder, open_ledger):
    dead = open_ledger("one", dead=True)
    dead.intend(ledger.SNAPSHOT, **SNAPSHOT)
    dead.intend(ledger.ATTACHMENT, **ATTACHMENT)
    dead.made(2, more="facts")
    path = os.path.join(compat.native(folder), "ledger", "one.jsonl")
    with open(path, "r+b") as stream:
        stream.truncate(os.path.getsize(path) - 3)
    two = open_ledger("two")
    two.release_of(two.leftovers()[0])
    assert what(two.leftovers()) == [("one", 1, ledger.SNAPSHOT)]


def test_the_last_release_takes_the_dead_runs_file_away(folder, open_ledger):
    dead = open_ledger("one", dead=True)
    dead.intend(ledger.SNAPSHOT, **SNAPSHOT)
    dead.intend(ledger.ATTACHMENT, **ATTACHMENT)
    two = open_ledger("two")
    first, second = two.leftovers()
    two.release_of(first)
    assert files(folder) == ["one.jsonl"]
    two.release_of(second)
    assert files(folder) == []
    assert two.leftovers() == []


def test_a_leftover_that_two_release_is_released(folder, open_ledger):
    open_ledger("one", dead=True).intend(ledger.SNAPSHOT, **SNAPSHOT)
    two, three = open_ledger("two"), open_ledger("three")
    left = three.leftovers()[0]
    two.release_of(two.leftovers()[0])
    three.release_of(left)
    assert files(folder) == []


def test_a_run_that_ends_while_leftovers_are_listed_has_none(open_ledger, monkeypatch):
    """It releases, gives its lock back and takes its file away, at any moment of the listing."""
    for call in range(1, 12):
        living = open_ledger("one")
        living.take("vs-1", "web01")
        number = living.intend(ledger.SNAPSHOT, **SNAPSHOT)
        calls = []

        def end_at(function):
            def counted(*arguments):
                calls.append(function)
                if len(calls) == call:
                    living.released(number)
                    living.close()
                return function(*arguments)
            return counted

        with monkeypatch.context() as patched:
            patched.setattr(ledger.state, "read_lines", end_at(ledger.state.read_lines))
            patched.setattr(ledger.locks, "holder", end_at(ledger.locks.holder))
            patched.setattr(ledger.locks, "is_dead", end_at(ledger.locks.is_dead))
            assert open_ledger("two").leftovers() == []
        if len(calls) < call:
            return
        living.close()


# -- what is kept

def kept_by(opened, **facts):
    """Have a run keep a snapshot."""
    number = opened.intend(ledger.SNAPSHOT, **dict(SNAPSHOT, **facts))
    opened.made(number, snapshot="vs-7")
    opened.keep(number)
    return number


@pytest.mark.parametrize("dead", [False, True])
def test_what_is_kept_outlives_its_run_and_is_found_by_later_ones(folder, open_ledger, dead):
    one = open_ledger("one", dead=dead)
    kept_by(one, taken="2008-06-01T22:00:01Z")
    assert one.open_facts(ledger.SNAPSHOT) == [] and not one.is_open(1)
    one.close()
    [intent] = open_ledger("two").kept(ledger.SNAPSHOT)
    assert (intent.run, intent.number, intent.kept) == ("one", 1, True)
    assert intent.facts == dict(SNAPSHOT, snapshot="vs-7", taken="2008-06-01T22:00:01Z")
    assert files(folder) == ["one.jsonl"]


def test_what_is_kept_is_no_leftover_and_locks_nobody_out(open_ledger):
    one = open_ledger("one", dead=True)
    one.take("vs-1", "web01")
    kept_by(one)
    two = open_ledger("two")
    assert two.leftovers() == [] and two.elsewhere() == []
    two.take("vs-1", "web01")


def test_of_one_run_some_is_kept_and_the_rest_is_a_leftover(open_ledger):
    one = open_ledger("one", dead=True)
    kept_by(one)
    one.intend(ledger.ATTACHMENT, **ATTACHMENT)
    two = open_ledger("two")
    assert what(two.leftovers()) == [("one", 2, ledger.ATTACHMENT)]
    assert what(two.kept(ledger.SNAPSHOT)) == [("one", 1, ledger.SNAPSHOT)]
    assert two.kept(ledger.ATTACHMENT) == []
    two.release_of(two.leftovers()[0])
    assert two.leftovers() == [] and what(two.kept(ledger.SNAPSHOT)) == [("one", 1, ledger.SNAPSHOT)]


def test_what_is_kept_stays_when_files_are_tidied_until_it_is_released(folder, open_ledger):
    kept_by(open_ledger("one", dead=True))
    two = open_ledger("two")
    two.tidy()
    assert files(folder) == ["one.jsonl"]
    two.release_of(two.kept(ledger.SNAPSHOT)[0])
    assert files(folder) == [] and two.kept(ledger.SNAPSHOT) == []


def test_the_locks_of_runs_that_are_gone_are_tidied_and_no_others(folder, open_ledger):
    open_ledger("one", dead=True).take("folder /archives/web01", "web01")
    two = open_ledger("two")
    two.take("vs-2", "db01")
    open_ledger("three").tidy()
    assert os.listdir(os.path.join(compat.native(folder), "locks")) == ["vs-2"]


def test_what_was_killed_while_it_took_or_dropped_a_lock_or_began_a_file_is_tidied(folder, open_ledger):
    mine = open_ledger("one")
    for name in ("vs-1", "vs-2.new-0815"):
        os.mkdir(os.path.join(compat.native(folder), "locks", name))
    with open(os.path.join(compat.native(folder), "ledger", "two.jsonl.%d.new" % 2 ** 30), "wb") as stream:
        stream.write(b"{")
    mine.tidy()
    assert os.listdir(os.path.join(compat.native(folder), "locks")) == [] and files(folder) == []


def test_a_file_without_an_owner_is_no_running_runs_though_a_lock_has_none_either(folder, open_ledger):
    mine = open_ledger("one")
    os.mkdir(os.path.join(compat.native(folder), "locks", "vs-1"))
    with open(os.path.join(compat.native(folder), "ledger", "two.jsonl"), "wb") as stream:
        stream.write(b"")
    mine.tidy()
    assert files(folder) == []


def test_a_run_that_writes_its_first_line_while_others_tidy_keeps_its_record(open_ledger, monkeypatch):
    """Between the making of the file and its first line there is no moment in which it looks like nobody's."""
    one, two, real = open_ledger("one"), open_ledger("two"), records.sealed

    def tidied(*line):
        two.tidy()
        return real(*line)
    one.take("vs-1", "web01")
    monkeypatch.setattr(records, "sealed", tidied)
    one.intend(ledger.SNAPSHOT, **SNAPSHOT)
    assert two.leftovers() == []
    one.close()
    assert what(two.leftovers()) == [("one", 1, ledger.SNAPSHOT)]


def released(run):
    """Have ``run`` make something, and release it."""
    run.take("vs-1", "web01")
    run.released(run.intend(ledger.SNAPSHOT, **SNAPSHOT))
    return run


def test_the_file_of_a_living_process_stays_between_two_of_its_flows(folder, open_ledger):
    """It holds no lock then, and is about to write there again."""
    one = released(open_ledger("one"))
    one.give_back("vs-1")
    open_ledger("two").tidy()
    assert files(folder) == ["one.jsonl"]
    one.close()
    assert files(folder) == []


def test_a_run_whose_file_is_tidied_while_it_ends_has_ended(folder, open_ledger, monkeypatch):
    """Its last lock is given back, and before it removes its file another run does."""
    one, two, real = released(open_ledger("one")), open_ledger("two"), locks.drop
    monkeypatch.setattr(locks, "drop", lambda *lock: [real(*lock), two.tidy()])
    one.close()
    assert files(folder) == []


def test_a_run_that_ends_while_files_are_tidied_is_passed_over(folder, open_ledger, monkeypatch):
    """It ends between the listing of its file and the reading."""
    one, two, real = released(open_ledger("one")), open_ledger("two"), state.read_lines
    monkeypatch.setattr(state, "read_lines", lambda path: [one.close(), real(path)][1])
    two.tidy()
    assert files(folder) == []


def test_what_a_run_was_killed_before_it_kept_is_a_leftover(open_ledger):
    one = open_ledger("one", dead=True)
    one.made(one.intend(ledger.SNAPSHOT, **SNAPSHOT), snapshot="vs-7")
    two = open_ledger("two")
    assert what(two.leftovers()) == [("one", 1, ledger.SNAPSHOT)] and two.kept(ledger.SNAPSHOT) == []


# -- files that are damaged, or of somebody else

def write_file(folder, *lines):
    """Write a file of JSON lines into the ledger's folder, as a run of a process that is gone."""
    path = os.path.join(compat.native(folder), "ledger", "odd.jsonl")
    for line in lines:
        state.append_line(path, line)


OWNER = {"owner": {"host": None, "pid": 1, "run": "odd", "started": "gone", "token": "odd", "verb": "x",
                   "manager": None}}
INTENT = {"intent": 1, "kind": ledger.SNAPSHOT, "facts": SNAPSHOT}


@pytest.mark.parametrize("lines", [
    [{"intent": 1, "kind": "spaceship", "facts": SNAPSHOT}], [{"intent": 1, "kind": None, "facts": SNAPSHOT}],
    [{"intent": 1, "kind": [], "facts": SNAPSHOT}], [{"intent": [], "kind": ledger.SNAPSHOT, "facts": SNAPSHOT}],
    [{"intent": 1, "facts": SNAPSHOT}], [{"intent": 1, "kind": ledger.SNAPSHOT}],
    [{"intent": 1, "kind": ledger.SNAPSHOT, "facts": {}}], [{"intent": 1, "kind": ledger.SNAPSHOT, "facts": "web01"}],
    [{"intent": 1, "kind": ledger.SNAPSHOT, "facts": None}],
    [{"intent": 1, "kind": ledger.ATTACHMENT, "facts": SNAPSHOT}],
    [INTENT, {"made": 2, "facts": {}}], [INTENT, {"made": 1}], [INTENT, {"made": 1, "facts": 7}],
    [INTENT, {"released": []}]], ids=repr)
def test_a_file_that_is_not_ours_is_one_error_that_names_it(folder, open_ledger, lines):
    mine = open_ledger("two")
    mine.take("vs-3", "db01")
    write_file(folder, OWNER, *lines)
    with pytest.raises(errors.UsageError) as caught:
        mine.leftovers()
    assert "odd.jsonl" in caught.value.message
    assert "\n" not in caught.value.message


@pytest.mark.parametrize("owner", [None, 7, "text", [], ["host"]], ids=repr)
def test_a_file_of_an_owner_that_makes_no_sense_is_one_error_that_names_it(folder, open_ledger, owner):
    mine = open_ledger("two")
    mine.take("vs-3", "db01")
    write_file(folder, {"owner": owner}, INTENT)
    for listed in (mine.leftovers, mine.elsewhere):
        with pytest.raises(errors.UsageError) as caught:
            listed()
        assert "odd.jsonl" in caught.value.message


@pytest.mark.parametrize("line", [b"7\n", b"[]\n", b"null\n", b"{\n", b"\xff\n", b"\n", b'"text"\n'], ids=repr)
def test_a_file_with_a_line_that_is_no_object_is_one_error_that_names_it(folder, open_ledger, line):
    mine = open_ledger("two")
    with open(os.path.join(compat.native(folder), "ledger", "odd.jsonl"), "wb") as stream:
        stream.write(line)
    with pytest.raises(errors.UsageError) as caught:
        mine.leftovers()
    assert "odd.jsonl" in caught.value.message


def test_lines_that_a_later_version_may_write_are_passed_over(folder, open_ledger):
    mine = open_ledger("two")
    owner = dict(OWNER, owner=dict(locks.this_process(), run="odd", started="gone"))
    write_file(folder, owner, INTENT, {"colour": "blue"})
    assert what(mine.leftovers()) == [("odd", 1, ledger.SNAPSHOT)]


# -- who made it

def test_what_a_run_made_says_with_which_manager(folder, monkeypatch):
    monkeypatch.setattr(locks, "this_process", lambda: dict(host="here", pid=1, started="gone"))
    ledger.Ledger(folder, "one", "proxy-backup", "vm server 7").intend(ledger.SNAPSHOT, **SNAPSHOT)
    with open(os.path.join(compat.native(folder), "ledger", "one.jsonl"), "rb") as stream:
        owner = json.loads(stream.readline().decode("ascii"))["owner"]
    assert (owner["manager"], owner["run"], owner["verb"]) == ("vm server 7", "one", "proxy-backup")


def far_away(folder):
    """Have a run on another machine, of which nobody here knows whether it is over, hold a snapshot."""
    far = ledger.Ledger(folder, "far", "proxy-backup")
    far._owner.update(host="another.example", started="another-boot/4711")
    far.take("vs-1", "web01")
    far.intend(ledger.SNAPSHOT, **SNAPSHOT)
    return far


def test_what_runs_on_other_hosts_hold_is_listed_apart(folder, open_ledger):
    far_away(folder)
    open_ledger("one", dead=True).intend(ledger.ATTACHMENT, **ATTACHMENT)
    living = open_ledger("three")
    living.take("vs-9", "pbh01", despite_leftovers=True)
    living.intend(ledger.POWER, vs="vs-9", vs_name="pbh01")
    two = open_ledger("two")
    assert what(two.elsewhere()) == [("far", 1, ledger.SNAPSHOT)]
    assert what(two.leftovers()) == [("one", 1, ledger.ATTACHMENT)]
    assert two.elsewhere()[0].owner["host"] == "another.example"


def test_what_a_run_on_another_host_left_when_it_ended_is_a_leftover_and_listed_once(folder, open_ledger):
    far_away(folder).close()
    two = open_ledger("two")
    assert what(two.leftovers()) == [("far", 1, ledger.SNAPSHOT)]
    assert two.elsewhere() == []


def test_a_run_that_ends_on_another_host_while_it_is_asked_for_has_nothing_there(folder, open_ledger, monkeypatch):
    far = far_away(folder)
    read_lines = state.read_lines

    def ends(path):
        monkeypatch.undo()
        far.released(1)
        far.close()
        return read_lines(path)

    two = open_ledger("two")
    monkeypatch.setattr(state, "read_lines", ends)
    assert two.elsewhere() == []


def test_ones_own_intents_are_not_elsewhere(folder):
    far = far_away(folder)
    assert far.elsewhere() == []


def test_a_run_of_this_machine_is_judged_by_its_process_though_the_host_was_renamed_since(open_ledger, monkeypatch):
    """Where the system tells which boot a process is of; without that a name is all there is."""
    living, dead = open_ledger("living"), open_ledger("dead")
    dead._owner["started"] = dead._owner["started"].split("/")[0] + "/another process"
    for each, identity, name in ((living, "vs-9", "pbh01"), (dead, "vs-1", "web01")):
        each.take(identity, name)
        each.intend(ledger.POWER, vs=identity, vs_name=name)
    monkeypatch.setattr(locks.socket, "gethostname", lambda: "renamed.example")
    two = open_ledger("two")
    if "/" in living._owner["started"]:
        assert (what(two.leftovers()), what(two.elsewhere())) == ([("dead", 1, ledger.POWER)], [])
    else:
        assert (what(two.leftovers()), len(two.elsewhere())) == ([], 2)


# -- locks

def test_a_living_run_is_busy_and_says_who_it_is(open_ledger):
    open_ledger("one").take("vs-1", "web01")
    with pytest.raises(errors.Busy) as caught:
        open_ledger("two").take("vs-1", "web01")
    assert caught.value.message.startswith("web01 is busy: the run one (proxy-backup, process %d on " % os.getpid())


def test_a_lock_given_back_is_free(open_ledger):
    one, two = open_ledger("one"), open_ledger("two")
    one.take("vs-1", "web01")
    one.give_back("vs-1")
    two.take("vs-1", "web01")
    one.give_back("vs-1")
    with pytest.raises(errors.Busy):
        one.take("vs-1", "web01")


def test_the_end_of_a_run_gives_all_its_locks_back(open_ledger):
    one = open_ledger("one")
    one.take("vs-1", "web01")
    one.take("vs-9", "pbh01")
    one.close()
    two = open_ledger("two")
    two.take("vs-1", "web01")
    two.take("vs-9", "pbh01")
    assert [who_holds(open_ledger, identity) for identity in ("vs-1", "vs-9")] == ["two", "two"]


def who_holds(open_ledger, identity):
    """Return the id of the run that another one is refused for."""
    with pytest.raises(errors.Busy) as caught:
        open_ledger("another").take(identity, "it")
    return caught.value.message.partition("the run ")[2].split()[0]


def test_the_lock_of_a_dead_run_is_taken_over(open_ledger):
    open_ledger("one", dead=True).take("vs-1", "web01")
    open_ledger("two").take("vs-1", "web01")
    assert who_holds(open_ledger, "vs-1") == "two"


def test_the_lock_of_another_host_is_never_taken_over(open_ledger):
    far = open_ledger("one", dead=True)
    far._owner["host"] = "another.example"
    far.take("vs-1", "web01")
    with pytest.raises(errors.Busy) as caught:
        open_ledger("two").take("vs-1", "web01")
    assert "on another.example" in caught.value.message


@pytest.mark.parametrize("identity", ["vs-1", "vs-9"])
def test_a_server_or_proxy_on_which_something_was_left_is_not_touched(open_ledger, identity):
    dead = open_ledger("one", dead=True)
    dead.intend(ledger.SNAPSHOT, **SNAPSHOT)
    dead.intend(ledger.ATTACHMENT, **ATTACHMENT)
    two = open_ledger("two")
    with pytest.raises(errors.Leftovers) as caught:
        two.take(identity, "web01")
    assert "the run one left" in caught.value.message
    assert "vibackup reconcile --fix" in caught.value.message
    assert len(caught.value.names) == 1
    two.take("vs-3", "db01")  # others are free


def test_a_server_that_was_refused_for_its_leftovers_is_not_held(open_ledger):
    open_ledger("one", dead=True).intend(ledger.SNAPSHOT, **SNAPSHOT)
    with pytest.raises(errors.Leftovers):
        open_ledger("two").take("vs-1", "web01")
    open_ledger("three").take("vs-1", "web01", despite_leftovers=True)


def test_who_releases_leftovers_holds_the_server_meanwhile(open_ledger):
    open_ledger("one", dead=True).intend(ledger.SNAPSHOT, **SNAPSHOT)
    open_ledger("two").take("vs-1", "web01", despite_leftovers=True)
    with pytest.raises(errors.Busy):
        open_ledger("three").take("vs-1", "web01", despite_leftovers=True)


def test_identities_of_any_kind_are_locks_inside_the_folder(folder, open_ledger):
    one = open_ledger("one")
    for identity in ("../x", "a/b", ".", "", "süd\n", "-rf"):
        one.take(identity, "odd")
    assert len(os.listdir(os.path.join(compat.native(folder), "locks"))) == 6
    assert sorted(os.listdir(compat.native(folder))) == ["ledger", "locks"]


@pytest.mark.parametrize("kind, facts, words", [
    (ledger.SNAPSHOT, SNAPSHOT, "the snapshot of web01"),
    (ledger.ATTACHMENT, ATTACHMENT, "snap on pbh01"),
    (ledger.POWER, {"vs_name": "pbh01"}, "pbh01 running"), (ledger.FREEZE, {"vs_name": "web01"}, "web01 frozen"),
    (ledger.BACKUP, {"vs_name": "web01", "proxy_name": "pbh01"}, "an unfinished backup of web01, made on pbh01")])
def test_each_kind_has_words_for_a_person(kind, facts, words):
    assert ledger.describe(kind, facts) == words
