# -*- coding: utf-8 -*-
"""The table of agents: safe names, commands, exit statuses and outputs."""
from __future__ import absolute_import, division, print_function, unicode_literals

import io
import os
import re

import pytest

from vibackup import agents, compat
from vibackup.names import LONGEST_NAME, safe_name
from vibackup.errors import Refused, UsageError

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
    assert known(name).checked() is not None
    assert known(name).supports("file_backup" if name == "tar" else "image_backup")
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
