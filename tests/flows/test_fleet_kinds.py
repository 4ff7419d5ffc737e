# -*- coding: utf-8 -*-
"""Nights of fleets of several kinds: agents beside proxies, files and Windows, raw disks, data centers, odd names."""
from __future__ import absolute_import, division, print_function, unicode_literals

import copy

from tests.flows import fleets
from tests.flows.helpers import KIB, named, stage  # noqa: F401  (a fixture)
from tests.flows.test_fleet import GOOD, WARNING, night

__all__ = ["stage"]


def test_agents_in_servers_and_agents_on_proxies_work_in_one_night(stage):
    stage.open(fleets.inventory(5))
    before = stage.objects()
    ran = night(stage, sections={"by proxy": {"names": "web01, web02, web03"}, "in them": {
        "names": "web04, web05", "technique": "agent-backup", "proxies": None}})
    assert ran.status == WARNING, ran.errors
    tries = dict((each["vs"], (each["proxy"] is None, each["outcome"])) for each in fleets.last(stage).of("backup"))
    assert tries == {"web01": (False, "ok"), "web02": (False, "ok"), "web03": (False, "ok"),
                     "web04": (True, "warning"), "web05": (True, "warning")}
    assert stage.objects() == before


def test_files_of_windows_go_through_a_windows_proxy_and_images_through_a_linux_one(stage):
    windows = {"operating_system": "Windows"}
    inventory = fleets.inventory(4, web03=windows, pbh02=windows)
    stage.open(inventory)
    before = stage.objects()
    ran = night(stage, sections={"files": {"names": "web03", "mode": "file", "agent": "tsm"},
                                 "images": {"names": "web*"}}, **{"at_once": 4})
    proxies = dict((each["vs"], each["proxy"]) for each in fleets.last(stage).of("backup"))
    assert proxies == {"web01": "pbh01", "web02": "pbh01", "web03": "pbh02", "web04": "pbh01"}, ran.errors
    assert stage.objects() == before


def test_a_raw_disk_is_left_out_where_the_policy_says_so_and_else_its_server_is(stage):
    inventory = fleets.inventory(3)
    for name in ("web01", "web02"):
        inventory["disks"].append({"name": name + "-lun", "lun": "LUN " + name, "bytes": 64 * KIB, "content": {}})
        named(inventory["servers"], name)["devices"].append(name + "-lun")
    stage.open(inventory)
    ran = night(stage, sections={"a": {"names": "web01", "skip-raw": "yes"}, "b": {"names": "web02, web03"}})
    assert ran.status == 1 and "web02" in ran.error
    assert fleets.outcomes(fleets.last(stage)) == {"web01": ["warning"], "web03": ["ok"]}
    [left_out] = [each["why"] for each in fleets.last(stage).facts["left_out"] if each["wanted"]]
    assert "raw disk" in left_out


def test_each_data_center_is_served_by_its_own_proxies(stage):
    inventory = fleets.inventory(4)
    west = copy.deepcopy(inventory["data_centers"][0])
    west["name"] = "West"
    for thing in west["nodes"] + west["disk_groups"]:
        thing["name"] = "west " + thing["name"]
    inventory["data_centers"].append(west)
    for name in ("web03", "web04", "pbh02"):
        server = named(inventory["servers"], name)
        server["node"] = "west " + server["node"]
        disk = named(inventory["disks"], name + "-disk")
        disk["group"] = "west " + disk["group"]
    stage.open(inventory)
    before = stage.objects()
    assert night(stage).status == GOOD
    assert dict((each["vs"], each["proxy"]) for each in fleets.last(stage).of("backup")) == {
        "web01": "pbh01", "web02": "pbh01", "web03": "pbh02", "web04": "pbh02"}
    assert stage.objects() == before


HOSTILE = ["web; rm -rf /", "web $(reboot)", "web '\"` x", "web=a=b", "web ../../etc", "web \u00e9\u4e2d"]


def test_hostile_names_of_servers_and_sections_are_names_and_nothing_else(stage):
    """L8: and the document is one, and valid."""
    stage.open(fleets.inventory(HOSTILE))
    before = stage.objects()
    ran = night(stage, sections={"a; $(reboot) '\u00e9": {"names": "web*"}})
    assert ran.status == GOOD, ran.errors
    assert fleets.outcomes(fleets.last(stage)) == fleets.all_good(HOSTILE)
    assert sorted(each["vs"] for each in stage.catalog()) == sorted(HOSTILE) and stage.objects() == before
