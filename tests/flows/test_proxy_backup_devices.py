# -*- coding: utf-8 -*-
"""proxy-backup finds the right disk in the proxy's guest, or refuses to guess."""
from __future__ import absolute_import, division, print_function, unicode_literals

import pytest

from tests.flows.helpers import KIB, demo, named, stage  # noqa: F401


def two_disks(sizes, **proxy_settings):
    inventory = demo()
    inventory["disks"] += [{"name": "two-%d" % number, "group": "fastGroup", "bytes": size * KIB,
                            "content": {"boot": number == 0, "fill": "disk %d of two" % number}}
                           for number, size in enumerate(sizes)]
    inventory["servers"].append({"name": "two", "node": "node1", "devices": ["two-0", "two-1"]})
    named(inventory["servers"], "pbh01").update(proxy_settings)
    return inventory


def test_a_disk_is_found_although_the_letters_are_reversed(stage):
    stage.open(two_disks([128, 128], device_naming="reversed"))
    before = [stage.content(name) for name in ("two-0", "two-1")]
    ran = stage.proxy_backup(vs="two", agent="dd")
    assert ran.status == 0
    assert [stage.image(ran.document["backup"], name) for name in ("two-0", "two-1")] == before


@pytest.mark.parametrize("naming", ["in order", "reversed"])
def test_a_disk_is_found_by_its_size_where_positions_are_hidden(stage, naming):
    stage.open(two_disks([128, 192], hide_positions=True, device_naming=naming))
    before = [stage.content(name) for name in ("two-0", "two-1")]
    ran = stage.proxy_backup(vs="two", agent="dd")
    assert ran.status == 0
    assert [stage.image(ran.document["backup"], name) for name in ("two-0", "two-1")] == before


def test_two_disks_of_one_size_without_positions_are_not_guessed(stage):
    stage.open(two_disks([128, 128], hide_positions=True))
    before = stage.objects()
    ran = stage.proxy_backup(vs="two", agent="dd")
    assert ran.status == 1 and ran.error == "pbh01: cannot tell new disks of the same size apart"
    assert stage.objects() == before and stage.files() == []


def test_a_disk_of_the_size_of_the_proxys_own_without_positions_is_not_guessed(stage):
    inventory = demo()
    named(inventory["servers"], "pbh01")["hide_positions"] = True
    stage.open(inventory)
    before = stage.objects()
    ran = stage.proxy_backup(agent="dd")  # both have 256 KiB
    assert ran.status == 1 and "cannot tell its own disk of 262144 bytes from a new one" in ran.error
    assert stage.objects() == before and stage.files() == []


@pytest.mark.parametrize("after", [1, 2])
def test_a_proxy_that_is_booted_by_somebody_in_the_middle_and_shows_other_letters_gives_no_backup(stage, after):
    stage.open(two_disks([128, 128]))
    before, read = stage.objects(), []

    def when(argv):
        read.extend(word for word in argv if word.startswith("if=/dev/"))
        return len(read) == after
    stage.other_letters("pbh01", when)
    ran = stage.proxy_backup(vs="two", agent="dd")
    assert ran.status == 1 and "was it booted, or were its disks changed?" in ran.error, ran.errors
    assert stage.objects() == before and stage.files() == [] and stage.catalog() == []
