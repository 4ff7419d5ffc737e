# -*- coding: utf-8 -*-
"""The table of agents: safe names, commands, exit statuses, outputs, and backups that really run."""
from __future__ import absolute_import, division, print_function, unicode_literals

import io
import os
import re
import subprocess
import threading

import pytest

from vibackup import agents, compat
from vibackup.names import LONGEST_NAME, safe_name
from vibackup.errors import Refused, UsageError

needs_dd = pytest.mark.needs("dd")
needs_tar = pytest.mark.needs("tar")
needs_restic = [pytest.mark.needs("restic"), pytest.mark.any_interpreter]  # flows/test_real_agents.py is for all
needs_borg = [pytest.mark.needs("borg"), pytest.mark.any_interpreter]

SHIPPED = ["borg", "dd", "model", "netbackup", "networker", "restic", "tar", "tsm"]
ALL_COMMANDS = agents.OPERATIONS + agents.BEFORE + agents.AFTER

HOSTILE = {
    "spaces": "web 01",
    "double quotes": 'web"01',
    "single quotes": "web'01",
    "equals sign": "web=01",
    "substitution": "$(reboot)`reboot`${HOME}",
    "separators": "web01; reboot | cat & true",
    "redirection": "web01 > /etc/passwd",
    "newline": "web\n01\r\n",
    "leading dash": "-rf",
    "leading dashes": "--help",
    "parent folder": "../../etc",
    "dot": ".",
    "dot dot": "..",
    "slash": "a/b",
    "backslash": "a\\b",
    "non-ASCII": "süd-服务器",
    "percent": "100%",
    "percent that looks encoded": "web%2001",
    "placeholder": "{device}{nothing}",
    "wildcards": "*?[a]",
    "zero byte": "web\x0001",
    "empty": "",
    "very long": "x" * 5000,
    "very long, non-ASCII": "é" * 5000,
}


def known(name):
    return agents.load()[name]


def values(agent, vs="web01", disk="system", location="/srv/backups", identifier="b1", **more):
    more = dict({"device": "/dev/sdb", "mount": "/mnt/p1", "origin": "/", "backup_id": "4711",
                 "target": "/srv/back"}, **more)
    return agents.values_for(agent, vs, disk, location, identifier, **more)


def every_command():
    """Yield (agent, operation) for all that the shipped table can do."""
    for name, agent in sorted(agents.load().items()):
        for operation in ALL_COMMANDS:
            if agent.supports(operation):
                yield agent, operation


def written(tmpdir, text, name="site.ini"):
    path = os.path.join(compat.text(tmpdir), name)
    with io.open(compat.native(path), "w", encoding="utf-8") as stream:
        stream.write(text)
    return path


# -- the table

def test_the_table_has_the_agents_of_the_paper_the_free_ones_and_the_labs_model():
    assert sorted(agents.load()) == SHIPPED


@pytest.mark.parametrize("name", SHIPPED)
def test_every_agent_of_the_shipped_table_is_whole(name):
    assert known(name).checked() is not None and known(name).supports("file_backup" if name == "tar" else "image_backup")
    assert all(agent.description for agent in agents.load().values())


@pytest.mark.parametrize("name, lacks", [
    ("dd", ["file_backup", "file_system_backup", "file_restore"]),
    ("tar", ["image_backup", "image_restore"]),
    ("model", ["image_restore", "file_restore"]),
    ("tsm", []), ("netbackup", []), ("networker", []), ("restic", []), ("borg", []),
])
def test_an_agent_says_what_it_cannot_do(name, lacks):
    assert [each for each in agents.OPERATIONS if not known(name).supports(each)] == lacks


def test_an_operation_that_an_agent_lacks_is_refused_with_the_agents_that_have_it():
    tar = known("tar")
    with pytest.raises(Refused) as caught:
        tar.commands("image_backup", values(tar))
    assert "tar" in caught.value.message and "image_backup" in caught.value.message
    assert "borg, dd" in caught.value.message and "tsm" in caught.value.message


def test_where_nothing_is_to_be_done_afterwards_there_are_no_commands():
    restic = known("restic")
    assert restic.commands("image_after", values(restic)) == []
    assert restic.commands("file_after", values(restic)) == []


def test_where_nothing_is_to_be_made_ready_there_are_no_commands():
    tsm = known("tsm")
    assert tsm.commands("image_before", values(tsm)) == tsm.commands("file_before", values(tsm)) == []


@pytest.mark.parametrize("name, mode, programs", [
    ("dd", "image", ["mkdir", "test"]), ("tar", "file", ["mkdir", "test"]),
    ("borg", "image", ["borg list"]), ("borg", "file", ["borg list"])])
def test_what_could_fail_before_anything_is_made_comes_before_the_backup(name, mode, programs):
    agent = known(name)
    before = [" ".join(each.argv) for each in agent.commands(mode + "_before", values(agent))]
    assert [line[:len(program)] for line, program in zip(before, programs)] == programs
    assert len(before) == len(programs)


def test_only_tsm_and_the_model_cannot_restore_a_backup_of_ones_choice():
    cannot = [name for name, agent in sorted(agents.load().items()) if not agent.restores_any("image_restore")]
    assert cannot == ["model", "tar", "tsm"]  # tar and the model restore no image at all


# -- safe names

def test_an_ordinary_name_stays_as_it_is():
    assert safe_name("Web-01_a.b") == "Web-01_a.b"


@pytest.mark.parametrize("kind", sorted(HOSTILE))
def test_a_hostile_name_becomes_one_harmless_path_component(kind):
    name = safe_name(HOSTILE[kind])
    assert re.match(r"[A-Za-z0-9_%][A-Za-z0-9._%-]*\Z", name)
    assert len(name) <= LONGEST_NAME


def test_distinct_names_stay_distinct():
    names = list(HOSTILE.values()) + [
        "web 01", "web%2001", "web%252001", "%", "%25", "%-", "a" * 100, "a" * 101, "a" * 5000, "a" * 101 + "b",
        "%2Erf", ".rf", "-rf", "%2Drf", "é", "%C3%A9", "x" * 66 + "é" * 40, "x" * 66 + "è" * 40]
    names = sorted(set(names))
    assert len({safe_name(name) for name in names}) == len(names)


def test_a_cut_name_cannot_be_had_by_another_name():
    cut = safe_name("x" * 101)
    assert len(cut) == LONGEST_NAME
    assert safe_name(cut) != cut


# -- filling the commands

@pytest.mark.parametrize("kind", sorted(HOSTILE))
def test_hostile_names_add_no_word_and_no_option_to_any_command(kind):
    for agent, operation in every_command():
        plain = agent.commands(operation, values(agent, location="/backups"))
        hostile = agent.commands(operation, values(
            agent, vs=HOSTILE[kind], disk=HOSTILE[kind], identifier=HOSTILE[kind], location="/backups"))
        assert [len(each.argv) for each in hostile] == [len(each.argv) for each in plain]
        for one, other in zip(plain, hostile):
            assert [word[:1] == "-" for word in one.argv] == [word[:1] == "-" for word in other.argv]
            assert one.argv[0] == other.argv[0]


@pytest.mark.parametrize("kind", ["spaces", "double quotes", "substitution", "separators", "newline", "non-ASCII"])
def test_a_hostile_location_device_or_folder_stays_one_word(kind):
    path = "/" + HOSTILE[kind]
    for agent, operation in every_command():
        commands = agent.commands(operation, values(agent, location=path, device=path, mount=path, origin=path,
                                                    target=path))
        plain = agent.commands(operation, values(agent))
        assert [len(each.argv) for each in commands] == [len(each.argv) for each in plain]


@pytest.mark.parametrize("kind", sorted(HOSTILE))
def test_files_stay_in_the_folder_of_their_own_disk(kind):
    filled = values(known("dd"), vs=HOSTILE[kind], disk="system", identifier=HOSTILE[kind], location="/backups")
    assert filled["file"].startswith("/backups/") and filled["file"].count("/") == 4
    assert os.path.normpath(filled["file"]) == filled["file"]
    assert os.path.dirname(filled["file"]) == filled["folder"]


@pytest.mark.parametrize("placeholder", ["device", "mount", "origin", "backup_id"])
def test_a_value_that_would_be_read_as_an_option_is_refused(placeholder, tmpdir):
    operation = {"mount": "file_backup", "origin": "file_backup", "backup_id": "image_restore"}.get(
        placeholder, "image_backup")
    path = written(tmpdir, "[own]\nimage_backup = true\n%s = copy {%s}\n" % (operation, placeholder)
                   if operation != "image_backup" else "[own]\nimage_backup = copy {device}\n")
    own = agents.load(path)["own"]
    with pytest.raises(Refused) as caught:
        own.commands(operation, values(own, **{str(placeholder): "--delete\neverything"}))
    assert "own" in caught.value.message and "\n" not in caught.value.message


def test_a_value_within_a_word_may_begin_as_it_likes():
    restic = known("restic")
    command = restic.commands("image_restore", values(restic, backup_id="4711"))[1]
    assert command.argv == ["restic", "--repo=/srv/backups", "dump", "4711", "/web01/system"]
    assert command.stdout == "/dev/sdb"


@pytest.mark.parametrize("name, operation, missing", [
    ("restic", "image_restore", "backup_id"), ("dd", "image_backup", "device"), ("tar", "file_backup", "mount")])
def test_a_value_that_is_not_known_is_refused_by_name(name, operation, missing):
    agent = known(name)
    for nothing in (None, ""):
        with pytest.raises(Refused) as caught:
            agent.commands(operation, values(agent, **{str(missing): nothing}))
        assert name in caught.value.message and missing in caught.value.message


def test_a_location_that_an_agent_needs_and_has_no_default_for_is_asked_for():
    networker = known("networker")
    with pytest.raises(Refused) as caught:
        networker.commands("image_backup", values(networker, location=None))
    assert "--location" in caught.value.message


def test_a_zero_byte_is_refused():
    dd = known("dd")
    with pytest.raises(Refused):
        dd.commands("image_backup", values(dd, device="/dev/s\0db"))


# -- stable names

def test_the_name_kept_by_the_agent_does_not_depend_on_the_device():
    for agent, operation in every_command():
        filled = [agent.commands(operation, values(agent, device=device)) for device in ("/dev/sdb", "/dev/sdq")]
        for one, other in zip(*filled):
            for word, other_word in zip(one.argv, other.argv):
                assert word == other_word or (
                    word.endswith("/dev/sdb") and other_word == word.replace("/dev/sdb", "/dev/sdq"))


@pytest.mark.parametrize("name", ["tsm", "netbackup", "networker"])
def test_an_agent_that_names_images_by_device_sees_a_name_of_server_and_disk(name):
    agent = known(name)
    filled = agent.commands("image_backup", values(agent))
    naming = [each for each in filled if each.argv[0] == "ln"]
    assert naming[0].argv[-2:] == ["/dev/sdb", "/dev/vibackup/web01/system"]
    for each in filled[filled.index(naming[0]) + 1:]:
        assert "/dev/sdb" not in each.argv
    assert agent.commands("image_after", values(agent))[0].argv[:4] == [
        "rm", "-f", "--", "/dev/vibackup/web01/system"]


def test_tsm_files_the_snapshots_files_under_the_servers_own_file_space():
    tsm = known("tsm")
    assert [each.argv for each in tsm.commands("file_backup", values(tsm, mount="G:\\", origin="C:"))] == [
        ["dsmc", "incremental", "C:", "-snapshotroot=G:\\", "-asnodename=web01"]]


# -- locations

@pytest.mark.parametrize("location, folder", [
    ("/backups", "/backups/web01/system"),
    ("/backups/", "/backups/web01/system"),
    ("/", "/web01/system"),
    ("relative", "relative/web01/system"),
    ("D:\\backups", "D:\\backups\\web01\\system"),
    ("D:\\", "D:\\web01\\system"),
    ("D:", "D:\\web01\\system"),
    ("\\\\server\\share", "\\\\server\\share\\web01\\system"),
    ("with space/ü", "with space/ü/web01/system"),
])
def test_a_folder_is_joined_the_way_of_its_location(location, folder):
    assert values(known("dd"), location=location)["folder"] == folder
    assert values(known("dd"), location=location)["file"] == folder + folder[-7] + "b1.img"


@pytest.mark.parametrize("location", [
    "sftp:backup@host:/srv/restic", "s3:https://host/bucket", "rest:https://host:8000/user/", "C:\\restic"])
def test_a_repository_address_is_passed_on_as_it_is(location):
    restic = known("restic")
    assert "--repo=" + location in restic.commands("image_backup", values(restic, location=location))[0].argv


def test_a_borg_repository_address_carries_the_archive():
    borg = known("borg")
    command = borg.commands("image_backup", values(borg, location="ssh://backup@host:22/./repo"))[0]
    assert command.argv[-2:] == ["ssh://backup@host:22/./repo::web01.system.b1", "-"]
    assert command.stdin == "/dev/sdb"


def test_without_a_location_the_agents_default_is_used():
    assert values(known("dd"), location=None)["folder"] == "vibackup-images/web01/system"


# Half of a character, which Python 3 alone cannot hand to a program.
NO_TEXT = [b"/\xed\xa0\x80".decode("utf-8", "surrogatepass")] if compat.PYTHON3 else []


@pytest.mark.parametrize("location", ["-rf", "--help", "a\0b", "/" + "x" * 1000] + NO_TEXT)
def test_a_location_that_could_be_an_option_or_that_nothing_can_be_made_in_is_refused(location):
    with pytest.raises(UsageError) as caught:
        values(known("dd"), location=location)
    assert "\n" not in caught.value.message and "\0" not in caught.value.message


# -- exit statuses

WARNINGS = {
    "tsm": {4, 8}, "netbackup": {1}, "networker": set(), "restic": {3}, "borg": {1} | set(range(100, 126)),
    "dd": set(), "tar": {1}, "model": set(),
}


@pytest.mark.parametrize("name", SHIPPED)
def test_every_exit_status_has_its_meaning(name):
    agent = known(name)
    assert agent.judge(0) == agents.OK
    for status in list(range(1, 256)) + [256, 1000, -1, -9, None]:
        expected = agents.WARNING if status in WARNINGS[name] else agents.FAILED
        assert (status, agent.judge(status)) == (status, expected)


@pytest.mark.parametrize("name", SHIPPED)
def test_a_warning_comes_only_from_the_command_that_backs_up(name):
    agent = known(name)
    for operation in ALL_COMMANDS:
        if agent.supports(operation):
            for command in agent.commands(operation, values(agent)):
                helper = command.argv[0] in ("mkdir", "mv", "test", "sync", "ln", "printf", "mminfo")
                backs_up = operation in ("file_backup", "file_system_backup", "image_backup") and not helper \
                    and "info" not in command.argv and "list" not in command.argv
                for status in WARNINGS[name]:
                    may_warn = backs_up and (operation != "image_backup" or name in ("tsm", "restic", "borg"))
                    assert agent.judge(status, command) == (agents.WARNING if may_warn else agents.FAILED)


def test_part_of_an_image_is_a_failure_of_netbackup():
    netbackup = known("netbackup")
    assert netbackup.judge(1, netbackup.commands("image_backup", values(netbackup))[-1]) == agents.FAILED


@pytest.mark.parametrize("name, words", [
    ("dd", ["rm", "-f", "--"]), ("borg", ["borg", "delete", "--glob-archives=web01.system.b1"])])
def test_a_worthless_image_can_be_removed(name, words):
    agent = known(name)
    command = agent.commands("image_discard", values(agent, backup_id="4711"))[0]
    assert command.argv[:len(words)] == words and len(command.argv) == len(words) + 1


@pytest.mark.parametrize("mode", ["image", "file"])
@pytest.mark.parametrize("name", SHIPPED)
def test_what_an_agent_can_remove_it_can_find_first_and_the_proprietary_ones_keep_their_own(name, mode):
    agent = known(name)
    assert agent.removes(mode) == (name in ("restic", "borg") or (name, mode) in (("dd", "image"), ("tar", "file")))
    assert agent.supports(mode + "_find") == agent.removes(mode)


def test_a_failed_rename_is_not_taken_for_a_warning_of_tar():
    tar = known("tar")
    by_program = {command.argv[0]: command for command in tar.commands("file_backup", values(tar))}
    assert tar.judge(1, by_program["env"]) == agents.WARNING
    assert tar.judge(1, by_program["mv"]) == agents.FAILED
    assert tar.judge(0, by_program["mv"]) == agents.OK


def test_a_command_that_did_not_come_from_an_agent_never_warns():
    tar = known("tar")
    stranger = agents.Command(["tar"], None, None)
    assert tar.judge(1, stranger) == agents.FAILED


def test_the_meanings_are_words():
    assert (agents.OK, agents.WARNING, agents.FAILED) == ("ok", "warning", "failed")


# -- outputs

DD = "1+0 records in\n1+0 records out\n"
NETWORKER = "save: /dev/x  23 MB 00:00:38  1 file(s)\ncompleted savetime=1757404912\n"
RESTIC = (
    '{"message_type":"status","percent_done":0,"total_files":1}\n'
    '{"message_type":"status","percent_done":0,"total_files":1,"bytes_done":490,"current_files":["/web01/d"]}\n'
    '{"message_type":"summary","files_new":1,"total_bytes_processed":5000,"total_duration":0.25,'
    '"snapshot_id":"998c549d"}\n')
BORG = (
    '{"original_size": 1535, "compressed_size": 1531, "deduplicated_size": 1535, "nfiles": 0, "path": "a", '
    '"time": 1.5, "type": "archive_progress", "finished": false}\n'
    '{"type": "log_message", "message": "x", "name": "borg.archiver"}\n'
    '{"archive": {"command_line": ["borg"], "id": "b667", "name": "web01.d.b1", "start": "2026-11-22",\n'
    ' "stats": {"compressed_size": 5, "deduplicated_size": 5, "nfiles": 1,\n "original_size": 5545}},\n'
    ' "cache": {"stats": {"total_size": 5000}}, "repository": {"id": "1d4f", "location": "/r"}}\n')


@pytest.mark.parametrize("name, output, expected", [
    ("dd", DD + "5000000 bytes (5.0 MB, 4.8 MiB) copied, 0.0059977 s, 834 MB/s\n", 5000000),
    ("dd", DD + "512 bytes copied, 0.005 s, 1 kB/s", 512),
    ("dd", DD + "1 byte copied, 0.005 s, 1 kB/s", 1),
    ("dd", "1048576 bytes (1.0 MB, 1.0 MiB) copied, 1 s, 1 MB/s\r2097152 bytes (2.1 MB, 2.0 MiB) copied, 2 s", 2097152),
    ("dd", "dd: error reading '/dev/sdb': Input/output error\n", None),
    ("tar", "Total bytes written: 10240 (10KiB, 6.2MiB/s)\nTotal bytes written: 20480 (20KiB, 6MiB/s)\n", 20480),
    ("restic", RESTIC, 5000),
    ("borg", BORG, 5545),
    ("borg", BORG + "image of 5000 bytes\n", 5000),
    ("networker", NETWORKER + " ssid  total\n 4001  77\n4002 88\n", 88),
    ("networker", NETWORKER, None),
    ("tsm", "Total number of bytes transferred:     1.46 GB\n", None),
    ("model", "1048576 bytes read\n", 1048576),
    ("dd", "", None),
    ("dd", None, None),
])
def test_the_bytes_read_are_found_in_the_output(name, output, expected):
    assert known(name).bytes_read(output) == expected


@pytest.mark.parametrize("name, output, expected", [
    ("restic", RESTIC, "998c549d"),
    ("borg", BORG, "web01.d.b1"),
    ("networker", " ssid  total\n 4001  77\n4002 88\n", "4002"),
    ("restic", "OK, everything is OK\n", None),
    ("dd", DD, None),
    ("tsm", "", None),
])
def test_the_agents_own_id_is_found_in_the_output(name, output, expected):
    assert known(name).backup_id(output) == expected


@pytest.mark.parametrize("name, line, expected", [
    ("dd", "209715200 bytes (210 MB, 200 MiB) copied, 1 s, 210 MB/s", ("bytes", 209715200)),
    ("tar", "Total bytes written: 104857600 (100MiB, 1.1GiB/s)", ("bytes", 104857600)),
    ("restic", RESTIC.splitlines()[1], ("bytes", 490)),
    ("restic", RESTIC.splitlines()[0], None),
    ("restic", RESTIC.splitlines()[2], None),
    ("borg", BORG.splitlines()[0], ("bytes", 1535)),
    ("borg", "image of 5000 bytes", None),
    ("tsm", "Session established with server", None),
    ("dd", "", None),
])
def test_progress_is_read_from_a_line(name, line, expected):
    assert known(name).progress(line) == expected


# -- a site's own agents

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


# -- agents that really run

def run(command, folder, **environment):
    """Run a command as a process, as a guest would, and return its status and all that it printed."""
    opened = [open(compat.native(command.stdin or os.devnull), "rb")]
    if command.stdout:
        opened.append(open(compat.native(command.stdout), "r+b"))
    try:
        child = subprocess.Popen(
            [compat.native(word) for word in command.argv], cwd=compat.native(folder), stdin=opened[0],
            stdout=opened[1] if command.stdout else subprocess.PIPE, stderr=subprocess.PIPE,
            env=dict(os.environ, **{str(name): compat.native(text) for name, text in environment.items()}))
        output, errors = child.communicate()
    finally:
        for each in opened:
            each.close()
    return child.returncode, compat.text(output or b"") + compat.text(errors)


def run_all(agent, operation, filled, folder, **environment):
    """Run the commands of an operation until one fails; return the worst verdict and all output.

    Before those of a backup come those that make ready for it.
    """
    whole = ""
    verdicts = []
    before = operation.split("_")[0] + "_before" if operation.endswith("_backup") else None
    for command in (agent.commands(before, filled) if before else []) + agent.commands(operation, filled):
        status, output = run(command, folder, **environment)
        whole += output
        verdicts.append(agent.judge(status, command))
        if verdicts[-1] == agents.FAILED:
            break
    return max(verdicts, key=[agents.OK, agents.WARNING, agents.FAILED].index), whole


def make_device(folder, name, data):
    path = os.path.join(folder, name)
    with open(compat.native(path), "wb") as stream:
        stream.write(data)
    return path


def content(path):
    with open(compat.native(path), "rb") as stream:
        return stream.read()


RANDOM = os.urandom(3 * 1024 * 1024 + 512)


class Site(object):
    """A folder with a device to back up, one to restore to, files, and repositories."""

    def __init__(self, tmpdir):
        self.folder = compat.text(tmpdir)
        self.device = make_device(self.folder, "a disk", RANDOM)
        self.target = make_device(self.folder, "a target", b"\0" * len(RANDOM))
        self.mount = os.path.join(self.folder, "a mount")
        os.mkdir(self.mount)
        with open(os.path.join(self.mount, "file"), "wb") as stream:
            stream.write(b"content")
        self.environment = {
            "RESTIC_PASSWORD": "secret", "RESTIC_CACHE_DIR": self.folder + "/cache",
            "BORG_BASE_DIR": self.folder + "/borg-base", "BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK": "yes"}

    def prepare(self, *argv):
        assert run(agents.Command(list(argv), None, None), self.folder, **self.environment)[0] == 0

    def values(self, agent, location, **more):
        more = dict({"device": self.device, "mount": self.mount, "origin": "/", "vs": "web 01=$(x)",
                     "disk": "-süd/.."}, **more)
        return values(agent, location=location, **more)

    def run(self, agent, operation, filled):
        return run_all(agent, operation, filled, self.folder, **self.environment)


@pytest.fixture
def site(tmpdir):
    return Site(tmpdir)


def repository(site, name):
    """Return an agent and its location, made ready."""
    location = site.folder + "/the " + name
    if name == "restic":
        site.prepare("restic", "--quiet", "--repo=" + location, "init")
    if name == "borg":
        site.prepare("borg", "init", "--encryption=none", location)
    return known(name), location


@pytest.mark.parametrize("name", [
    pytest.param("dd", marks=needs_dd), pytest.param("restic", marks=needs_restic),
    pytest.param("borg", marks=needs_borg)])
def test_an_image_comes_back_byte_for_byte(site, name):
    agent, location = repository(site, name)
    filled = site.values(agent, location)
    verdict, output = site.run(agent, "image_backup", filled)
    assert verdict == agents.OK
    assert agent.bytes_read(output) == len(RANDOM)
    filled.update(device=site.target, backup_id=agent.backup_id(output))
    verdict, output = site.run(agent, "image_restore", filled)
    assert verdict == agents.OK, output
    assert content(site.target) == RANDOM


@pytest.mark.parametrize("name", [
    pytest.param("dd", marks=needs_dd), pytest.param("restic", marks=needs_restic),
    pytest.param("borg", marks=needs_borg)])
def test_a_restore_to_a_device_that_is_not_there_fails_and_makes_no_file(site, name):
    agent, location = repository(site, name)
    filled = site.values(agent, location)
    _verdict, output = site.run(agent, "image_backup", filled)
    filled.update(device=site.folder + "/nothing", backup_id=agent.backup_id(output) or "none")
    assert site.run(agent, "image_restore", filled)[0] == agents.FAILED
    assert not os.path.exists(site.folder + "/nothing")


@pytest.mark.parametrize("name", [pytest.param("restic", marks=needs_restic), pytest.param("borg", marks=needs_borg)])
def test_an_image_of_which_only_our_own_id_is_known_can_be_removed_and_no_other(site, name):
    agent, location = repository(site, name)
    called = {}
    for identifier in ("kept", "cut", "cut-2"):
        called[identifier] = agent.backup_id(
            site.run(agent, "image_backup", site.values(agent, location, identifier=identifier))[1])
    for _time in ("first", "again"):
        assert site.run(agent, "image_discard", site.values(agent, location, identifier="cut"))[0] == agents.OK
    there = [identifier for identifier in sorted(called) if site.run(agent, "image_restore", site.values(
        agent, location, identifier=identifier, device=site.target, backup_id=called[identifier]))[0] == agents.OK]
    assert there == ["cut-2", "kept"]


@pytest.mark.needs("restic")
@pytest.mark.any_interpreter
def test_an_image_is_not_called_removed_where_restic_cannot_say_what_is_there(site):
    agent = known("restic")
    nowhere = site.values(agent, site.folder + "/nothing", identifier="cut")
    assert site.run(agent, "image_discard", nowhere)[0] == agents.FAILED


@pytest.mark.parametrize("name", [pytest.param("restic", marks=needs_restic), pytest.param("borg", marks=needs_borg)])
def test_the_older_of_two_images_can_be_restored(site, name):
    agent, location = repository(site, name)
    _verdict, output = site.run(agent, "image_backup", site.values(agent, location, identifier="older"))
    newer = make_device(site.folder, "newer", b"\1" * len(RANDOM))
    site.run(agent, "image_backup", site.values(agent, location, identifier="newer", device=newer))
    site.run(agent, "image_restore", site.values(
        agent, location, device=site.target, identifier="older", backup_id=agent.backup_id(output)))
    assert content(site.target) == RANDOM


@pytest.mark.parametrize("name", [
    pytest.param("tar", marks=needs_tar), pytest.param("restic", marks=needs_restic),
    pytest.param("borg", marks=needs_borg)])
def test_files_are_backed_up(site, name):
    agent, location = repository(site, name)
    filled = site.values(agent, location)
    verdict, output = site.run(agent, "file_backup", filled)
    assert verdict == agents.OK, output
    assert agent.bytes_read(output) >= len(b"content")


def backed_up(site, name, identifier="b1", operation="file_backup", location=None):
    """Back up the files of the mount; return the agent and what restores them into a new folder of the site."""
    agent, found = (known(name), location) if location else repository(site, name)
    filled = site.values(agent, found, identifier=identifier)
    verdict, output = site.run(agent, operation, filled)
    assert verdict == agents.OK, output
    target = os.path.join(site.folder, "back to " + identifier)
    os.mkdir(compat.native(target))
    return agent, dict(filled, backup_id=agent.backup_id(output) or filled["id"], target=target)


def listing(folder):
    """Return a line for a folder and each thing below it: path, kind, mode, where a link leads, owner and group."""
    command = ["find", ".", "-printf", "%P %y %m %l %U:%G\\n"]
    return sorted(compat.text(subprocess.check_output(command, cwd=compat.native(folder))).splitlines())


FILE_AGENTS = pytest.mark.parametrize("name", [
    pytest.param("tar", marks=needs_tar), pytest.param("restic", marks=needs_restic),
    pytest.param("borg", marks=needs_borg)])


@FILE_AGENTS
@pytest.mark.parametrize("operation", ["file_backup", "file_system_backup"])
def test_files_come_back_as_they_were_and_where_they_were_below_the_mount(site, name, operation):
    make = ("mkdir -p a/empty 'a/süd; x' && printf data > 'a/süd; x/-f' && chmod 640 'a/süd; x/-f' && "
            "ln -s nowhere link && chmod 2750 a && chmod 711 .")
    subprocess.check_call(["sh", "-c", compat.native(make)], cwd=compat.native(site.mount))
    agent, filled = backed_up(site, name, operation=operation)
    verdict, output = site.run(agent, "file_restore", filled)
    assert verdict == agents.OK, output
    as_it_was, as_it_is = listing(site.mount), listing(filled["target"])
    assert as_it_is == as_it_was and len(as_it_is) == 7
    assert [each for each in os.listdir(compat.native(site.folder)) if ".above" in each] == []


@FILE_AGENTS
def test_the_older_of_two_backups_of_files_can_be_restored(site, name):
    agent, older = backed_up(site, name, "older")
    with open(os.path.join(compat.native(site.mount), "file"), "wb") as stream:
        stream.write(b"newer")
    backed_up(site, name, "newer", location=older["location"])
    assert site.run(agent, "file_restore", older)[0] == agents.OK
    assert content(os.path.join(older["target"], "file")) == b"content"


@FILE_AGENTS
def test_a_backup_of_files_that_the_agent_does_not_have_fails(site, name):
    agent, filled = backed_up(site, name)
    filled.update(backup_id="0badcafe", file=site.folder + "/nothing")
    verdict, _output = site.run(agent, "file_restore", filled)
    assert verdict == agents.FAILED and os.listdir(compat.native(filled["target"])) == []


@FILE_AGENTS
def test_files_are_not_restored_over_what_is_there(site, name):
    agent, filled = backed_up(site, name)
    with open(os.path.join(compat.native(filled["target"]), "mine"), "wb") as stream:
        stream.write(b"mine")
    verdict, _output = site.run(agent, "file_restore", filled)
    assert content(os.path.join(filled["target"], "mine")) == b"mine"
    assert verdict == (agents.OK if name == "tar" else agents.FAILED)


@pytest.mark.needs("borg")
@pytest.mark.any_interpreter
def test_borg_finds_a_repository_below_the_folder_where_it_runs(site):
    site.prepare("borg", "init", "--encryption=none", "the repository")
    agent, filled = backed_up(site, "borg", location="the repository")
    verdict, output = site.run(agent, "file_restore", filled)
    assert verdict == agents.OK, output
    assert content(os.path.join(filled["target"], "file")) == b"content"


@pytest.mark.parametrize("name", [
    pytest.param("tar", marks=needs_tar), pytest.param("restic", marks=needs_restic),
    pytest.param("borg", marks=needs_borg)])
def test_a_mount_that_is_not_there_is_no_finished_backup(site, name):
    agent, location = repository(site, name)
    filled = site.values(agent, location, mount=site.folder + "/nothing")
    assert site.run(agent, "file_backup", filled)[0] != agents.OK


@pytest.mark.parametrize("name", [pytest.param("restic", marks=needs_restic), pytest.param("borg", marks=needs_borg)])
def test_a_repository_that_is_not_there_fails(site, name):
    agent = known(name)
    filled = site.values(agent, site.folder + "/nothing")
    for operation in ("image_backup", "file_backup"):
        verdict, output = site.run(agent, operation, filled)
        assert (verdict, agent.backup_id(output)) == (agents.FAILED, None)


@needs_tar
def test_a_tar_archive_holds_the_files_by_their_place_below_the_mount(site):
    tar, location = repository(site, "tar")
    filled = site.values(tar, location)
    site.run(tar, "file_backup", filled)
    _status, listing = run(agents.Command(["tar", "--list", "--file", filled["file"]], None, None), site.folder)
    assert listing.split() == ["./", "./file"]


@needs_tar
def test_a_file_that_changes_while_tar_reads_it_is_a_warning(site):
    tar = known("tar")
    changing = os.path.join(site.mount, "changing")
    with open(compat.native(changing), "wb") as stream:
        stream.seek(64 * 1024 * 1024)
        stream.write(b"end")
    done = threading.Event()

    def change():
        while not done.wait(0.001):
            os.utime(compat.native(changing), None)

    changer = threading.Thread(target=change)
    changer.start()
    try:
        filled = site.values(tar, site.folder + "/archives")
        verdict, _output = site.run(tar, "file_backup", filled)
    finally:
        done.set()
        changer.join()
    assert verdict == agents.WARNING
    assert os.path.exists(compat.native(filled["file"]))


@needs_dd
def test_a_backup_that_failed_leaves_nothing_behind(site):
    dd = known("dd")
    filled = site.values(dd, site.folder, device=site.folder + "/nothing")
    assert site.run(dd, "image_backup", filled)[0] == agents.FAILED
    make_device(filled["folder"], "b1.img.partial", b"half")
    assert site.run(dd, "image_after", filled)[0] == agents.OK
    assert os.listdir(compat.native(filled["folder"])) == []


@needs_dd
def test_clearing_up_after_a_good_backup_leaves_it_alone(site):
    dd = known("dd")
    filled = site.values(dd, site.folder)
    site.run(dd, "image_backup", filled)
    assert site.run(dd, "image_after", filled)[0] == agents.OK
    assert content(filled["file"]) == RANDOM


@pytest.mark.parametrize("name, operation", [
    pytest.param("dd", "image_backup", marks=needs_dd), pytest.param("tar", "file_backup", marks=needs_tar)])
def test_a_file_of_an_earlier_backup_is_never_overwritten(site, name, operation):
    agent = known(name)
    filled = site.values(agent, site.folder)
    os.makedirs(compat.native(filled["folder"]))
    make_device(filled["folder"], os.path.basename(filled["file"]), b"earlier")
    assert site.run(agent, operation, filled)[0] == agents.FAILED
    assert content(filled["file"]) == b"earlier"


@needs_dd
def test_a_restore_of_a_smaller_image_leaves_the_rest_of_the_disk_as_it_was(site):
    dd = known("dd")
    filled = site.values(dd, site.folder)
    site.run(dd, "image_backup", filled)
    larger = make_device(site.folder, "larger", b"\2" * (len(RANDOM) + 4096))
    filled.update(device=larger)
    assert site.run(dd, "image_restore", filled)[0] == agents.OK
    assert content(larger) == RANDOM + b"\2" * 4096


@pytest.mark.parametrize("digits, figure", [(1, 9), (20, 10 ** 20 - 1), (21, None), (5000, None), (60000, None)])
def test_a_figure_that_no_disk_can_have_is_none(tmpdir, digits, figure):
    tmpdir.join("agents.ini").write("[site]\nimage_backup = true\nbytes = read ([0-9]+)\n")
    agent = agents.load(compat.text(tmpdir.join("agents.ini")))["site"]
    assert agent.bytes_read("read " + "9" * digits) == figure
