# -*- coding: utf-8 -*-
"""Which servers can be proxies for another one."""
from __future__ import absolute_import, division, print_function, unicode_literals

import copy

from tests import labs
from tests.runs import Calls, find, make_run, server, small_lab
from vibackup import catalog, proxies


def found(tmpdir, change=None, vs="web01", **keys):
    """Return the names of the proxies for ``vs`` in a small lab, and why others are none."""
    with small_lab(change, **keys) as lab:
        run = make_run(lab, tmpdir)
        hosts, refused = proxies.find(run, find(run, vs))
        return [host.name for host in hosts], refused


def test_those_on_other_managed_nodes_come_first_then_by_name(tmpdir):
    assert found(tmpdir) == (["pbh01", "db01", "mixed01", "raw01"], [])


def test_those_that_run_come_first(tmpdir):
    names, refused = found(tmpdir, lambda description: server(description, "pbh01").update(power="Stopped"))
    assert names == ["db01", "mixed01", "raw01", "pbh01"] and refused == []


def test_those_that_have_been_one_come_first_even_where_they_do_not_run_now(tmpdir):
    with small_lab(lambda description: server(description, "raw01").update(power="Stopped")) as lab:
        run = make_run(lab, tmpdir)
        run.catalog.add(catalog.new_entry(run, "b1", find(run, "db01"), "dd", "image", [], proxy="raw01"))
        hosts, _refused = proxies.find(run, find(run, "web01"))
        assert [host.name for host in hosts] == ["raw01", "pbh01", "db01", "mixed01"]


def test_a_host_says_where_it_is(tmpdir):
    with small_lab() as lab:
        run = make_run(lab, tmpdir)
        [first] = proxies.find(run, find(run, "web01"))[0][:1]
        assert first == proxies.Host("pbh01", "linux", "node2", True, "Running")


def test_one_in_another_data_center_is_none(tmpdir):
    def change(description):
        description["data_centers"].append({"name": "West", "nodes": [{"name": "node9"}]})
        server(description, "pbh01")["node"] = "node9"
    assert "pbh01" not in found(tmpdir, change)[0]


def test_one_that_does_not_answer_is_none_and_its_reason_is_told(tmpdir):
    names, refused = found(tmpdir, lambda description: server(description, "pbh01").update(
        commands={"lsblk": {"exit_status": 255}}))
    assert "pbh01" not in names and refused == ["pbh01: lsblk: exit status 255"]


def test_one_of_an_unknown_operating_system_is_none(tmpdir):
    names, refused = found(tmpdir, lambda description: server(description, "pbh01").update(operating_system="NetWare"))
    assert "pbh01" not in names and "NetWare" in refused[0]


def test_a_snapshot_is_no_proxy(tmpdir):
    with small_lab() as lab:
        run = make_run(lab, tmpdir)
        with labs.job(lab):
            find(run, "db01").handle.snapshot()
        assert "Snapshot of db01" not in [host.name for host in proxies.find(run, find(run, "web01"))[0]]


def many(description, commands):
    """Add thirty servers on the other node."""
    for number in range(30):
        name = "a%02d" % number
        description["disks"].append(labs.disk(name, 512))
        description["servers"].append({"name": name, "node": "node2", "devices": [name],
                                       "commands": copy.deepcopy(commands)})


def test_a_handful_of_each_operating_system_is_enough(tmpdir):
    names, refused = found(tmpdir, lambda description: many(description, {}))
    assert names == ["a00", "a01", "a02", "a03", "a04", "db01"] and refused == []


def test_not_every_guest_of_a_data_center_is_asked(tmpdir):
    with small_lab(lambda description: many(description, {"lsblk": {"exit_status": 255}})) as lab:
        run = make_run(lab, tmpdir)
        calls = Calls(lab)
        assert proxies.find(run, find(run, "web01"))[0] == []
        assert len(calls.of("run")) <= proxies.MOST_ASKED
