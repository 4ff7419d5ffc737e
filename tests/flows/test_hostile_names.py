# -*- coding: utf-8 -*-
"""Names may hold anything: nothing of them is executed, nothing leaves its folder, and they arrive as they are."""
from __future__ import absolute_import, division, print_function, unicode_literals

import os
import tempfile

import pytest

from tests.flows.helpers import compat, small, stage  # noqa: F401
from vibackup.names import safe_name

HOSTILE = {
    "spaces": " web  01 ",
    "quotes": "it's \"web\" `01`",
    "equals signs": "web=01=--agent=tar",
    "substitution": "$(touch planted)`touch planted`${HOME}",
    "separators": "web;touch planted;#|touch planted&&touch planted&",
    "redirection": "web >planted <planted",
    "lines": "web\ntouch planted\r\n[planted]\n",
    "a leading dash": "-rf",
    "leading dashes": "--help",
    "the folder above": "../../../planted",
    "a folder of its own": "/planted/web",
    "dots": "..",
    "backslashes": "C:\\planted\\..",
    "beyond ASCII": "süd-服务器-\U0001f4be",
    "wildcards": "*?[a-z]{device}%s%(vs)s",
    "control characters": "web\x1b[2J\x07\x7f01\ttab",
    "a guest's device": "/dev/sda",
    "an address with a password": "sftp://user:secret@host/web",
    "5000 characters": "web" * 1666 + "ü",
}


@pytest.fixture
def place(tmpdir, monkeypatch, stage):  # noqa: F811
    """A stage whose lab, and the current folder, lie in the test's own folder."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmpdir))
    monkeypatch.chdir(str(tmpdir))
    return stage


def agents_files(place):
    """Return the paths, below the agents' current folder, of all files that they left."""
    home = compat.native(place.home_of_proxy)
    return sorted(compat.text(os.path.relpath(os.path.join(where, name), home))
                  for where, _folders, names in os.walk(home) for name in names)


def check_backup(place, vs, disk, proxy, group):
    """Back up ``vs`` by dd; nothing but one image comes of it, and every name is what it was."""
    place.open(small(vs=vs, disk=disk, proxy=proxy, group=group))
    place.home_of_proxy = place.home(proxy)
    before, content = place.objects(), place.content(disk)
    around = sorted(os.listdir(place.folder))
    ran = place.proxy_backup("--disk=" + disk, vs=vs, proxy=proxy, agent="dd")
    assert ran.status == 0, ran.errors
    assert place.objects() == before
    assert ran.document["vs"] == vs and [each["name"] for each in ran.document["backup"]["disks"]] == [disk]
    [entry] = place.catalog()
    assert entry["vs"] == vs and entry["disks"][0]["name"] == disk
    assert place.image(ran.document["backup"], disk, proxy) == content
    assert agents_files(place) == ["vibackup-images/%s/%s/%s.img" % (
        safe_name(vs), safe_name(disk), ran.document["backup"]["id"])]
    assert sorted(os.listdir(place.folder)) == around
    assert not [line for line in ran.errors.splitlines() if set(line) & set("\x1b\x07\x7f\r")]


@pytest.mark.parametrize("kind", sorted(HOSTILE))
def test_a_server_a_disk_a_proxy_and_a_group_may_be_called(place, kind):
    name = HOSTILE[kind]
    check_backup(place, name, name + " disk", name + " proxy", name + " group")


@pytest.mark.parametrize("kind", sorted(HOSTILE))
def test_a_server_that_is_booted_from_a_live_cd_may_be_called(place, kind):
    inventory = small(vs=HOSTILE[kind])
    inventory["network_block_devices"][0]["name"] = HOSTILE[kind] + ".iso"
    place.open(inventory)
    before = place.objects()
    ran = place.snapshot_boot(vs=HOSTILE[kind], boot_device=HOSTILE[kind] + ".iso")
    assert ran.status == 0 and place.objects() == before
    assert [(entry["vs"], entry["agent"]) for entry in place.catalog()] == [(HOSTILE[kind], HOSTILE[kind] + ".iso")]


@pytest.mark.parametrize("kind", sorted(HOSTILE))
def test_a_name_that_is_not_there_is_told_on_one_line(place, kind):
    ran = place.proxy_backup(vs=HOSTILE[kind] + "!")
    assert ran.status == 3 and ran.error_class == "NotFound" and place.changes() == []
    told = [line for line in ran.errors.splitlines() if line.startswith("vibackup: ")]
    assert len(told) == 1 and not set(ran.errors) & set("\x1b\x07\x7f\r")


def test_a_leftover_of_a_hostile_name_is_found_and_released(place):
    name = HOSTILE["lines"] + HOSTILE["substitution"] + HOSTILE["the folder above"]
    place.open(small(vs=name, disk=name + " disk", proxy=name + " proxy"))
    before = place.objects()
    place.fault("removeStorageDevice", times=None)
    assert place.proxy_backup(vs=name, proxy=name + " proxy").status == 6
    place.lab.faults = []
    assert place.proxy_backup(vs=name, proxy=name + " proxy").status == 6
    listed = place.vibackup("reconcile")
    assert "the snapshot of " + name in [left["what"] for left in listed.document["leftovers"]]
    assert place.vibackup("reconcile", "--fix").status == 0
    assert place.objects() == before


def test_the_words_of_a_freeze_are_not_read_by_a_shell(place):
    place.open(small())
    ran = place.proxy_backup("--freeze=printf %s $(touch planted) ; touch planted", "--thaw=true '`touch planted`'")
    assert ran.status == 0
    assert [call.words for call in place.calls if call.method == "run" and call.words[0] in ("printf", "true")] == [
        ["printf", "%s", "$(touch", "planted)", ";", "touch", "planted"], ["true", "`touch planted`"]]
    for where, _folders, names in os.walk(compat.native(place.folder)):
        assert "planted" not in names, where


@pytest.mark.parametrize("location", ["a place/with 'quotes' & $(touch planted)", "../../beside", "ünder"])
def test_a_location_may_be_called(place, location):
    place.open(small())
    content = place.content("web01-system")
    ran = place.proxy_backup("--location=" + location, agent="dd")
    assert ran.status == 0 and ran.document["backup"]["location"] == location
    assert place.image(ran.document["backup"], "web01-system") == content


def test_a_location_that_could_be_an_option_is_refused(place):
    ran = place.proxy_backup("--location=-rf", agent="dd")
    assert ran.status == 2 and place.changes() == []
