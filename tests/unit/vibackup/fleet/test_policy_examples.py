# -*- coding: utf-8 -*-
"""The examples that are shipped: each is a good policy, and what its comments say is true in a shop of its kind."""
from __future__ import absolute_import, division, print_function, unicode_literals

import io
import os
import time

import pytest

import vibackup.fleet
from tests import labs
from tests.flows import mutations
from tests.flows.helpers import write_bytes
from tests.runs import make_run, small_lab
from vibackup import compat
from vibackup.fleet import members, policy

FOLDER = os.path.join(os.path.dirname(os.path.abspath(vibackup.fleet.__file__)), "examples")
NAMES = sorted(compat.text(name)[:-len(".ini")] for name in os.listdir(FOLDER))


def example(name):
    return policy.read(os.path.join(FOLDER, name + ".ini"))


def sorted_by(tmpdir, name, servers, raw=(), **nodes):
    """Return the members by section, and the names that are left out, in a shop of ``servers``, name to system."""
    every_node = sorted(set(["node1", "node2"]) | set(nodes.values()))

    def shop(description):
        description.update(
            data_centers=[{"name": "East", "disk_groups": [{"name": "fast1", "bytes": 64 * labs.MEGABYTE}],
                           "nodes": [{"name": node} for node in every_node]}],
            disks=[labs.disk(each, 4096, "fast1", boot=False) for each in sorted(servers)] +
            [labs.raw_disk(each + " raw", 4096, lun=each) for each in raw],
            servers=[{"name": each, "node": nodes.get(each, "node1"), "operating_system": system,
                      "devices": [each] + [each + " raw"] * (each in raw)} for each, system in sorted(servers.items())])
    with small_lab(shop) as lab:
        run = make_run(lab, tmpdir)
        found, left_out = members.of(run, example(name))
        proxies = members.proxies(run, example(name), found)
    by_section = {}
    for member in found:
        by_section.setdefault(member.section.name, []).append(member.server.name)
    return by_section, [each.vs for each in left_out], [proxy.server.name for proxy in proxies]


def test_there_are_examples_and_each_is_a_good_policy():
    assert NAMES == ["agents-in-servers", "data-center", "linux-and-windows", "small-office"]
    for name in NAMES:
        assert policy.problems(os.path.join(FOLDER, name + ".ini")) == []


@pytest.mark.parametrize("name", NAMES)
def test_an_rpo_leaves_time_from_one_night_to_the_end_of_the_next(name):
    """Backups may be at the beginning of one window, and at the end of the next."""
    found = example(name)
    moment, longest = time.mktime((2026, 6, 1, 12, 0, 0, 0, 0, -1)), 0
    for _night in range(14):
        opens, _closes = found.window.next_after(moment)
        longest = max(longest, found.window.next_after(opens)[1] - opens)
        moment = opens
    assert all(section.rpo >= longest for section in found.sections), longest


@pytest.mark.parametrize("name", NAMES)
def test_an_example_explains_itself_and_fits_a_page(name):
    with io.open(os.path.join(FOLDER, name + ".ini"), encoding="utf-8") as stream:
        lines = stream.read().splitlines()
    assert lines[0].startswith("# ") and len(lines) < 70 and max(map(len, lines)) <= 120


def test_the_small_office_backs_up_every_other_server(tmpdir):
    assert sorted_by(tmpdir, "small-office", {"pbh01": "Linux", "files": "Linux", "mail": "Windows"}, raw=["mail"]) == (
        {"everything": ["files", "mail"]}, ["pbh01"], ["pbh01"])
    night = example("small-office")
    two_days_and_the_window = 2 * 86400 + 8 * 3600
    assert night.sections[0].rpo == two_days_and_the_window + 3600 and night.mail["when"] == "failures"
    assert len(night.days) == 7


def test_linux_and_windows_have_a_section_each_and_the_rest_is_read_as_images(tmpdir):
    found = sorted_by(tmpdir, "linux-and-windows", {
        "pbhlin": "Linux", "pbhwin": "Windows", "lin-web": "Linux", "win-mail": "Windows", "win-test": "Windows",
        "old": "BeOS"})
    assert found == ({"linux": ["lin-web"], "windows": ["win-mail"], "others": ["old"]},
                     ["pbhlin", "pbhwin", "win-test"], ["pbhlin", "pbhwin"])
    linux, windows, others = example("linux-and-windows").sections
    assert (linux.mode, windows.mode, others.mode) == ("file", "file", "image")
    assert sorted(set(range(7)) - set(example("linux-and-windows").days)) == [4, 5]  # Friday and Saturday


def test_the_data_center_keeps_its_databases_apart(tmpdir):
    servers = dict((name, "Linux") for name in ("db01", "ora1", "test1", "web-dev", "web01", "pbh01", "pbh02"))
    assert sorted_by(tmpdir, "data-center", servers, pbh02="node2") == (
        {"databases": ["db01", "ora1"], "tests": ["test1", "web-dev"], "all the rest": ["web01"]},
        ["pbh01", "pbh02"], ["pbh01", "pbh02"])
    night = example("data-center")
    assert night.limits == {"in all": 40, "node": 3, "proxy": 4, "disk group": 6, "agent server": 20}
    assert (night.batch, night.snapshot_age) == (16, 3 * 3600)
    databases, tests, _rest = night.sections
    assert databases.freeze and databases.thaw and databases.rto < tests.rto
    assert tests.keep == {"last": 2, "daily": 0, "weekly": 0, "monthly": 0, "yearly": 0}


def test_agents_in_the_servers_want_no_proxy(tmpdir):
    servers = {"mail01": "Linux", "web01": "Windows", "bastion": "Linux", "gate": "Linux"}
    assert sorted_by(tmpdir, "agents-in-servers", servers, gate="dmz1") == (
        {"mail": ["mail01"], "others": ["web01"]}, ["bastion", "gate"], [])
    mail, others = example("agents-in-servers").sections
    assert mail.folders == ("/var/mail", "/srv/public folders") and others.folders == ()
    assert set(each.technique for each in (mail, others)) == {"agent-backup"}


@pytest.mark.parametrize("name", NAMES)
def test_a_damaged_example_is_a_policy_or_clear_faults(tmpdir, name):
    """No traceback, and no line that nobody could read; whatever a disk or an editor did to the file."""
    path = os.path.join(compat.text(tmpdir), name + ".ini")
    with open(compat.native(os.path.join(FOLDER, name + ".ini")), "rb") as stream:
        good = stream.read()
    refused = 0
    for data in mutations.texts(good, name):
        write_bytes(path, data)
        found = policy.problems(path)
        refused += bool(found)
        assert all(line.startswith(path + ": ") and len(line.splitlines()) == 1 and len(line) < 2000 for line in found)
        if not found:
            assert policy.read(path).sections
    assert refused
