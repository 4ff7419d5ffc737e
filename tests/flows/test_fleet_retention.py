# -*- coding: utf-8 -*-
"""What a night removes at its end, by the policy's keep-last and its like: only what a newer good backup stands for."""
from __future__ import absolute_import, division, print_function, unicode_literals

import io
import os
import re

import pytest

from tests.flows import fleets
from tests.flows.helpers import compat, stage  # noqa: F401  (a fixture)
from tests.flows.test_fleet import FAILED, GOOD, LEFTOVERS, WARNING, night
from tests.flows.test_fleet_ends import stopping
from vibackup import catalog, site
from vibackup.guest import Completed
from vibackup.run import Run

__all__ = ["stage"]
pytestmark = pytest.mark.needs("dd")
DAY = 86400
TERMINATED = 143


class Shop(object):
    """Three servers, backed up each night by dd to a share."""

    def __init__(self, stage):
        self.stage = stage
        self.share = os.path.join(stage.folder, "share")
        stage.open(fleets.inventory(3))

    def night(self, *words, **keys):
        """Let the next night pass; returns how it ended. keep: of the policy, as keep-last; the others: of [fleet]."""
        sections = keys.pop("sections", {"all": self.section(keys.pop("keep", {"keep-last": 1}))})
        self.stage.lab.clock.sleep(DAY)
        return night(self.stage, *words, **dict({"sections": sections}, **keys))

    def section(self, keep):
        """Return a policy's section of all servers, of whose backups so many are kept."""
        return dict({"names": "web*", "agent": "dd", "location": self.share}, **keep)

    def by_server(self):
        """Return ``{server: [ids of its backups in the catalog, the oldest first]}``."""
        found = dict((name, []) for name in fleets.names(3))
        for entry in catalog.Catalog(self.stage.state()).entries():
            found[compat.text(entry["vs"])].append(entry["id"])
        return found

    def images(self):
        """Return the ids of the images on the share, sorted."""
        return sorted(compat.text(name).partition(".")[0] for _where, _folders, names in
                      os.walk(compat.native(self.share)) for name in names)

    def pruned(self):
        """Return ``{id: why not, or None}`` of the last night's journal."""
        return dict((each["backup"], each["why"]) for each in fleets.last(self.stage).of("pruned"))

    def has_what_the_catalog_says(self):
        """Tell whether each entry has its image, and no image is without."""
        return self.images() == sorted(sum(self.by_server().values(), []))


@pytest.fixture
def shop(stage, monkeypatch):  # noqa: F811
    monkeypatch.setattr(os, "fsync", lambda _file: None)  # no power is cut here
    return Shop(stage)


def counts(shop):
    return dict((name, len(ids)) for name, ids in shop.by_server().items())


def test_a_night_removes_what_is_beyond_keep_last_once_all_of_it_is_over(shop):
    """FIELD 1: the new one is complete before an old one goes."""
    for made in (1, 2, 2):
        before = shop.by_server()
        objects = shop.stage.objects()
        ran = shop.night(keep={"keep-last": 2})
        assert ran.status == GOOD and set(counts(shop).values()) == {made}, ran.errors
        assert shop.stage.objects() == objects
    assert shop.pruned() == dict((ids[0], None) for ids in before.values()) and shop.has_what_the_catalog_says()
    kinds = [list(line)[0] for line in fleets.last(shop.stage)._lines]
    assert kinds.index("pruned") > max(place for place, kind in enumerate(kinds) if kind == "backup")
    assert kinds[-4:] == ["pruned"] * 3 + ["ended"]


def test_a_server_whose_backup_failed_tonight_keeps_its_last_good_one(shop):
    """FIELD 1: a failed one does not count."""
    assert shop.night().status == GOOD
    old = shop.by_server()
    with fleets.guests_do(shop.stage, _dd_fails("web02")):
        ran = shop.night(retries=1)
    assert ran.status == FAILED and "web02" in ran.error, ran.errors
    assert counts(shop) == {"web01": 1, "web02": 1, "web03": 1} and shop.by_server()["web02"] == old["web02"]
    assert sorted(shop.pruned()) == sorted(old["web01"] + old["web03"]) and shop.has_what_the_catalog_says()


def _dd_fails(vs):
    def act(_name, argv):
        if "dd" in argv and any(vs in word for word in argv):
            return Completed(1, "", "it broke")
        return None
    return act


@pytest.mark.any_interpreter
def test_a_backup_that_verify_has_found_bad_keeps_the_one_before_it(shop):
    """L1: a bad one takes no other's place."""
    assert shop.night(keep={"keep-last": 5}).status == GOOD and shop.night(keep={"keep-last": 5}).status == GOOD
    old = shop.by_server()
    shop.stage.mark(old["web02"][1], verified={"outcome": "does not boot"})
    with fleets.guests_do(shop.stage, _dd_fails("web02")):
        assert shop.night(retries=0).status == FAILED
    assert shop.by_server()["web02"] == old["web02"] and counts(shop)["web01"] == 1
    assert shop.night().status == GOOD
    assert counts(shop) == {"web01": 1, "web02": 1, "web03": 1} and shop.has_what_the_catalog_says()


@pytest.mark.any_interpreter
def test_a_protected_one_stays_until_it_is_protected_no_more(shop):
    assert shop.night().status == GOOD
    kept = shop.by_server()["web02"][0]
    assert shop.stage.vibackup("backups", "--protect=" + kept).status == GOOD
    for _night in range(2):
        assert shop.night().status == GOOD
        assert counts(shop) == {"web01": 1, "web02": 2, "web03": 1} and kept in shop.by_server()["web02"]
    assert shop.stage.vibackup("backups", "--unprotect=" + kept).status == GOOD
    assert shop.night().status == GOOD
    assert set(counts(shop).values()) == {1} and shop.has_what_the_catalog_says()


@pytest.mark.parametrize("keep", [{"keep-last": 1}, {"keep-daily": 2, "keep-weekly": 1}])
def test_a_dry_run_names_what_the_night_then_removes_and_removes_nothing(shop, keep):
    for _night in range(4):
        assert shop.night(keep={"keep-last": 9}).status == GOOD
    shop.stage.vibackup("backups", "--protect=" + shop.by_server()["web01"][0])
    before, images = shop.by_server(), shop.images()
    shop.stage.lab.clock.sleep(DAY)  # a dry run is of the moment at which it is asked for
    option = fleets.policy(shop.stage, {"all": shop.section(keep)})
    planned = shop.stage.printed("fleet", option, "--dry-run")
    told = set(re.findall(r"prune: (\S+) of (\S+), made", planned))
    document = shop.stage.vibackup("fleet", option, "--dry-run").document
    assert set((each["backup"], each["vs"]) for each in document["to_prune"]) == told
    assert shop.by_server() == before and shop.images() == images
    assert shop.stage.vibackup("fleet", option).status == GOOD
    assert told == set((identity, vs) for vs, ids in before.items() for identity in ids if identity in shop.pruned())
    assert len(told) >= 5 and set(shop.pruned().values()) == {None}


@pytest.mark.any_interpreter
def test_each_section_keeps_what_it_says(shop):
    def section(name, keep):
        return {"names": name, "agent": "dd", "location": shop.share, "keep-last": keep}
    sections = {"a": section("web01", 3), "b": section("web02", 1), "c": section("web03", 2)}
    for _night in range(4):
        assert shop.night(sections=sections).status == GOOD
    assert counts(shop) == {"web01": 3, "web02": 1, "web03": 2} and shop.has_what_the_catalog_says()


@pytest.mark.any_interpreter
def test_what_the_policy_does_not_protect_any_more_is_not_removed(shop):
    """L2: nobody has asked for it."""
    assert shop.night().status == GOOD
    section = {"names": "web*", "exclude": "web03", "agent": "dd", "location": shop.share, "keep-last": 1}
    old = shop.by_server()["web03"]
    for _night in range(2):
        assert shop.night(sections={"all": section}).status == GOOD
    assert shop.by_server()["web03"] == old and counts(shop)["web01"] == 1


def test_a_part_of_the_policy_removes_only_what_is_its_servers(shop):
    for _night in range(2):
        assert shop.night(keep={"keep-last": 9}).status == GOOD
    ran = shop.night("--shard=1/3")
    own = list(fleets.outcomes(fleets.last(shop.stage)))
    assert ran.status == GOOD and 0 < len(own) < 3, ran.errors
    assert counts(shop) == dict((name, 1 if name in own else 2) for name in fleets.names(3))


def test_one_that_cannot_be_found_stays_is_told_and_stops_no_other(shop):
    """L1: the night's backups are good, and its status says that something is to be looked at."""
    assert shop.night().status == GOOD
    lost = shop.by_server()["web02"][0]
    path = [os.path.join(where, name) for where, _folders, names in os.walk(compat.native(shop.share))
            for name in names if compat.text(name).startswith(lost)][0]
    os.remove(path)
    ran = shop.night()
    assert ran.status == WARNING and ran.document["counts"]["not_pruned"] == 1, ran.errors
    assert counts(shop) == {"web01": 1, "web02": 2, "web03": 1}
    assert "does not find the backup" in shop.pruned()[lost] and list(shop.pruned().values()).count(None) == 2
    assert fleets.last(shop.stage).end["outcome"] == "warning"
    reported = shop.stage.vibackup("report").document["report"]["nights"][0]
    assert reported["pruned"] == 2 and [each["backup"] for each in reported["not_pruned"]] == [lost]


def test_what_could_be_taken_out_of_the_catalog_and_not_removed_is_a_leftover(shop):
    """L3, L4."""
    assert shop.night().status == GOOD
    old = shop.by_server()
    with fleets.guests_do(shop.stage, lambda _name, argv: Completed(1, "", "read-only") if (
            argv[0] == "rm" and any(old["web02"][0] in word for word in argv)) else None):
        ran = shop.night()
    assert ran.status == LEFTOVERS and len(ran.document["leftovers"]) == 1, ran.errors
    assert old["web02"][0] not in shop.by_server()["web02"] and old["web02"][0] in shop.images()
    assert fleets.last(shop.stage).end["exit_status"] == LEFTOVERS
    assert shop.stage.vibackup("reconcile", "--fix").status == GOOD and shop.has_what_the_catalog_says()


@pytest.mark.any_interpreter
def test_a_backup_that_another_run_holds_is_left_to_it(shop):
    """L6: restore, or verify, may read it."""
    assert shop.night().status == GOOD
    held = shop.by_server()["web02"][0]
    with Run(site.connect_lab(shop.stage.lab), shop.stage.state(), "restore") as other:
        with other.held([catalog.hold(held)]):
            ran = shop.night()
    assert ran.status == WARNING and "busy" in shop.pruned()[held], ran.errors
    assert counts(shop) == {"web01": 1, "web02": 2, "web03": 1}
    assert shop.night().status == GOOD and set(counts(shop).values()) == {1} and shop.has_what_the_catalog_says()


def test_a_night_that_is_stopped_while_it_removes_has_removed_whole_ones_and_the_next_goes_on(shop, monkeypatch):
    """L3: a stop at any moment."""
    assert shop.night(keep={"keep-last": 9}).status == GOOD and shop.night(keep={"keep-last": 9}).status == GOOD
    assert shop.night(keep={"keep-last": 9}).status == GOOD
    calls, removed = len(shop.stage.calls), []
    for at in (calls - 2, calls + 20, calls + 40):
        with stopping(shop.stage, monkeypatch, at):
            ran = shop.night()
        assert ran.status == TERMINATED and ran.document["leftovers"] == [], (at, ran.errors)
        assert shop.has_what_the_catalog_says(), at
        assert fleets.last(shop.stage).end["outcome"] == "stopped"
        removed.append(len(shop.pruned()))
    assert removed[0] < removed[-1], removed
    assert shop.night().status == GOOD and set(counts(shop).values()) == {1}


@pytest.mark.any_interpreter
def test_a_night_that_is_taken_up_prunes_for_all_its_servers(shop, monkeypatch):
    """Also for those that the first part of it has backed up."""
    for _night in range(2):
        assert shop.night(keep={"keep-last": 9}).status == GOOD
    calls = len(shop.stage.calls)
    with stopping(shop.stage, monkeypatch, calls * 6 // 10):
        assert shop.night(batch=1).status == TERMINATED
    shop.stage.lab.clock.sleep(-DAY + 60)
    ran = shop.night("--resume", batch=1)
    assert ran.status == GOOD and ran.document["done_already"], ran.errors
    assert set(counts(shop).values()) == {1} and shop.has_what_the_catalog_says()


@pytest.mark.any_interpreter
def test_what_is_kept_can_be_read(shop):
    """The image that stays is the disk, byte for byte."""
    for _night in range(3):
        assert shop.night().status == GOOD
    for name, [identity] in shop.by_server().items():
        path = os.path.join(shop.share, name, name + "-disk", identity + ".img")
        with io.open(compat.native(path), "rb") as stream:
            assert stream.read() == shop.stage.content(name + "-disk")
