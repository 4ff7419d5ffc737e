# -*- coding: utf-8 -*-
"""Agents that a site adds in an INI file of its own, and what is wrong in such a file."""
from __future__ import absolute_import, division, print_function, unicode_literals

import os

import pytest

from tests.unit.vibackup.test_agents import SHIPPED, values, written
from vibackup import agents, compat
from vibackup.errors import UsageError

OWN = """\
[own]
description = our own
default_location = /backups
suffix = .own
image_backup =
    # prepare
    mkdir {folder}

    copy 'two words' "--name={name}" < {device} > "{file}"
image_after = clean {vs}
image_restore = copy {backup_id} {device}
file_backup = copy {mount}
ok_status = 0 10-12
warning_status = 20
warnings_from = copy
bytes = read ([0-9]+)
backup_id = as (\\S+)
percent = ([0-9.]+)%
"""


def test_a_site_adds_an_agent_by_an_ini_alone(tmpdir):
    loaded = agents.load(written(tmpdir, OWN))
    own = loaded["own"]
    assert sorted(loaded) == sorted(SHIPPED + ["own"])
    assert (own.name, own.description, own.default_location, own.suffix) == ("own", "our own", "/backups", ".own")
    first, second = own.commands("image_backup", values(own, location=None))
    assert (first.argv, first.stdin, first.stdout) == (["mkdir", "/backups/web01/system"], None, None)
    assert second.argv == ["copy", "two words", "--name=web01/system"]
    assert (second.stdin, second.stdout) == ("/dev/sdb", "/backups/web01/system/b1.own")
    assert [each.argv for each in own.commands("image_after", values(own))] == [["clean", "web01"]]
    assert [own.judge(status) for status in (0, 10, 12, 20, 13)] == ["ok", "ok", "ok", "warning", "failed"]
    assert own.bytes_read("read 1\nread 22\n") == 22
    assert own.backup_id("stored as x-1") == "x-1"
    assert own.progress("12.5% done") == ("percent", 12.5)
    assert own.progress("..% done") is None


def test_a_section_of_the_site_replaces_the_whole_shipped_one(tmpdir):
    loaded = agents.load(written(tmpdir, "[dd]\nimage_backup = cp {device} {file}\n"))
    dd = loaded["dd"]
    assert sorted(loaded) == SHIPPED
    assert [each.argv for each in dd.commands("image_backup", values(dd))] == [
        ["cp", "/dev/sdb", "/srv/backups/web01/system/b1"]]
    assert not dd.supports("image_restore") and dd.commands("image_after", values(dd)) == []


def test_an_ini_may_begin_with_a_byte_order_mark_and_hold_non_ascii(tmpdir):
    own = agents.load(written(tmpdir, "\ufeff[own]\nimage_backup = copy 'grün {vs}' {device}\n"))["own"]
    assert own.commands("image_backup", values(own))[0].argv == ["copy", "grün web01", "/dev/sdb"]


def test_a_doubled_brace_is_a_brace(tmpdir):
    own = agents.load(written(tmpdir, "[own]\nimage_backup = copy {{vs}} {vs}\n"))["own"]
    assert own.commands("image_backup", values(own))[0].argv == ["copy", "{vs}", "web01"]


BASE = "[own]\nimage_backup = copy {device}\n"
FAULTS = {
    "unknown key": (BASE + "imagebackup = x\n", "[own] imagebackup"),
    "unknown placeholder": (
        "[own]\nimage_backup = copy {devcie}\n", "[own] image_backup: unknown placeholder {devcie}"),
    "placeholder of another operation": ("[own]\nimage_backup = copy {mount}\n", "[own] image_backup"),
    "backup_id in a backup": ("[own]\nimage_backup = copy {backup_id}\n", "[own] image_backup"),
    "placeholder with a form": ("[own]\nimage_backup = copy {device:>9}\n", "[own] image_backup"),
    "placeholder with a conversion": ("[own]\nimage_backup = copy {device!r}\n", "[own] image_backup"),
    "attribute of a placeholder": ("[own]\nimage_backup = copy {device.x}\n", "[own] image_backup"),
    "numbered placeholder": ("[own]\nimage_backup = copy {0}\n", "[own] image_backup"),
    "empty placeholder": ("[own]\nimage_backup = copy {}\n", "[own] image_backup"),
    "open brace": ("[own]\nimage_backup = copy {device\n", "[own] image_backup"),
    "closed brace": ("[own]\nimage_backup = copy device}\n", "[own] image_backup"),
    "open quote": ("[own]\nimage_backup = copy 'x\n", "[own] image_backup"),
    "pipe": ("[own]\nimage_backup = copy {device} | gzip\n", "[own] image_backup: no shell reads |"),
    "and": ("[own]\nimage_backup = a && b\n", "[own] image_backup: no shell reads &&"),
    "append": ("[own]\nimage_backup = a >> b\n", "[own] image_backup: no shell reads >>"),
    "redirection without a space": ("[own]\nimage_backup = a >b\n", "[own] image_backup: no shell reads >b"),
    "redirection to nowhere": ("[own]\nimage_backup = a >\n", "[own] image_backup: > needs one path"),
    "redirected twice": ("[own]\nimage_backup = a > b > c\n", "[own] image_backup: > needs one path"),
    "no program": ("[own]\nimage_backup = < {device}\n", "[own] image_backup: no program"),
    "no backup at all": ("[own]\nimage_restore = copy {device}\n", "[own] image_backup: missing"),
    "status that is no number": (BASE + "warning_status = four\n", "[own] warning_status: four"),
    "negative status": (BASE + "ok_status = -1\n", "[own] ok_status: -1"),
    "status of a shell": (BASE + "ok_status = 127\n", "[own] ok_status: 127"),
    "status of a signal": (BASE + "ok_status = 137\n", "[own] ok_status: 137"),
    "range that ends too high": (BASE + "ok_status = 100-127\n", "[own] ok_status: 100-127"),
    "range backwards": (BASE + "ok_status = 9-3\n", "[own] ok_status: 9-3"),
    "warnings from nowhere": (BASE + "warning_status = 1\n", "[own] warnings_from"),
    "warnings from no such word": (
        "[own]\nfile_backup = copy {mount}\nwarning_status = 1\nwarnings_from = cp\n", "[own] warnings_from"),
    "broken expression": (BASE + "bytes = (\n", "[own] bytes: not a regular expression"),
    "expression without a group": (BASE + "backup_id = x\n", "[own] backup_id: must have one group"),
    "expression with two groups": (BASE + "progress = (a)(b)\n", "[own] progress: must have one group"),
    "progress twice over": (BASE + "progress = (a)\npercent = (b)\n", "[own] percent"),
    "two lines for one": (BASE + "bytes = (a)\n    (b)\n", "[own] bytes: must be on one line"),
    "section twice": (BASE + BASE, "[own] the section: appears twice"),
    "key twice": (BASE + "image_backup = b\n", "[own] image_backup: appears twice"),
    "comment after a value": (BASE + "suffix = .x ; ours\n", "[own] suffix: a comment"),
    "no section": ("image_backup = b\n", "is not an INI file"),
    "no INI": (BASE + "what is this\n", "is not an INI file"),
}


@pytest.mark.parametrize("kind", sorted(FAULTS))
def test_a_fault_in_an_ini_is_one_line_that_names_its_place(kind, tmpdir):
    text, place = FAULTS[kind]
    path = written(tmpdir, text)
    with pytest.raises(UsageError) as caught:
        agents.load(path)
    assert caught.value.message.startswith(path + ": ")
    assert place in caught.value.message
    assert "\n" not in caught.value.message


def test_an_ini_that_is_not_there_is_named(tmpdir):
    path = os.path.join(compat.text(tmpdir), "none.ini")
    with pytest.raises(UsageError) as caught:
        agents.load(path)
    assert path in caught.value.message


def test_an_ini_that_is_not_utf_8_is_refused(tmpdir):
    path = written(tmpdir, "")
    with open(compat.native(path), "wb") as stream:
        stream.write(b"[own]\nimage_backup = gr\xfcn\n")
    with pytest.raises(UsageError) as caught:
        agents.load(path)
    assert path in caught.value.message and "\n" not in caught.value.message
