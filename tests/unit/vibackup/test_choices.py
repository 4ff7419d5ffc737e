# -*- coding: utf-8 -*-
"""Command lines with all names filled in: which agent, which array, which disk group, which device."""
from __future__ import absolute_import, division, print_function, unicode_literals

import pytest

from tests.runs import find, make_run, server, small_lab
from vibackup import checks, choices, guest, proxies, techniques

OWN = "[site]\nimage_backup = %s\n"


def subject(run, name="web01", family=guest.LINUX, entries=()):
    vs = find(run, name)
    return choices.Subject(vs, family, checks.disks_of(run.manager, vs), list(entries))


def means(known=None, hosts=()):
    return choices.Means(known or choices.programs(), list(hosts), [])


def host(name, family=guest.LINUX):
    return proxies.Host(name, family, "node2", True, "Running")


def entry(technique, agent, **more):
    """Return what the catalog has of a backup by that technique."""
    return dict({"id": "b1", "verb": technique.verb, "mode": technique.modes[0], "agent": agent, "disks": []}, **more)


def lines(run, what, technique, hosts=()):
    """Return the command lines for a technique, the best first."""
    return [" ".join(way.words) for choice in choices.all_choices(run, what, means(hosts=hosts))
            if choice.technique is technique for way in choice.ways]


# -- the agent

@pytest.mark.parametrize("technique, family, expected", [
    (techniques.PROXY_IMAGE, guest.LINUX, "dd"), (techniques.PROXY_IMAGE, guest.WINDOWS, "dd"),
    (techniques.PROXY_FILES, guest.LINUX, "tar"), (techniques.PROXY_FILES, guest.WINDOWS, "tsm"),
    (techniques.AGENT_FILES, guest.LINUX, "tsm"), (techniques.AGENT_IMAGE, guest.LINUX, "tsm")])
def test_without_an_earlier_backup_the_agent_is_a_guess_that_can_do_it(run, technique, family, expected):
    assert choices.agent_options(subject(run, family=family), choices.programs(), technique) == ["--agent=" + expected]


def test_the_agent_of_the_last_such_backup_is_taken_with_its_location(run):
    entries = [entry(techniques.PROXY_IMAGE, "borg", location="/old"),
               entry(techniques.PROXY_IMAGE, "restic", location="/srv/repository"),
               entry(techniques.PROXY_FILES, "tar", location="/files")]
    assert choices.agent_options(subject(run, entries=entries), choices.programs(), techniques.PROXY_IMAGE) == [
        "--agent=restic", "--location=/srv/repository"]


def test_an_agent_that_is_not_known_here_any_more_is_not_named(run):
    entries = [entry(techniques.PROXY_IMAGE, "restic", location="/srv"), entry(techniques.PROXY_IMAGE, "forgotten")]
    assert choices.used_before(subject(run, entries=entries), choices.programs(), techniques.PROXY_IMAGE) == entries[0]


def test_a_location_that_the_catalog_has_only_in_part_is_left_for_the_administrator(run):
    entries = [entry(techniques.PROXY_IMAGE, "restic", location="rest:https://me:********@host/")]
    assert choices.agent_options(subject(run, entries=entries), choices.programs(), techniques.PROXY_IMAGE) == [
        "--agent=restic"]


@pytest.mark.parametrize("command, expected", [("read-it {device}", "site"), ("read-it {device} {location}", "dd")])
def test_an_agent_of_the_sites_own_goes_before_a_guess_where_it_needs_no_location(run, tmpdir, command, expected):
    table = tmpdir.join("agents.ini")
    table.write(OWN % command)
    known = choices.programs(agents_file=str(table))
    assert choices.agent_options(subject(run), known, techniques.PROXY_IMAGE) == [
        "--agent=" + expected, "--agents=%s" % table]


# -- the rest of a command line

def test_every_technique_is_there_once_and_those_for_one_disk_once_for_each(run):
    names = [(choice.technique.verb, choice.technique.modes[:1], choice.disk)
             for choice in choices.all_choices(run, subject(run, "db01"), means())]
    assert len(names) == len(set(names)) == 8 + 2 * 2
    assert [disk for verb, _modes, disk in names if verb == "clone-disk"] == ["db01-system", "db01-data"]


def test_there_is_a_way_through_each_proxy_the_best_first(run):
    assert lines(run, subject(run), techniques.PROXY_IMAGE, [host("pbh01"), host("pbh02")]) == [
        "proxy-backup --vs=web01 --agent=dd --proxy=pbh01", "proxy-backup --vs=web01 --agent=dd --proxy=pbh02"]


@pytest.mark.parametrize("family, words", [
    (guest.WINDOWS, "it wants a proxy with Windows, and there is none"),
    (None, "it wants a proxy with the operating system of the virtual server, and there is none")])
def test_that_no_proxy_has_the_right_operating_system_is_told(run, family, words):
    found = choices.all_choices(run, subject(run, family=family), means(hosts=[host("pbh01")]))
    assert [choice.no_more for choice in found if choice.technique is techniques.PROXY_FILES] == [[words]]


def test_a_clone_goes_to_another_disk_group_before_the_disks_own(tmpdir):
    def with_another_group(description):
        description["data_centers"][0]["disk_groups"].append({"name": "zzz", "bytes": 1024 * 1024})
    with small_lab(with_another_group) as lab:
        run = make_run(lab, tmpdir)
        groups = [line.split()[2] for line in lines(run, subject(run), techniques.CLONE)]
    assert groups == ["--to-group=zzz", "--to-group=group1"]


def test_the_device_of_the_last_boot_is_tried_before_the_others(run):
    assert lines(run, subject(run), techniques.SNAPSHOT_BOOT) == ["snapshot-boot --vs=web01 --boot-device=backup.iso"]
    last = entry(techniques.SNAPSHOT_BOOT, "rescue.iso")
    assert lines(run, subject(run, entries=[last]), techniques.SNAPSHOT_BOOT) == [
        "snapshot-boot --vs=web01 --boot-device=rescue.iso", "snapshot-boot --vs=web01 --boot-device=backup.iso"]


def test_a_manager_without_a_device_to_boot_from_says_so(tmpdir):
    with small_lab(network_block_devices=[]) as lab:
        run = make_run(lab, tmpdir)
        [boot] = [choice for choice in choices.all_choices(run, subject(run), means())
                  if choice.technique is techniques.SNAPSHOT_BOOT]
    assert boot.ways == [] and boot.no_more == ["there is no network block device to boot from"]


def test_raw_disks_alone_want_no_proxy_and_logical_ones_beside_them_do(run):
    assert lines(run, subject(run, "raw01"), techniques.ARRAY) == ["array-backup --vs=raw01 --array=model"]
    assert lines(run, subject(run, "mixed01"), techniques.ARRAY, [host("pbh01")]) == [
        "array-backup --vs=mixed01 --array=model --agent=dd --proxy=pbh01"]


def test_a_name_that_is_no_file_name_makes_one_that_is(tmpdir):
    def renamed(description):
        server(description, "web01")["name"] = "web/01"
    with small_lab(renamed) as lab:
        run = make_run(lab, tmpdir)
        [line] = lines(run, subject(run, "web/01"), techniques.ARCHIVE)
    assert line == "archive --vs=web/01 --to=web%2F01-" + run.id
