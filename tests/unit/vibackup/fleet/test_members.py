# -*- coding: utf-8 -*-
"""Whom a policy protects: every virtual server is a member of one section, or left out with a reason."""
from __future__ import absolute_import, division, print_function, unicode_literals

import contextlib
import io
import os

import pytest

from tests import labs
from tests.labs import MEGABYTE
from tests.runs import Calls, fail, find, make_run, small_lab
from vibackup import catalog, compat, errors, guest
from vibackup import manager as api
from vibackup.fleet import members, policy
from vibackup.job import job


def written(tmpdir, words):
    path = os.path.join(compat.text(tmpdir), "night.ini")
    with io.open(compat.native(path), "w", encoding="utf-8") as stream:
        stream.write("[all servers]\nagent = dd\nlocation = /srv/images\n" + words)
    return policy.read(path)


def sorted_by(run, tmpdir, words):
    """Return what ``words`` make of the run's servers: names of members by section, and why others are none."""
    found, left_out = members.of(run, written(tmpdir, words))
    assert all(len(each.why.splitlines()) == 1 for each in left_out)
    by_section = {}
    for member in found:
        by_section.setdefault(member.section.name, []).append(member.server.name)
    return by_section, dict((each.vs, (each.section, each.why)) for each in left_out)


EVERYTHING = "[servers all]\nnames = *\nproxies = pbh01\nskip-raw = yes\n"


# -- one section, or a reason

def test_every_virtual_server_is_a_member_or_left_out_with_a_reason(run, tmpdir):
    """Of the small lab raw01 has a raw disk alone, and pbh01 is the proxy."""
    assert sorted_by(run, tmpdir, EVERYTHING) == ({"all": ["db01", "mixed01", "web01"]}, {
        "raw01": ("all", "raw01 has no logical disk to back up"),
        "pbh01": (None, "is a proxy, and no section has its plain name in names or file")})


def test_a_server_is_of_the_first_section_that_takes_it(run, tmpdir):
    found, left_out = sorted_by(run, tmpdir, (
        "[servers db]\nnames = db*\n[servers some]\nnames = db01 web01\n[servers rest]\nnames = *\n"
        "proxies = pbh01\nskip-raw = yes\n"))
    assert found == {"db": ["db01"], "some": ["web01"], "rest": ["mixed01"]}
    assert "db01" not in left_out


def test_what_no_section_selects_is_left_out_and_so_is_what_one_excludes(run, tmpdir):
    found, left_out = sorted_by(run, tmpdir, (
        "[servers one]\nnames = web* db*\nexclude = *b01 nobody\nproxies = pbh01\n"))
    assert found == {} and left_out == {
        "web01": ("one", "excluded by *b01"), "db01": ("one", "excluded by *b01"),
        "raw01": (None, "no section of the policy selects it"),
        "mixed01": (None, "no section of the policy selects it"),
        "pbh01": (None, "is a proxy, and no section has its plain name in names or file")}


def test_a_later_section_may_take_what_an_earlier_one_excludes(run, tmpdir):
    found, left_out = sorted_by(run, tmpdir, (
        "[servers one]\nnames = *\nexclude = db01\nproxies = pbh01\nskip-raw = yes\n"
        "[servers two]\nnames = db01\nproxies = pbh01\n"))
    assert found["two"] == ["db01"] and "db01" not in left_out


def test_nodes_and_disk_groups_narrow_down_what_names_select(tmpdir):
    def two_nodes(description):
        description["servers"][1]["node"] = "node2"  # db01
    with small_lab(two_nodes) as lab:
        found, left_out = sorted_by(make_run(lab, tmpdir), tmpdir, (
            "[servers one]\nnames = web01 db01\nnodes = node1\nproxies = pbh01\n"
            "[servers two]\nnodes = *2\nproxies = pbh01\n"
            "[servers three]\nnames = raw01 mixed01\ndisk-groups = group1\nproxies = pbh01\nskip-raw = yes\n"))
    assert found == {"one": ["web01"], "two": ["db01"], "three": ["mixed01"]}
    assert left_out["raw01"] == ("three", "has no disk in any of the section's disk-groups")


def test_a_server_that_is_named_and_on_another_node_is_told_so(run, tmpdir):
    _found, left_out = sorted_by(run, tmpdir, "[servers one]\nnames = web01\nnodes = node2\nproxies = pbh01\n")
    assert left_out["web01"] == ("one", "is on the managed node node1, which is not among the section's nodes")


def test_what_is_named_and_is_not_there_is_left_out_by_that_name(run, tmpdir):
    with io.open(str(tmpdir.join("more.txt")), "w", encoding="utf-8") as stream:
        stream.write("web01\ngone02\nweb*\n")
    _found, left_out = sorted_by(run, tmpdir, (
        "[servers one]\nnames = web01 gone01 app*\nfile = more.txt\nnodes = node1 node7 x*\ndisk-groups = group1 slow\n"
        "exclude = nobody\nproxies = pbh01 pbh09 pbx*\n"))
    assert [(name, why) for name, (section, why) in sorted(left_out.items()) if section == "one"] == [
        ("app*", "the pattern app* matches no virtual server"), ("gone01", "no virtual server is called gone01"),
        ("gone02", "no virtual server is called gone02"), ("node7", "no managed node is called node7"),
        ("pbh09", "no virtual server is called pbh09, to be a proxy"),
        ("pbx*", "the pattern pbx* matches no virtual server, to be a proxy"),
        ("slow", "no disk group is called slow"), ("web*", "no virtual server is called web*"),
        ("x*", "the pattern x* matches no managed node")]


def test_a_name_with_brackets_is_a_name_too(tmpdir):
    """What stands in a policy may be the very name of a server, whatever it would be as a pattern."""
    def brackets(description):
        description["servers"][0]["name"] = "web[1]"
    with small_lab(brackets) as lab:
        found, left_out = sorted_by(make_run(lab, tmpdir), tmpdir, "[servers one]\nnames = web[1]\nproxies = pbh01\n")
    assert found == {"one": ["web[1]"]} and "web[1]" not in left_out


def test_a_name_of_lines_and_colours_is_a_reason_of_one_line(tmpdir):
    """L8."""
    name = "raw\n\x1b[31m01"

    def hostile(description):
        description["servers"][2]["name"] = name
    with small_lab(hostile) as lab:
        _found, left_out = sorted_by(make_run(lab, tmpdir), tmpdir, EVERYTHING)
    assert left_out[name][1] == "raw \\x1b[31m01 has no logical disk to back up"


# -- what cannot be backed up

@contextlib.contextmanager
def disks(*devices, **server):
    """Yield a lab whose web01 has these ``devices``, of a logical disk, a raw one and a CD."""
    def change(description):
        description["disks"] += [labs.disk("a"), labs.raw_disk("lun")]
        description["servers"][0].update(server, devices=list(devices))
    with small_lab(change) as lab:
        yield lab


@pytest.mark.parametrize("words, devices, why", [
    ("", ["lun"], "web01: lun is a raw disk, which has no snapshot: use array-backup, or leave the disk out with "
                  "skip-raw = yes"),
    ("", ["a", "lun"], "web01: lun is a raw disk, which has no snapshot: use array-backup, or leave the disk out with "
                       "skip-raw = yes"),
    ("skip-raw = yes\n", ["lun"], "web01 has no logical disk to back up"),
    ("", ["backup.iso"], "web01 has no logical disk to back up"),
    ("", [], "web01 has no logical disk to back up")])
def test_disks_that_have_no_snapshot_are_a_reason(tmpdir, words, devices, why):
    with disks(*devices) as lab:
        _found, left_out = sorted_by(
            make_run(lab, tmpdir), tmpdir, "[servers one]\nnames = web01\nproxies = pbh01\n" + words)
    assert left_out["web01"] == ("one", why)


def test_an_agent_in_the_server_backs_up_whatever_disks_there_are(run, tmpdir):
    found, left_out = members.of(run, written(tmpdir, "[servers one]\nnames = *01\ntechnique = agent-backup\n"))
    assert [(each.server.name, [disk.name for disk in each.disks]) for each in found] == [
        ("mixed01", ["mixed01-system"]), ("pbh01", ["pbh01-system"]), ("raw01", []), ("web01", ["web01-system"])]
    assert [(each.vs, each.why) for each in left_out] == [
        ("db01", "db01 has Windows, where no agent in the server reads whole disks: use mode = file, or proxy-backup")]


@pytest.mark.parametrize("words", ["mode = file\nagent = tsm\n", "technique = agent-backup\n",
                                   "technique = agent-backup\nmode = file\nagent = tsm\n"])
def test_files_and_agents_want_an_operating_system_that_is_known(tmpdir, words):
    with disks("a", operating_system="BeOS") as lab:
        run = make_run(lab, tmpdir)
        _found, left_out = sorted_by(run, tmpdir, "[servers one]\nnames = web01\n" + words)
        assert left_out["web01"][1].startswith("web01 has BeOS, which is neither Linux nor Windows")
        found, _left_out = members.of(run, written(tmpdir, "[servers one]\nnames = web01\nproxies = pbh01\n"))
        assert [(member.server.name, member.family) for member in found] == [("web01", None)]


def test_two_servers_of_one_name_are_both_left_out(tmpdir):
    def twins(description):
        description["servers"][1]["name"] = "web01"
    with small_lab(twins) as lab:
        found, left_out = members.of(make_run(lab, tmpdir), written(tmpdir, EVERYTHING))
    assert [each.server.name for each in found] == ["mixed01"]
    assert [(each.vs, each.why) for each in left_out if each.vs == "web01"] == [
        ("web01", "two virtual servers have this name: give each a name of its own")] * 2


def take_snapshot(run, name="by hand"):
    vs = find(run, "web01")
    with job(run.manager, "an administrator's own", lambda: False):
        api.set_name(api.snapshot(vs.handle), name)


def test_a_server_with_a_snapshot_of_somebody_else_is_left_out_and_so_is_the_snapshot(run, tmpdir):
    """FIELD 12: a user's own snapshot is never consolidated, reused or deleted."""
    take_snapshot(run)
    found, left_out = sorted_by(run, tmpdir, EVERYTHING)
    assert found == {"all": ["db01", "mixed01"]}
    assert left_out["by hand"] == (None, "a snapshot of web01")
    assert left_out["web01"] == ("all", "web01 has a snapshot already, called by hand, which this run did not make: "
                                 "delete it in the Virtualization Manager if nobody needs it")


def test_an_agent_in_the_server_does_not_mind_a_snapshot(run, tmpdir):
    take_snapshot(run)
    found, left_out = sorted_by(run, tmpdir, "[servers one]\nnames = web01\ntechnique = agent-backup\n")
    assert found == {"one": ["web01"]} and left_out["by hand"] == (None, "a snapshot of web01")


def test_a_server_that_a_snapshot_disk_was_left_on_is_left_out(run, tmpdir):
    """Nobody backs up another server's disk under this one's name."""
    take_snapshot(run)
    disk, = api.devices_of(api.snapshot_of(find(run, "web01").handle))
    with job(run.manager, "an administrator's own", lambda: False):
        api.add_device(find(run, "mixed01").handle, disk)
    _found, left_out = sorted_by(run, tmpdir, EVERYTHING)
    assert left_out["mixed01"] == ("all", "mixed01 has the snapshot disk %s: take it off, or if it was left behind, "
                                   "vibackup reconcile --fix" % api.name_of(disk))


# -- what cannot be read

@pytest.mark.parametrize("method", ["getName", "getId", "getSnapshot", "getManagedNode", "getOperatingSystem",
                                    "getStorageDevices"])
def test_a_server_that_cannot_be_read_does_not_stop_the_others(lab, tmpdir, method):
    """FIELD 14: one missing server must not stop the fleet."""
    run = make_run(lab, tmpdir)
    identity = find(run, "web01").id
    fail(lab, method, name="web01", times=None)
    found, left_out = sorted_by(run, tmpdir, EVERYTHING)
    assert found == {"all": ["db01", "mixed01"]}
    section, why = left_out["web01" if method != "getName" else identity]
    assert why.startswith("%s failed: " % method)
    assert section == ("all" if method in ("getManagedNode", "getOperatingSystem", "getStorageDevices") else None)


@pytest.mark.parametrize("method", ["getName", "getBytes", "getParentLvmDiskGroup", "getSnapshotParent", "getKind"])
def test_a_disk_that_cannot_be_read_leaves_out_its_server_alone(lab, tmpdir, method):
    fail(lab, method, name="web01-system", times=None)
    found, left_out = sorted_by(make_run(lab, tmpdir), tmpdir, EVERYTHING)
    assert found == {"all": ["db01", "mixed01"]} and left_out["web01"][1].startswith("%s failed: " % method)


def test_a_server_that_tells_nothing_at_all_is_still_told_of(lab, tmpdir):
    fail(lab, "getName", name="web01", times=None)
    fail(lab, "getId", name="web01", times=None)
    _found, left_out = sorted_by(make_run(lab, tmpdir), tmpdir, EVERYTHING)
    assert left_out["a virtual server without a name"][1].startswith("getId failed: ")


def test_a_node_that_cannot_be_read_leaves_out_its_servers(lab, tmpdir):
    fail(lab, "getVirtualDataCenter", name="node1", times=None)
    found, left_out = sorted_by(make_run(lab, tmpdir), tmpdir, EVERYTHING)
    assert found == {} and left_out["web01"][1].startswith("getVirtualDataCenter failed: ")


def test_a_manager_that_is_gone_ends_it(lab, run, tmpdir, monkeypatch):
    def gone(_handle):
        raise errors.ManagerGone("getManagedNode", "connection refused")
    monkeypatch.setattr(api, "node_of", gone)
    with pytest.raises(errors.ManagerGone):
        sorted_by(run, tmpdir, EVERYTHING)


def test_a_manager_that_lists_nothing_is_refused(tmpdir):
    with small_lab(missing=["getObjects"]) as lab:
        with pytest.raises(errors.MissingCall):
            sorted_by(make_run(lab, tmpdir), tmpdir, EVERYTHING)


# -- what a member is

def member_of(run, tmpdir, name, words=""):
    found, _left_out = members.of(run, written(tmpdir, EVERYTHING + words))
    return [member for member in found if member.server.name == name][0]


def test_a_member_says_all_that_a_plan_needs(run, tmpdir):
    found = member_of(run, tmpdir, "db01")
    node = api.node_of(find(run, "db01").handle)
    assert found.server == find(run, "db01") and found.section.name == "all"
    assert (found.node, found.node_id) == ("node1", api.identity_of(node))
    assert found.data_center == api.identity_of(api.data_center_of(node)) and found.family == guest.WINDOWS
    assert [disk.name for disk in found.disks] == ["db01-system", "db01-data"]
    assert (found.bytes, found.groups) == (3 * MEGABYTE, ["group1"])
    assert found.agent_server == "/srv/images"


def test_an_agent_without_a_location_is_its_own_server(run, tmpdir):
    assert member_of(run, tmpdir, "web01", "agent = tsm\nlocation =\n").agent_server == "tsm"


def test_a_raw_disk_that_is_skipped_is_not_counted(run, tmpdir):
    found = member_of(run, tmpdir, "mixed01")
    assert [disk.name for disk in found.disks] == ["mixed01-system"] and found.bytes == MEGABYTE


def record(run, identity, vs, **more):
    facts = dict({"proxy": "pbh01", "verb": "proxy-backup", "seconds": 100.0}, **more)
    run.catalog.add(catalog.new_entry(run, identity, find(run, vs), "dd", facts.pop("mode", "image"), [], **facts))


def test_how_long_a_server_takes_is_guessed_until_the_catalog_knows(run, tmpdir):
    slow = "[fleet]\nspeed = 64KiB\n"
    assert member_of(run, tmpdir, "db01").seconds == 1
    assert member_of(run, tmpdir, "db01", slow).seconds == 48
    record(run, "b1", "db01", seconds=70.0, finished="2026-01-01T00:00:00Z")
    record(run, "b2", "db01", seconds=90.5, finished="2026-01-02T00:00:00Z")
    record(run, "b3", "db01", seconds=5.0, finished="2026-01-03T00:00:00Z", mode="file")
    record(run, "b4", "db01", seconds=6.0, finished="2026-01-03T00:00:00Z", verb="agent-backup")
    record(run, "b5", "db01", seconds=7.0, finished="2026-01-04T00:00:00Z", verified={"outcome": "does not boot"})
    record(run, "b6", "db01", seconds=8.0, finished="2026-01-05T00:00:00Z", manager="another one")
    record(run, "b7", "db01", seconds=9.0, finished="2026-01-05T00:00:00Z", vs_id="of one that was called so before")
    assert member_of(run, tmpdir, "db01", slow).seconds == 90.5
    assert member_of(run, tmpdir, "web01", slow).seconds == 16


def test_a_damaged_entry_of_the_catalog_is_warned_of(run, tmpdir):
    record(run, "b1", "db01")
    with io.open(os.path.join(compat.native(run.folder), str("catalog"), str("b2.json")), "w") as stream:
        stream.write("x")
    assert member_of(run, tmpdir, "db01").seconds == 100
    assert len(run.warnings) == 1 and "b2.json" in run.warnings[0]


# -- proxies

def proxies_of(run, tmpdir, words):
    made = written(tmpdir, words)
    return members.proxies(run, made, members.of(run, made)[0])


def test_the_proxies_are_those_that_sections_name(run, tmpdir):
    found = proxies_of(run, tmpdir, "[servers a]\nnames = web*\nproxies = pbh*\n"
                       "[servers b]\nnames = db*\nproxies = mixed01 nobody\n")
    assert [(each.server, each.node, each.family) for each in found] == [
        (find(run, "mixed01"), "node1", guest.LINUX), (find(run, "pbh01"), "node2", guest.LINUX)]
    node = api.node_of(find(run, "pbh01").handle)
    assert (found[1].node_id, found[1].data_center) == (
        api.identity_of(node), api.identity_of(api.data_center_of(node)))


def test_where_none_is_named_they_are_those_of_earlier_backups(run, tmpdir):
    record(run, "b1", "web01", proxy="pbh01")
    record(run, "b2", "web01", proxy="gone")
    record(run, "b3", "web01", proxy="raw01", manager="another one")
    any_of_them = "[servers a]\nnames = *\nskip-raw = yes\n"
    assert [each.server.name for each in proxies_of(run, tmpdir, any_of_them)] == ["pbh01"]
    found, left_out = sorted_by(run, tmpdir, any_of_them)
    assert found == {"a": ["db01", "mixed01", "web01"]} and left_out["pbh01"][1].startswith("is a proxy, ")
    assert [each.server.name for each in proxies_of(run, tmpdir, any_of_them + "proxies = mixed01\n")] == ["mixed01"]


def test_agents_in_the_servers_need_no_proxies(run, tmpdir):
    record(run, "b1", "web01", proxy="pbh01")
    words = "[servers a]\nnames = *\ntechnique = agent-backup\n"
    assert proxies_of(run, tmpdir, words) == []
    assert "pbh01" in sorted_by(run, tmpdir, words)[0]["a"]


def test_a_proxy_with_a_plain_name_is_a_member_too_and_one_that_fits_a_pattern_is_not(run, tmpdir):
    found, left_out = sorted_by(run, tmpdir, "[servers a]\nnames = *\nproxies = mixed01 pbh01\nskip-raw = yes\n"
                                "[servers b]\nnames = pbh01\nproxies = mixed01\n")
    assert found == {"a": ["db01", "web01"], "b": ["pbh01"]}
    assert left_out["mixed01"] == (None, "is a proxy, and no section has its plain name in names or file")


def test_a_member_that_is_a_proxy_is_not_read_again(lab, run, tmpdir):
    made = written(tmpdir, "[servers a]\nnames = pbh01\nproxies = pbh01\n")
    site = members.read(run)
    found, _left_out = members.of(run, made, site)
    calls = Calls(lab)
    assert [each.server.name for each in members.proxies(run, made, found, site)] == ["pbh01"]
    assert calls.lines == []


def test_a_proxy_that_cannot_be_used_is_warned_of(tmpdir):
    def strange(description):
        description["servers"][1]["operating_system"] = "BeOS"
    with small_lab(strange) as lab:
        run = make_run(lab, tmpdir)
        fail(lab, "getManagedNode", name="pbh01", times=None)
        found = proxies_of(run, tmpdir, "[servers a]\nnames = web01\nproxies = pbh01 db01 mixed01\n")
    assert [each.server.name for each in found] == ["mixed01"]
    assert run.warnings[0].startswith("db01 is not used as a proxy: its operating system is neither")
    assert run.warnings[1].startswith("pbh01 is not used as a proxy: getManagedNode failed: ")


# -- what it costs

def test_the_manager_is_read_once_and_changed_never(run, lab, tmpdir):
    """Three calls for each server, four more for each member and six for each of its disks; three for each node."""
    made = written(tmpdir, EVERYTHING)
    before = lab.dump()["objects"]
    calls = Calls(lab)
    site = members.read(run)
    listing = len(calls.lines)
    assert listing == 1 + 3 * 5
    found, left_out = members.of(run, made, site)
    kinds = [line.split(" ")[1] for line in calls.lines[listing:]]
    assert kinds.count("VirtualServer") == 3 * 3 + 2  # of raw01 only what it has and is
    assert kinds.count("ManagedNode") == 3 + 2
    assert [len(found), len(left_out)] == [3, 2]
    several = len(calls.lines)
    assert len(members.proxies(run, made, found, site)) == 1 and len(calls.lines) - several == 6
    assert lab.dump()["objects"] == before


def test_a_server_more_costs_the_same_few_calls_however_many_there_are(tmpdir):
    def calls_of(count):
        names = ["s%03d" % number for number in range(count)]
        with small_lab(lambda description: description.update(
                disks=description["disks"] + [labs.disk(name, 4096, boot=False) for name in names],
                servers=description["servers"] + [{"name": name, "node": "node1", "devices": [name]}
                                                  for name in names])) as lab:
            run, made = make_run(lab, tmpdir.mkdir(str(count))), written(tmpdir, EVERYTHING)
            calls = Calls(lab)
            site = members.read(run)
            found, _left_out = members.of(run, made, site)
            members.proxies(run, made, found, site)
            assert len(found) == count + 3
            return len(calls.lines)
    few, more, many = [calls_of(count) for count in (1, 2, 42)]
    assert more - few == 3 + 4 + 6 and many - few == 41 * (more - few)
