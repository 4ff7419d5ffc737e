# -*- coding: utf-8 -*-
"""Bad input: whatever a document or a guest says, one clear line, the right status, and nothing changed on its word."""
from __future__ import absolute_import, division, print_function, unicode_literals

import contextlib
import json
import os
import shutil
import struct

import pytest

from fakes import __main__ as fakes_main
from fakes import inventory
from tests.flows import archives, mutations
from tests.flows.copies import two_groups
from tests.flows.helpers import (_streams, compat, demo, kept_lab, run_main, small, stage, vibackup_in,  # noqa: F401
                                 write_bytes)
from vibackup import agents, errors, records, vhd, vhd_format

OVERLONG = 2000  # characters that no message has


def judged(ran, statuses):
    """Check that a run ended with one of ``statuses``, and where it failed with one line that says why; return it."""
    lines = [line for line in ran.errors.splitlines() if line.startswith("vibackup: ")]
    assert ran.status in statuses, (ran.status, ran.errors)
    assert "Traceback" not in ran.errors and "internal error" not in ran.errors, ran.errors
    assert len(lines) == (ran.document["error"] is not None), ran.errors
    assert ran.document["exit_status"] == ran.status and all(len(line) < OVERLONG for line in lines), ran.errors
    return ran


def read(path):
    with open(compat.native(path), "rb") as stream:
        return stream.read()


def damages(data, seed):
    """Yield damaged copies of a JSON file: of its bytes, and of what it says."""
    for each in mutations.texts(data, seed):
        yield each
    for each in mutations.documents(json.loads(data.decode("utf-8")), seed):
        yield each


# -- what labs are made of

def test_a_damaged_inventory_is_one_line_and_makes_no_lab(tmpdir):
    path, folder = compat.text(tmpdir.join("inventory.json")), compat.text(tmpdir.join("lab"))
    good = json.dumps(small()).encode("ascii")
    made = 0
    for data in damages(good, "inventory"):
        write_bytes(path, data)
        with _streams() as (_output, said):
            status = fakes_main.main(["init", folder, "--inventory=" + path])
        lines = said.words().splitlines()
        assert (status, len(lines)) in ((0, 0), (2, 1)), (status, lines, data[:2000])
        assert status == 0 or not os.path.exists(os.path.join(folder, "lab.json"))
        made += status == 0
        shutil.rmtree(folder, ignore_errors=True)
    assert made < mutations.ROUNDS


def test_a_damaged_lab_is_one_line_and_stays_as_it_is(tmpdir):
    folder = compat.text(tmpdir.join("lab"))
    kept_lab(folder, small())
    path = os.path.join(folder, "lab.json")
    good = read(path)
    for data in damages(good, "lab"):
        if data.rstrip() != good:
            write_bytes(path, data)
            ran = judged(vibackup_in(folder, "reconcile", "--fix"), [2])
            assert "lab.json" in ran.error and read(path) == data


# -- what runs write down

def left_behind(stage):
    """Run a backup whose disk cannot be detached; return the path of its ledger."""
    stage.open(small())
    stage.fault("removeStorageDevice", times=None)
    assert stage.proxy_backup().status == 6
    del stage.lab.faults[:]
    folder = os.path.join(stage.state(), "ledger")
    return os.path.join(folder, compat.text(os.listdir(compat.native(folder))[0]))


READERS = [["reconcile"], ["reconcile", "--fix"], ["proxy-backup", "--vs=web01", "--proxy=pbh01", "--agent=dd"]]


def test_nothing_is_done_on_the_word_of_a_damaged_ledger(stage):
    """L2, L4: it is one line for every verb that reads it; brought back, it is as good as ever."""
    path = left_behind(stage)
    good, before = read(path), stage.objects()
    for number, data in enumerate(mutations.texts(good, "ledger")):
        if good.startswith(data[:data.rfind(b"\n") + 1]):
            continue  # what a crash may leave: whole lines, and one that is not
        write_bytes(path, data)
        ran = judged(stage.vibackup(*READERS[number % len(READERS)]), [2])
        assert "damaged" in ran.error and stage.changes() == [] and read(path) == data
    assert stage.objects() == before
    write_bytes(path, good)
    assert stage.vibackup("reconcile", "--fix").status == 0
    assert len(stage.objects()) < len(before) and stage.vibackup("reconcile").status == 0


def test_a_ledger_with_a_line_twice_gone_or_elsewhere_is_damaged(stage):
    path = left_behind(stage)
    lines = read(path).splitlines(True)
    for changed in (lines[:1] + lines[2:], lines[:2] + lines[1:], [lines[1], lines[0]] + lines[2:], lines[1:],
                    lines + lines[-1:], [lines[0]] + lines):
        write_bytes(path, b"".join(changed))
        judged(stage.vibackup("reconcile", "--fix"), [2])
        assert stage.changes() == []


def test_a_ledger_that_is_sound_and_makes_no_sense_is_one_line(stage):
    """As another program, or another version, might write it."""
    path = left_behind(stage)
    lines = [records.unsealed(line, place) for line, place in with_places(read(path))]
    for data in mutations.documents(lines, "sense", mutations.ROUNDS // 2):
        try:
            changed = json.loads(data.decode("utf-8"))
        except (ValueError, RuntimeError):
            continue  # nobody could write that
        if isinstance(changed, list):
            write_bytes(path, sealed_lines([line if isinstance(line, dict) else {} for line in changed]))
            judged(stage.vibackup("reconcile"), [0, 2, 6])
            judged(stage.proxy_backup("--dry-run"), [0, 2, 6])
            assert stage.changes() == []


def with_places(data):
    place = 0
    for line in data.splitlines():
        yield line, place
        place += len(line) + 1


def sealed_lines(values):
    data = b""
    for value in values:
        data += records.sealed(value, len(data)) + b"\n"
    return data


def test_a_damaged_entry_of_the_catalog_hides_no_other_and_brings_nothing_back(stage):
    stage.open(small())
    ids = [stage.proxy_backup(agent="dd").document["backup"]["id"] for _number in range(2)]
    path = os.path.join(stage.state(), "catalog", ids[0] + ".json")
    stage.mark(ids[0], verified={"outcome": "ok", "restore_seconds": 12.5, "at": "2008-06-01T22:00:56Z"})
    good = read(path)
    given = ["--backup=" + ids[0], "--proxy=pbh01", "--dry-run"]
    verbs = (["restore", "--overwrite=web01-system"] + given, ["restore", "--new-vs=again"] + given, ["verify"] + given,
             ["advise", "--vs=web01"])
    for number, data in enumerate(damages(good, "catalog")):
        write_bytes(path, data)
        ran = judged(stage.vibackup("backups"), [0, 2])
        assert ids[1] in [entry["id"] for entry in ran.document["backups"]]
        assert (ran.status == 2) == (len(ran.document["backups"]) == 1)
        if number % 3 == 0:
            judged(stage.vibackup(*verbs[number // 3 % 4]), [0, 2, 3, 5])
            assert stage.changes() == []


def test_the_good_entries_are_listed_and_the_damaged_ones_named(stage):
    stage.open(small())
    ids = [stage.proxy_backup(agent="dd").document["backup"]["id"] for _number in range(3)]
    for identity in ids[:2]:
        write_bytes(os.path.join(stage.state(), "catalog", identity + ".json"), b"{")
    ran = run_main("backups", ["--lab"])
    assert ran.status == 2 and [line.split()[0] for line in ran.output.splitlines() if ids[2] in line] == [ids[2]]
    assert len(ran.errors.splitlines()) == 1 and "(and 1 more like it)" in ran.errors
    assert ids[0] + ".json" in ran.errors or ids[1] + ".json" in ran.errors


def test_a_damaged_lock_is_of_somebody_and_stays(stage):
    """L6: it may be that of a living process."""
    stage.open(small())
    held = []
    stage.watch(lambda: held.append(read(lock_in(stage))) if not held else None, "snapshot")
    stage.proxy_backup()
    folder = os.path.join(stage.state(), "locks", stage.object("web01")["id"])
    os.makedirs(folder)
    for data in damages(held[0], "lock"):
        if data != held[0]:
            path = write_bytes(os.path.join(folder, "1-x.json"), data)
            ran = judged(stage.proxy_backup(), [4])
            assert "its lock is damaged" in ran.error and folder in ran.error
            assert stage.changes() == [] and read(path) == data


def lock_in(stage):
    folder = os.path.join(stage.state(), "locks", stage.object("web01")["id"])
    return os.path.join(folder, compat.text(os.listdir(compat.native(folder))[0]))


# -- what comes from elsewhere

def test_a_damaged_manifest_is_one_line_and_makes_no_server(stage):
    stage.open(archives.two_disks())
    assert archives.make(stage).status == 0
    path = os.path.join(archives.folder(stage), "manifest.json")
    good = read(path)
    for number, data in enumerate(damages(good, "manifest")):
        write_bytes(path, data)
        if number % 2:
            judged(archives.verify(stage), [0, 1, 3])
        else:
            judged(archives.restore(stage, "--dry-run"), [0, 1, 3])
            assert stage.changes() == []


AGENTS = """
[dd]
description = süd
default_location = images
suffix = .img
image_before = mkdir -p -- {folder}
image_backup =
    env LC_ALL=C dd if={device} of={file}.partial bs=1048576
    mv -T -- {file}.partial {file} < {file} > 'a b'
warning_status = 1 3-5
warnings_from = dd
bytes = ([0-9]+) bytes? (?:\\([^)]*\\) )?copied
"""

ARRAYS = """
[site]
description = an array
lab = yes
snapshot = true {lun} {tag}
list = echo {lun}
delete = true {lun} {tag}
"""


@pytest.mark.parametrize("table, words", [
    (AGENTS, ["proxy-backup", "--vs=web01", "--proxy=pbh01", "--agent=dd", "--dry-run", "--agents="]),
    (ARRAYS, ["array-backup", "--vs=raw01", "--array=site", "--dry-run", "--arrays="])], ids=["agents", "arrays"])
def test_a_damaged_table_is_one_line_and_runs_nothing(stage, table, words):
    stage.open(demo())
    path = os.path.join(stage.folder, "table.ini")
    for data in mutations.texts(table.encode("utf-8"), words[-1]):
        write_bytes(path, data)
        judged(stage.vibackup(*(words[:-1] + [words[-1] + path])), [0, 2, 3])
        assert stage.changes() == []


def test_a_damaged_vhd_is_one_line_and_makes_no_disk(stage):
    stage.open(two_groups())
    path = os.path.join(stage.folder, "disk.vhd")
    for kind in (vhd.DYNAMIC, vhd.FIXED):
        vhd.write(path, 65536, [(0, b"x" * 100)] if kind == vhd.FIXED else [], kind)
        good = read(path)
        for data in mutations.texts(good, kind):
            write_bytes(path, data)
            judged(stage.vibackup("import-disk", "--from=" + path, "--to-group=bulkGroup", "--name=copy", "--dry-run"),
                   [0, 1, 3])
            assert stage.changes() == []


# -- what guests say

GARBAGE = ["", "\n", "\n" * 60000, "\0", "x" * 60000, '"' * 60000, "0" * 60000, "süd-\U0001f4be \u2028\x1b[2J", "null",
           "{}",
           'NAME="sda" SIZE="-1" HCTL="0:0:0:0" TYPE="disk" FSTYPE="" PKNAME=""\n',
           'NAME="sdb" SIZE="9999999999999999999999" HCTL="x" TYPE="disk"\n', 'NAME="sda"',
           'NAME="../sda" TYPE="disk"\n',
           '"Number","Size","Location"\n"0","many","here"\n', '"Number"\n', '"a\n', "Number,Size,Location\n,,\n",
           "message: %s%n{}\n", "bash: lsblk: command not found\n"]
GARBAGE += [compat.text(data[:60000]) for data in mutations.texts(b"", "guests", 0)]


def lying(stage, nth, lie):
    """Have the guests' ``nth`` command from now on answer what ``lie(completed)`` makes of its answer."""
    real, count = stage.lab.guests.run, []

    def run(name, command, *more):
        completed = real(name, command, *more)
        count.append(command.argv[0])
        return lie(completed) if len(count) == nth else completed
    stage.lab.guests.run = run
    return count


@pytest.mark.parametrize("words", [
    ["--vs=web01", "--proxy=pbh01", "--agent=dd"], ["--vs=web01", "--proxy=pbh01", "--agent=tar", "--mode=file"],
    ["--vs=db01", "--proxy=pbhwin", "--agent=model", "--mode=file"]], ids=["image", "files", "windows"])
def test_a_guest_that_answers_nonsense_once_damages_nothing(stage, words):
    """L1, L5: a good backup or one clear line; and the servers are as they were."""
    stage.open(small() if "--vs=web01" in words else demo())
    before = stage.objects()
    count = lying(stage, 0, None)
    assert stage.vibackup("proxy-backup", *words).status == 0
    commands = len(count)
    for number in range(mutations.ROUNDS // 3):
        nth, garbage = number * 7 % commands + 1, GARBAGE[number * 11 % len(GARBAGE)]
        real = stage.lab.guests.run
        lying(stage, nth, lambda completed: completed._replace(output=garbage))
        ran = judged(stage.vibackup("proxy-backup", *words), [0, 1, 3, 5, 6])
        stage.lab.guests.run = real
        if ran.status == 6:
            judged(stage.vibackup("reconcile", "--fix"), [0, 6])
        assert stage.objects() == before, (nth, garbage[:100], ran.errors)


@pytest.mark.parametrize("name", sorted(agents.load()))
def test_no_output_of_an_agent_takes_more_work_than_its_length(name):
    """What a guest prints is read by expressions, of which none goes over the same text again and again."""
    agent = agents.load()[name]
    for words in GARBAGE + [each * 8000 for each in ("7 ", "7\n", "1 bytes (", '"nfiles": 1,', "Total bytes written: ",
                                                     '"snapshot_id":"', "9999999 ")]:
        agent.progress(words)
        assert agent.bytes_read(words) is None or agent.bytes_read(words) < 10 ** 20
        assert agent.backup_id(words) is None or len(agent.backup_id(words)) <= 65536


# -- sizes that are claimed

def test_a_vhd_that_claims_more_than_it_holds_takes_neither_memory_nor_reads(tmpdir, monkeypatch):
    """Tables, blocks and disks of 2**32 entries and 2**63 bytes, with checksums that are right."""
    path = compat.text(tmpdir.join("disk.vhd"))
    vhd.write(path, 65536, [])
    good, reads = read(path), []
    read_at = vhd_format.read_at

    def counted(stream, place, count):
        reads.append(count)
        return read_at(stream, place, count)
    monkeypatch.setattr(vhd_format, "read_at", counted)
    claims = [vhd_with(good, {28: entries, 32: block}, {48: size})
              for entries in (1, 2, 2 ** 22, 2 ** 32 - 1) for block in (512, 2 ** 21, 2 ** 31)
              for size in (65536, vhd.LARGEST, 2 ** 62)]
    with bounded_memory(64):
        for data in claims:
            del reads[:]
            write_bytes(path, data)
            try:
                vhd.check(path)
            except errors.BadImage:
                assert sum(reads) <= len(good) + 4096
            assert len(reads) < 20


def vhd_with(good, header, footer):
    """Return a dynamic VHD with other numbers in its dynamic header and its footers, by their places there."""
    found = bytearray(good)
    for place, value in header.items():
        found[512 + place:516 + place] = struct.pack(str(">I"), value)
    for place, value in footer.items():
        for begin in (0, len(found) - 512):
            found[begin + place:begin + place + 8] = struct.pack(str(">Q"), value)
    for begin, size, checksum in ((0, 512, 64), (len(found) - 512, 512, 64), (512, 1024, 36)):
        part = found[begin:begin + size]
        part[checksum:checksum + 4] = b"\0" * 4
        found[begin + checksum:begin + checksum + 4] = struct.pack(str(">I"), ~sum(part) & 0xFFFFFFFF)
    return bytes(found)


@contextlib.contextmanager
def bounded_memory(megabytes):
    """Fail where the body has more than so much memory at once, where the interpreter can tell."""
    try:
        import tracemalloc
    except ImportError:
        yield
        return
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < megabytes * 1024 ** 2
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("verb", [["proxy-backup", "--vs=web01", "--proxy=pbh01", "--agent=dd", "--agents=/dev/zero"],
                                  ["array-backup", "--vs=web01", "--array=model", "--arrays=/dev/zero"]],
                         ids=["agents", "arrays"])
def test_a_table_without_an_end_is_not_read_to_it(stage, verb):
    with bounded_memory(64):
        assert "has more than" in judged(stage.vibackup(*verb), [2]).error


def test_an_inventory_without_an_end_is_not_read_to_it(tmpdir, monkeypatch):
    monkeypatch.setattr(inventory, "LARGEST", 1024)
    with bounded_memory(64):
        with pytest.raises(errors.UsageError):
            inventory.load("/dev/zero")
