# -*- coding: utf-8 -*-
"""The manifest of an archive: nothing in it is believed before it is checked, and it is written whole or not at all."""
from __future__ import absolute_import, division, print_function, unicode_literals

import copy
import hashlib
import io
import json
import os

import pytest

from vibackup import compat, errors, manifest, vhd

SIZE = 65536


def good():
    """Return a good manifest of one disk."""
    return copy.deepcopy({
        "format": 1, "tool_version": "0.1.0", "vs": "db01", "run": "20261122-105148-2c9dc0e4",
        "taken": "2008-06-01T22:00:56Z", "skipped": ["db01-lun"],
        "settings": {"memory_bytes": 1024, "processors": 2, "networks": ["lan"], "operating_system": "Linux",
                     "boot_type": "DISK", "node": "node1"},
        "disks": [{"name": "db01-system", "bytes": SIZE, "group": "fastGroup", "file": "00-db01-system.vhd",
                   "file_bytes": 4096, "sha256": "ab" * 32}]})


def written(folder, value):
    """Write ``value`` as the manifest in ``folder`` (a tmpdir) and return the folder's path."""
    folder.join("manifest.json").write_binary(value if isinstance(value, bytes) else json.dumps(value).encode("ascii"))
    return compat.text(folder)


def refusal(folder, value):
    """Return the words with which that manifest is refused."""
    with pytest.raises(errors.Refused) as caught:
        manifest.read(written(folder, value))
    message = caught.value.message
    start, end = "%s is no good manifest: " % folder.join("manifest.json"), "; take another archive"
    assert message.startswith(start) and message.endswith(end) and "\n" not in message and len(message) < 500
    return message[len(start):-len(end)]


def changed(key, value):
    """Return a good manifest with ``key``, such as ``disks.0.bytes``, changed to ``value``; Ellipsis: without it."""
    found = good()
    where = found
    steps = [int(step) if step.isdigit() else step for step in key.split(".")]
    for step in steps[:-1]:
        where = where[step]
    where[steps[-1]] = value
    if value is Ellipsis:
        del where[steps[-1]]
    return found


# -- written and read

def test_what_is_written_is_read_again(tmpdir):
    manifest.write(compat.text(tmpdir), "run-1", good())
    assert manifest.read(compat.text(tmpdir)) == good() and os.listdir(str(tmpdir)) == ["manifest.json"]


def test_names_of_every_language_come_back_as_they_were(tmpdir):
    found = changed("vs", "größe \U0001f4be\n\u202e")
    manifest.write(compat.text(tmpdir), "run-1", found)
    assert manifest.read(compat.text(tmpdir))["vs"] == found["vs"]


def test_a_manifest_that_nobody_could_read_again_is_not_written(tmpdir):
    with pytest.raises(errors.VibackupError) as caught:
        manifest.write(compat.text(tmpdir), "run-1", changed("disks.0.bytes", 1000))
    assert caught.value.exit_status == errors.FAILED, "what was made before it has to be taken back"
    assert "manifest.json: its disks[0].bytes is not" in caught.value.message and os.listdir(str(tmpdir)) == []


def test_what_nobody_could_read_again_is_refused_before_anything_is_written():
    with pytest.raises(errors.Refused) as caught:
        manifest.checked(changed("disks.0.bytes", 1000))
    assert "no manifest can say this of db01: its disks[0].bytes is not" in caught.value.message


@pytest.mark.parametrize("links", [True, False])
def test_a_manifest_that_is_there_stays(tmpdir, monkeypatch, links):
    if not links:
        monkeypatch.delattr(os, "link")
    written(tmpdir, b"another run's")
    with pytest.raises(errors.VibackupError) as caught:
        manifest.write(compat.text(tmpdir), "run-1", good())
    assert "manifest.json has come into being meanwhile" in caught.value.message
    assert tmpdir.join("manifest.json").read() == "another run's"


def test_who_wants_to_know_is_told_of_the_whole_file_before_it_has_its_name(tmpdir):
    seen = []
    manifest.write(compat.text(tmpdir), "run-1", good(), lambda path: seen.append((path, os.listdir(str(tmpdir)))))
    assert seen == [(manifest.unfinished_path_in(compat.text(tmpdir), "run-1"), ["manifest.json.partial-run-1"])]


def test_a_folder_that_cannot_be_written_to_is_told(tmpdir):
    with pytest.raises(errors.VibackupError) as caught:
        manifest.write(compat.text(tmpdir.join("gone")), "run-1", good())
    assert "cannot write %s" % tmpdir.join("gone", "manifest.json") in caught.value.message


def test_keys_that_are_not_known_are_left_alone(tmpdir):
    found = dict(good(), comment="kept by hand")
    assert manifest.read(written(tmpdir, found)) == found


@pytest.mark.parametrize("key", ["memory_bytes", "processors", "networks", "operating_system", "boot_type", "node"])
def test_a_setting_that_the_manager_could_not_tell_may_be_missing(tmpdir, key):
    assert key not in manifest.read(written(tmpdir, changed("settings." + key, Ellipsis)))["settings"]


# -- no manifest at all

def test_without_a_manifest_there_is_no_archive(tmpdir):
    with pytest.raises(errors.NotFound) as caught:
        manifest.read(compat.text(tmpdir))
    assert "%s is no archive, for it has no manifest.json" % tmpdir in caught.value.message
    with pytest.raises(errors.NotFound) as caught:
        manifest.read(compat.text(tmpdir.join("gone")))
    assert "there is no folder %s" % tmpdir.join("gone") in caught.value.message


@pytest.mark.parametrize("data, words", [
    (b"", "it is no JSON, or cut short"), (b"{", "it is no JSON, or cut short"), (b"\xff{}", "it is no JSON"),
    (b"[" * 100000, "it is no JSON, or cut short"), (b'{"format":' * 50000, "it is no JSON, or cut short"),
    (b"9" * 5000, "it is no JSON"), (b" " * (4 * 1024 ** 2 + 1), "it has more than 4194304 bytes"),
    (b"[]", "it is no JSON object"), (b"null", "it is no JSON object"), (b'"format"', "it is no JSON object")])
def test_what_is_no_manifest_is_refused_on_one_line(tmpdir, data, words):
    assert words in refusal(tmpdir, data)


def test_a_manifest_that_is_a_link_or_a_folder_is_refused(tmpdir):
    tmpdir.join("elsewhere.json").write(json.dumps(good()))
    os.symlink("elsewhere.json", str(tmpdir.join("manifest.json")))
    tmpdir.mkdir("other").mkdir("manifest.json")
    for folder in (tmpdir, tmpdir.join("other")):
        with pytest.raises(errors.Refused) as caught:
            manifest.read(compat.text(folder))
        assert "it is no plain file" in caught.value.message


# -- a manifest that is not as it must be

@pytest.mark.parametrize("number, words", [
    (2, "it has the format 2, and this vibackup knows 1 alone"), (0, "it has no format number"),
    (True, "it has no format number"), ("1", "it has no format number"), (1.0, "it has no format number"),
    (None, "it has no format number"), (10 ** 400, "it is no JSON"), (Ellipsis, "it has no format number")])
def test_a_format_that_is_not_known_is_refused_by_its_number(tmpdir, number, words):
    assert words in refusal(tmpdir, changed("format", number))


KEYS = ["vs", "run", "taken", "tool_version", "settings", "disks", "skipped"]
DISK_KEYS = ["name", "bytes", "group", "file", "file_bytes", "sha256"]


@pytest.mark.parametrize("key", KEYS + ["disks.0." + key for key in DISK_KEYS])
@pytest.mark.parametrize("value", [Ellipsis, None, True, -1, 0, 1.5, 10 ** 30, "", [None], {"a": 1}])
def test_every_key_must_be_there_and_of_its_type(tmpdir, key, value):
    if (key, value) == ("settings", {"a": 1}):
        return  # a setting that is not known
    words = refusal(tmpdir, changed(key, value))
    shown = key.replace(".0.", "[0].")
    wanted = "it has no " + shown if value is Ellipsis else ("its " + shown, "disks[0] is no")
    assert words.startswith(wanted)


@pytest.mark.parametrize("key, value", [
    ("memory_bytes", "1024"), ("memory_bytes", 0), ("processors", -2), ("processors", True), ("networks", "lan"),
    ("networks", [1]), ("operating_system", None), ("boot_type", "TAPE"), ("boot_type", []), ("node", {}),
    ("node", "")])
def test_a_setting_must_be_of_its_type(tmpdir, key, value):
    assert refusal(tmpdir, changed("settings." + key, value)).startswith("its settings.%s is not " % key)


@pytest.mark.parametrize("value", [SIZE + 1, 511, vhd.LARGEST + 512, float(SIZE), str(SIZE)])
def test_a_disk_has_a_size_that_a_vhd_can_have(tmpdir, value):
    assert "its disks[0].bytes is not the size of a disk" in refusal(tmpdir, changed("disks.0.bytes", value))


@pytest.mark.parametrize("name", [
    "../00-x.vhd", "/etc/passwd", "/00-x.vhd", "a/00-x.vhd", "00-x.vhd/..", "..", ".", "C:\\00-x.vhd", "..\\00-x.vhd",
    "00-x.vhd\x00", "00-x.vhd\n", "00-x", "x.vhd", "00-größe.vhd", "00-.vhd/", "00-\u202e.vhd",
    "00-" + "x" * 201 + ".vhd", "\uff10\uff10-x.vhd", "manifest.json", "00-a b.vhd", "nul.vhd", "00-x.vhd:stream"])
def test_no_name_of_a_file_leads_out_of_the_folder(tmpdir, name):
    assert "its disks[0].file is not a file's name as an archive has them" in refusal(
        tmpdir, changed("disks.0.file", name))


def test_no_two_disks_have_one_name_or_one_file(tmpdir):
    other = dict(good()["disks"][0], name="db01-data", file="01-db01-data.vhd")
    for change, words in [
            ({"name": "db01-system"}, "its disks[1].name is that of another disk too"),
            ({"file": "00-db01-system.vhd"}, "its disks[1].file is that of another disk too"),
            ({"file": "00-DB01-system.vhd"}, "its disks[1].file is that of another disk too")]:
        found = good()
        found["disks"].append(dict(other, **change))
        assert refusal(tmpdir, found) == words
    found["disks"][1] = other
    assert len(manifest.read(written(tmpdir, found))["disks"]) == 2


def test_half_a_character_is_no_name(tmpdir):
    text = json.dumps(good()).replace('"db01"', '"\\ud800"').encode("ascii")
    if compat.PYTHON3 or compat.JYTHON:
        assert refusal(tmpdir, text) in ("its vs is not a name", "it is no JSON, or cut short")
    else:  # Python 2 has no such rule, and does no harm with it
        assert manifest.read(written(tmpdir, text))["disks"] == good()["disks"]


# -- files

@pytest.mark.parametrize("number, disk, name", [
    (0, "web01-system", "00-web01-system.vhd"), (7, "a b/c", "07-a%20b%2Fc.vhd"), (123, "x", "123-x.vhd"),
    (0, "..", "00-%2E..vhd"), (0, "-rf", "00-%2Drf.vhd")])
def test_the_file_of_a_disk_is_named_after_its_place_and_its_name(number, disk, name):
    assert manifest.disk_file(number, disk) == name


def archived(folder):
    """Write a VHD to ``folder`` (a tmpdir) and return what a manifest says of it."""
    path = compat.text(folder.join("00-x.vhd"))
    vhd.write(path, SIZE, [(0, b"begin")])
    with io.open(path, "rb") as stream:
        data = stream.read()
    return {"name": "x", "bytes": SIZE, "file": "00-x.vhd", "file_bytes": len(data),
            "sha256": compat.text(hashlib.sha256(data).hexdigest())}


def test_nothing_is_wrong_with_a_file_that_is_as_the_manifest_says(tmpdir):
    ticks = []
    assert manifest.wrong_with(compat.text(tmpdir), archived(tmpdir), lambda: ticks.append(1)) is None
    assert len(ticks) >= 2


@pytest.mark.parametrize("change, words", [
    ({"file_bytes": 1}, "00-x.vhd has 2100224 bytes, and 1 were recorded"),
    ({"bytes": 512}, "its disk has 65536 bytes, not 512"),
    ({"sha256": "0" * 64}, "00-x.vhd has another SHA-256 than was recorded"),
    ({"file": "01-x.vhd"}, "01-x.vhd is missing")])
def test_what_is_not_as_the_manifest_says_is_told(tmpdir, change, words):
    assert words in manifest.wrong_with(compat.text(tmpdir), dict(archived(tmpdir), **change))


def test_a_file_that_is_no_plain_file_is_not_read(tmpdir):
    disk = archived(tmpdir)
    tmpdir.join("00-x.vhd").move(tmpdir.join("real"))
    os.symlink("real", str(tmpdir.join("00-x.vhd")))
    assert manifest.wrong_with(compat.text(tmpdir), disk) == "00-x.vhd is no plain file"
    tmpdir.join("00-x.vhd").remove()
    tmpdir.mkdir("00-x.vhd")
    assert manifest.wrong_with(compat.text(tmpdir), disk) == "00-x.vhd is no plain file"


def test_a_file_that_cannot_be_read_is_told(tmpdir, monkeypatch):
    disk = archived(tmpdir)

    def broken(path, tick):
        raise IOError(5, "Input/output error")
    monkeypatch.setattr(manifest, "sha256", broken)
    assert "00-x.vhd cannot be read: " in manifest.wrong_with(compat.text(tmpdir), disk)


def test_a_file_that_is_no_good_vhd_is_named_once_without_its_folder(tmpdir):
    disk = archived(tmpdir)
    tmpdir.join(disk["file"]).write_binary(b"x" * disk["file_bytes"])
    wrong = manifest.wrong_with(compat.text(tmpdir), disk)
    assert wrong.startswith("00-x.vhd is no good VHD: ") and compat.text(tmpdir) not in wrong


def test_vhds_that_the_manifest_does_not_name_are_found(tmpdir):
    disk = archived(tmpdir)
    for name in ("01-other.vhd", "02-OTHER.VHD", "notes.txt"):
        tmpdir.join(name).write("x")
    assert manifest.not_named(compat.text(tmpdir), {"disks": [disk]}) == ["01-other.vhd", "02-OTHER.VHD"]
