# -*- coding: utf-8 -*-
"""Disks of ours go off a proxy, whose guest forgets them, whatever came or went there meanwhile."""
from __future__ import absolute_import, division, print_function, unicode_literals

import contextlib

import pytest

from tests import labs
from tests.runs import find, make_run, server, small_lab
from vibackup import detaching, errors, power, steps
from vibackup import manager as api
from vibackup.job import job
from vibackup.quiesce import not_quiesced


def names(run):
    return [step["name"] for step in run.steps]


@contextlib.contextmanager
def left_attached(run, vs, proxy):
    """Have the disks of a snapshot attached as a killed run leaves them; yields the facts of its ledger."""
    with steps.snapshotted(run, vs, not_quiesced()) as snapshot:
        disks = steps.snapshot_disks(run.manager, snapshot)
        guest = steps.guest_of(run, proxy)
        before = guest.disks()
        steps.attach(run, disks, proxy)
        power.reboot(run, proxy)
        yield {"proxy": proxy.id, "proxy_name": proxy.name, "disks": [disk.id for disk in disks], "disk_names": "x",
               "sizes": [disk.bytes for disk in disks], "before": detaching.places(before),
               "places": detaching.places(steps.find_new_disks(run, guest, before, disks))}


def without(facts, *keys):
    return dict((key, value) for key, value in facts.items() if key not in keys)


def release(run, proxy, facts):
    """Release an attachment; returns the steps that this took."""
    begun = len(run.steps)
    detaching.release(run, proxy, steps.guest_of(run, proxy), facts)
    return names(run)[begun:]


KNOWN = pytest.mark.parametrize("unknown", [(), ("places",)], ids=["found", "not yet found"])


@KNOWN
def test_a_proxy_that_has_been_stopped_meanwhile_is_not_booted_for_the_detach(lab, run, vs, proxy, unknown):
    with left_attached(run, vs, proxy) as facts:
        power.stop(run, proxy)
        assert release(run, proxy, without(facts, *unknown)) == ["detach"]
        assert len(api.devices_of(proxy.handle)) == 1
        assert lab.world.named({"VirtualServer"}, "pbh01")["power"] == "Stopped"
        assert release(run, proxy, facts) == []


@KNOWN
def test_a_proxy_that_got_another_disk_meanwhile_keeps_it(tmpdir, unknown):
    with small_lab(lambda found: found["disks"].append(labs.disk("spare", 3 * labs.MEGABYTE))) as lab:
        run = make_run(lab, tmpdir)
        proxy = find(run, "pbh01")
        with left_attached(run, find(run, "web01"), proxy) as facts:
            with job(run.manager, "by hand", lambda: False):
                api.add_device(proxy.handle, run.manager.find_device("spare"))
            assert release(run, proxy, without(facts, *unknown)) == ["detach", "reboot", "check disks"]
            assert [api.name_of(disk) for disk in api.devices_of(proxy.handle)] == ["pbh01-system", "spare"]
            assert release(run, proxy, without(facts, *unknown)) == []


@KNOWN
def test_a_proxy_that_lost_a_disk_of_its_own_meanwhile_shows_none_of_ours(tmpdir, unknown):
    def change(found):
        found["disks"].append(labs.disk("spare", 3 * labs.MEGABYTE))
        server(found, "pbh01")["devices"].append("spare")

    with small_lab(change) as lab:
        run = make_run(lab, tmpdir)
        proxy = find(run, "pbh01")
        with left_attached(run, find(run, "web01"), proxy) as facts:
            with job(run.manager, "by hand", lambda: False):
                api.remove_device(proxy.handle, run.manager.find_device("spare"))
            assert release(run, proxy, without(facts, *unknown)) == ["detach", "reboot", "check disks"]


def test_a_guest_that_still_shows_the_disk_after_its_detach_is_an_error(lab, run, vs, proxy, monkeypatch):
    with left_attached(run, vs, proxy) as facts:
        monkeypatch.setattr(power, "reboot", lambda _run, _server: None)
        with pytest.raises(errors.GuestError) as caught:
            release(run, proxy, facts)
        assert caught.value.message == "pbh01 still shows a disk that was detached from it"
        monkeypatch.undo()
        assert release(run, proxy, facts) == ["reboot", "check disks"]


def test_one_that_cannot_be_detached_is_told_of_before_the_boot_and_stops_no_other(run, vs, proxy):
    """L3: its place may be another from then on."""
    with left_attached(run, vs, proxy) as facts:
        own = api.identity_of(api.devices_of(proxy.handle)[0])
        theirs = dict(facts, disks=[own], names=["another name"])
        stays = []
        found = detaching.release_all(run, proxy, steps.guest_of(run, proxy), [theirs, facts],
                                      lambda number: stays.append((number, names(run)[-1])))
        assert [type(each) for each in found] == [errors.Refused, type(None)]
        assert stays == [(0, "find disks")] and names(run)[-3:] == ["detach", "reboot", "check disks"]
        assert len(api.devices_of(proxy.handle)) == 1


def test_where_none_has_been_forgotten_the_step_has_failed_and_each_keeps_its_own_reason(run, vs, proxy, monkeypatch):
    """L1: the steps that a run tells of say no more than is so."""
    def refuse(_run, _proxy, _guest, facts):
        raise errors.GuestError("it still shows " + facts["disk_names"])
    with left_attached(run, vs, proxy) as facts:
        monkeypatch.setattr(detaching, "must_have_forgotten", refuse)
        found = detaching.release_all(run, proxy, steps.guest_of(run, proxy),
                                      [dict(facts, disk_names=name) for name in ("one", "another")])
        monkeypatch.undo()
    assert [each.message for each in found] == ["it still shows one", "it still shows another"]
    [checked] = [step for step in run.steps if step["name"] == "check disks"]
    assert checked["outcome"] == "failed"
