# -*- coding: utf-8 -*-
"""What is swept: each verb in its important forms, how its lab is made ready, and what success must leave."""
from __future__ import absolute_import, division, print_function, unicode_literals

import collections
import io
import os

from tests.flows import archives, arrays, copies, fleets
from tests.flows.helpers import FREEZE, KIB, compat, named, scribble, small, stop
from tests.vhds import content as vhd_content

# name: the verb and its form. ready(place): makes the lab, and does what was done before; returns the words of the
# command line behind the verb. whole(place, base): checks what a run that says it is done has left, where nothing
# but a backup in the catalog may be new (None); base: the State before. undone(place, ran, base): checks
# besides what a run leaves that failed, once all its leftovers are released. content: the names of disks whose content
# is then for ``undone`` to judge. resumes: whether the next run finishes what a killed one has half done, and need not.
Scenario = collections.namedtuple("Scenario", "name verb ready whole undone content resumes")

DISK, BACK, COPY = "web01-system", "back-system", "copy"
PROXY = ["--vs=web01", "--proxy=pbh01"]
MODEL = PROXY + ["--agent=model"]


def _scenario(name, ready, whole, undone=None, content=(), resumes=False):
    return Scenario(name, name.split(" ")[0], ready, whole, undone or (lambda *_given: None), content, resumes)


def by_name(name):
    """Return the scenario called ``name``."""
    return [each for each in ALL if each.name == name][0]


# -- what labs hold

def _two_disks():
    """Return a stopped server with two disks of one size, and the proxy of ``small()``."""
    found = small()
    found["disks"].append({"name": "web01-data", "group": "fastGroup", "bytes": 256 * KIB,
                           "content": {"fill": "orders"}})
    named(found["servers"], "web01")["devices"].append("web01-data")
    return found


def _changed(name, **facts):
    found = small()
    named(found["servers"], name).update(facts)
    return found


def _share(place):
    return place.path("share")


# -- what a success must leave

def _same_objects(place, base):
    found = base.difference(place.now())
    assert not [words for words in found.split("; ") if words.startswith("objects")], found


def _one_more_backup(place, base):
    """Nothing has changed in the manager, and the catalog has one backup more."""
    _same_objects(place, base)
    assert len(place.entries()) == len(base.entries) + 1, "the catalog has no new backup"


def _images(place, base, vs="web01", disks=(DISK,)):
    """And its images, a file each on the share, hold each disk byte for byte."""
    _one_more_backup(place, base)
    entry = place.catalog()[-1]
    for disk in disks:
        path = os.path.join(_share(place), vs, disk, entry["id"] + ".img")
        assert _read(path) == place.content(disk), "the image of %s is not the disk" % disk


def _files_are_kept(place, base):
    _one_more_backup(place, base)
    new = [path for path in place.files() if path not in base.files and path.startswith("share/")]
    assert new and all(os.path.getsize(compat.native(place.path(path))) for path in new), "no archive on the share"


def _array_has_it(place, base):
    _one_more_backup(place, base)
    [entry] = place.catalog()
    tags = [disk["tag"] for disk in entry["disks"] if disk.get("tag")]
    assert tags and all(any(path.endswith("/" + tag) for path in place.files()) for tag in tags), "no snapshot of LUNs"


def _others_are_as_before(place, base, new):
    """Only the objects called ``new`` are new, and all others as before but for the space in the groups."""
    known = dict((thing["id"], thing) for thing in base.objects)
    for thing in place.objects():
        if thing["id"] in known:
            was = known.pop(thing["id"])
            ignored = ("free_bytes",) if thing["kind"] == "LvmDiskGroup" else ()
            assert _without(thing, ignored) == _without(was, ignored), "%s has changed" % thing["name"]
        else:
            assert thing["name"] in new, "%s is there" % thing["name"]
            new = [name for name in new if name != thing["name"]]
    assert not known, "gone: %s" % ", ".join(thing["name"] for thing in known.values())
    assert not new, "not there: %s" % ", ".join(new)


def _without(thing, keys):
    return dict((key, value) for key, value in thing.items() if key not in keys)


def _restored(place, base):
    _others_are_as_before(place, base, ["back", BACK])
    assert place.object("back")["power"] == "Running" and place.content(BACK) == place.content(DISK)


def _overwritten(place, base):
    same = [thing for thing in base.objects if thing["name"] != DISK]
    assert [thing for thing in place.objects() if thing["name"] != DISK] == same
    image = [path for path in base.files if path.endswith(".img")]
    assert place.content(DISK) == _read(place.path(*image[0].split("/"))), "the disk does not hold the image"


def _not_half_written(place, ran, base):
    """What failed has not touched the disk, or named it as worthless."""
    said = [left["what"] for left in ran.document["leftovers"]]
    assert "a half-written restore of the disk " + DISK in said or _sha(place.objects()) == _sha(base.objects), \
        "the disk is half-written, and that is not said"


def _sha(objects):
    return named(objects, DISK)["sha256"]


def _verified(place, base):
    _same_objects(place, base)
    assert place.catalog()[0]["verified"]["outcome"] == "ok"


def _not_verified(place, _ran, _base):
    assert (place.catalog()[0].get("verified") or {}).get("outcome") != "does not boot"


def _files_are_back(place, base):
    _same_objects(place, base)
    assert _read(place.path("back", "etc", "motd")) == b"hello\n"
    assert sorted(os.listdir(compat.native(place.folder))) == ["back", "lab", "share"]


def _no_files_are_back(place, _ran, _base):
    assert sorted(os.listdir(compat.native(place.folder))) == ["lab", "share"], "something is in the way of a restore"


def _archived(place, base):
    _one_more_backup(place, base)
    assert archives.files(place) == archives.FILES + ["manifest.json"]
    assert archives.verify(place).status == 0, "it is no archive"


def _no_archive(place, _ran, _base):
    assert not archives.exists(place), "half an archive is there"


def _archive_restored(place, base):
    _others_are_as_before(place, base, ["db02", "db02-system", "db02-data"])
    assert place.object("db02")["power"] == "Running"
    for disk in ("system", "data"):
        assert place.content("db02-" + disk) == place.content("db01-" + disk)


def _nothing(place, base):
    assert not base.difference(place.now()), base.difference(place.now())


def _taken(place, base):
    assert len(place.kept_snapshots()) == len(base.kept) + 1, "no snapshot is kept"
    assert place.vibackup("rollback", "--vs=web01", "--revert", "--dry-run").status == 0


def _discarded(place, base):
    assert place.kept_snapshots() == [] and place.object("web01")["snapshot"] is None
    assert place.object(DISK)["sha256"] == _sha(base.objects)


def _reverted(place, base):
    web01 = place.object("web01")
    assert web01["power"] == "Running" and place.kept_snapshots() == base.kept
    snapshot = named(place.objects(), "Snapshot of " + DISK)
    assert place.object(DISK)["sha256"] == snapshot["sha256"] != _sha(base.objects), "the disk is not reverted"


def _reverted_or_not(place, ran, base):
    """The disk holds what it did, but where the error says that it is reverted; its server runs again."""
    said = "are reverted" in (ran.error or "") or "whether" in (ran.error or "")
    same = _sha(place.objects()) == _sha(base.objects)
    assert same or said, "the disk is reverted, and that is not said: %s" % ran.error


def _cloned(place, base):
    _others_are_as_before(place, base, [COPY])
    assert place.content(COPY) == place.content(DISK)


def _imported(place, base):
    _others_are_as_before(place, base, [COPY])
    assert place.content(COPY) == vhd_content(place.path("source.vhd"))


def _exported(place, base):
    _same_objects(place, base)
    assert copies.files(place) == ["disk.vhd"] and vhd_content(copies.target(place)) == place.content(DISK)


# -- the lab made ready

def _open(inventory, words):
    def ready(place):
        place.open(inventory())
        return words
    return ready


def _done(ran):
    assert ran.status in (0, 5), ran.errors
    return ran.document["backup"]["id"] if ran.document["backup"] else None


def _on_share(inventory, words):
    def ready(place):
        place.open(inventory())
        return words + ["--location=" + _share(place)]
    return ready


def _after_backup(words, scribbled=False):
    """web01 is backed up by dd; ``scribbled``: then it is stopped, and something is written to its disk."""
    def ready(place):
        place.open(small())
        backup = _done(place.vibackup("proxy-backup", *(PROXY + ["--agent=dd", "--location=" + _share(place)])))
        if scribbled:
            stop(place, "web01")
            scribble(place, DISK)
        return ["--backup=" + backup, "--proxy=pbh01"] + words
    return ready


def _after_files(place):
    place.open(small())
    backup = _done(place.vibackup("agent-backup", "--vs=web01", "--agent=tar", "--mode=file",
                                  "--location=" + _share(place)))
    return ["--backup=" + backup, "--proxy=pbh01", "--to=" + place.path("back")]


def _archive(place):
    place.open(archives.two_disks())
    return ["--vs=db01", "--to=" + archives.folder(place)] + FREEZE


def _after_archive(words):
    def ready(place):
        place.open(archives.two_disks())
        assert archives.make(place).status == 0
        return words + ["--from=" + archives.folder(place)]
    return ready


def _after_take(words):
    def ready(place):
        place.open(small())
        assert place.vibackup("rollback", "--vs=web01", "--take").status == 0
        scribble(place, DISK, 4096)
        return words
    return ready


def _copy(words):
    def ready(place):
        place.open(copies.two_groups())
        copies.target(place)
        copies.source(place)
        return ["--%s=%s" % (name, value(place) if callable(value) else value) for name, value in words]
    return ready


def _left_behind(before, method):
    """A run before this one died when it was to call ``method``; before(place): makes the lab, returns its words."""
    def ready(place):
        words = before(place)
        place.base = place.now()
        place.dies(method, words)
        return ["--fix"]
    return ready


def _words_of(name):
    """Return a function that makes the lab of the scenario ``name`` and returns the words of its command line."""
    def before(place):
        found = by_name(name)
        return [found.verb] + found.ready(place)
    return before


def _night(retries):
    """The policy of a fleet of one server; more would be backed up where one of them is not."""
    def ready(place):
        place.open(small())
        return [fleets.policy(place, {"all": {"names": "web01", "freeze": "fsfreeze -f /", "thaw": "fsfreeze -u /"}},
                              retries=retries)]
    return ready


def _night_of_three(place):
    """Three servers share a boot of the one proxy, which was stopped."""
    place.open(fleets.inventory(3, proxies=1, pbh01={"power": "Stopped"}))
    return ["fleet", fleets.policy(place)]


def _after_a_night(place):
    words = _night(1)(place)
    assert place.vibackup("fleet", *words).status == 0
    return []


def _read(path):
    with io.open(compat.native(path), "rb") as stream:
        return stream.read()


ALL = [
    _scenario("proxy-backup", _open(small, MODEL + FREEZE), _one_more_backup),
    _scenario("proxy-backup dd", _on_share(small, PROXY + ["--agent=dd"]), _images),
    _scenario("proxy-backup files", _on_share(small, PROXY + ["--agent=tar", "--mode=file"]), _files_are_kept),
    _scenario("proxy-backup stopped proxy", _open(lambda: _changed("pbh01", power="Stopped"), MODEL),
              _one_more_backup),
    _scenario("proxy-backup stopped server", _open(lambda: _changed("web01", power="Stopped"), MODEL + FREEZE),
              _one_more_backup),
    _scenario("proxy-backup two disks", _on_share(_two_disks, PROXY + ["--agent=dd"]),
              lambda place, base: _images(place, base, disks=(DISK, "web01-data"))),
    _scenario("agent-backup image", _on_share(small, ["--vs=web01", "--agent=dd"]), _images),
    _scenario("agent-backup files", _on_share(small, ["--vs=web01", "--agent=tar", "--mode=file"]),
              _files_are_kept),
    _scenario("array-backup", _open(lambda: arrays.mixed(logical=False), ["--vs=web01", "--array=model"] + FREEZE),
              _array_has_it),
    _scenario("array-backup both sorts", _open(arrays.mixed, MODEL + ["--array=model"] + FREEZE), _array_has_it),
    _scenario("snapshot-boot", _open(small, ["--vs=web01", "--boot-device=backup.iso"]), _one_more_backup),
    _scenario("rollback take", _open(small, ["--vs=web01", "--take"]), _taken),
    _scenario("rollback revert", _after_take(["--vs=web01", "--revert"]), _reverted, _reverted_or_not,
              (DISK,)),
    _scenario("rollback discard", _after_take(["--vs=web01", "--discard"]), _discarded, resumes=True),
    _scenario("clone-disk", _copy([("disk", DISK), ("to-group", "bulkGroup"), ("name", COPY)]), _cloned),
    _scenario("export-disk", _copy([("disk", DISK), ("to", copies.target)]), _exported),
    _scenario("import-disk", _copy([("from", lambda place: place.path("source.vhd")), ("to-group", "bulkGroup"),
                                    ("name", COPY)]), _imported),
    _scenario("archive", _archive, _archived, _no_archive),
    _scenario("archive restore", _after_archive(["--restore", "--new-vs=db02", "--isolated"]), _archive_restored),
    _scenario("archive verify", _after_archive(["--verify"]), _nothing),
    _scenario("restore", _after_backup(["--new-vs=back"]), _restored),
    _scenario("restore overwrite", _after_backup(["--overwrite=" + DISK], scribbled=True), _overwritten,
              _not_half_written, (DISK,)),
    _scenario("restore files", _after_files, _files_are_back, _no_files_are_back),
    _scenario("verify", _after_backup(["--check=hostname"]), _verified, _not_verified),
    _scenario("backups", _open(small, []), _nothing),
    _scenario("advise", _open(small, ["--vs=web01"]), _nothing),
    _scenario("reconcile backup", _left_behind(_words_of("proxy-backup dd"), "getSnapshotUsedPercent"), _nothing),
    _scenario("reconcile freeze", _left_behind(_words_of("proxy-backup"), "snapshot"), _nothing),
    _scenario("reconcile started proxy", _left_behind(_words_of("proxy-backup stopped proxy"),
                                                      "getSnapshotUsedPercent"), _nothing),
    _scenario("reconcile new disk", _left_behind(_words_of("restore"), "removeStorageDevice"), _nothing),
    _scenario("reconcile new server", _left_behind(_words_of("restore"), "start"), _nothing),
    _scenario("reconcile archive", _left_behind(_words_of("archive"), "getSnapshotUsedPercent"), _nothing),
    _scenario("reconcile stopped server", _left_behind(_words_of("rollback revert"), "revertToSnapshot"), _nothing),
    _scenario("reconcile array", _left_behind(_words_of("array-backup both sorts"), "addStorageDevice"), _nothing),
    _scenario("reconcile fleet", _left_behind(_night_of_three, "getSnapshotUsedPercent"), _nothing),
    _scenario("probe", _open(small, []), _nothing),
    _scenario("fleet", _night(0), _one_more_backup),
    _scenario("fleet tried again", _night(1), _one_more_backup),
    _scenario("report", _after_a_night, _nothing),
]
