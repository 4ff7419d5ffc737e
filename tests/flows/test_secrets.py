# -*- coding: utf-8 -*-
"""L8: secrets come by file or environment alone, and neither a list of processes, a file nor a screen shows one.

The secret in these tests is the canary's: the whole suite is searched for it at its end, see ``tests/canary.py``.
"""
from __future__ import absolute_import, division, print_function, unicode_literals

import os

import pytest

from fakes import inventory
from tests import canary
from tests.flows.helpers import compat, demo, run_main, small, stage  # noqa: F401
from tests.flows.test_bad_input import judged
from vibackup import agents, arrays, errors, tables
from vibackup.masking import MASK

OPEN = "rest:https://me:hunter2@store/web01"
SAYS_IT = """[site]
%s = sh -c 'echo "$%s"; echo "cannot open $%s" >&2; exit %d'
image_warning_status = 3
warnings_from = sh
"""


def shouting(stage, status):
    """Return the options of an agent that prints the secret on both streams, and ends with ``status``."""
    words = SAYS_IT % ("image_backup", canary.VARIABLE, canary.VARIABLE, status)
    return ["--agents=" + stage.write("agents.ini", words), "--agent=site", "--location=there"]


# -- what is refused, before anything is touched

LOCATIONS = [OPEN, "sftp://me:hunter2@nas/web01", "sftp:me:hunter2@nas:/web01", "me:hunter2@nas:repository",
             "s3:https://KEY:hunter2@host/bucket", "https://store/?token=hunter2", "rest:https://me:hun/ter2@store/"]


@pytest.mark.parametrize("location", LOCATIONS)
@pytest.mark.parametrize("words", [
    ["proxy-backup", "--vs=web01", "--proxy=pbh01", "--agent=restic"], ["agent-backup", "--vs=web01", "--agent=borg"],
    ["array-backup", "--vs=raw01", "--array=model", "--proxy=pbh01", "--agent=dd"],
    ["restore", "--backup=x", "--proxy=pbh01", "--new-vs=again"], ["verify", "--backup=x", "--proxy=pbh01"]],
    ids=lambda words: words[0])
def test_a_location_with_a_password_is_refused_and_says_where_it_belongs(stage, words, location):
    ran = judged(stage.vibackup(*(words + ["--location=" + location])), [2])
    assert stage.calls == [] and not os.path.exists(compat.native(stage.state()))
    assert "RESTIC_PASSWORD_FILE" in ran.error and "BORG_PASSCOMMAND" in ran.error
    assert "ter2" not in ran.output + ran.errors


@pytest.mark.parametrize("location", [
    "/srv/images", "sftp:backup@nas:/web01", "rest:https://store:8000/web01", "s3:s3.amazonaws.com/bucket",
    "C:\\images",
    "backup@nas:/web01", "ssh://backup@nas:22/./web01", "rclone:remote:web01", "b2:bucket:web01", "policy", "nas:/a@b",
    "rest:http://127.0.0.1:8000/x@y", "/srv/a:b@c"])
def test_an_address_without_one_is_not(location):
    assert agents.check_location(location) == location


def test_a_location_is_refused_in_a_plan_too():
    """A script that imports vibackup gives none on a command line."""
    with pytest.raises(errors.UsageError) as caught:
        agents.values_for(agents.load()["restic"], "web01", "system", OPEN, "b1")
    assert tables.SECRET in caught.value.message and "hunter2" not in caught.value.message


COMMANDS = ["restic --repo={location} --password-command=cat backup -r rest:https://me:hunter2@store/ {device}",
            "env RESTIC_PASSWORD=hunter2 restic backup", "sh -c 'RESTIC_PASSWORD=hunter2 restic backup'",
            "dsmc backup -password=hunter2", "agent --password hunter2", "sshpass -p hunter2 ssh nas true",
            "sshpass -phunter2 ssh nas true", "curl -u me:hunter2 https://store", "ssh me:hunter2@nas true",
            "mysqldump --all-databases -phunter2", "agent --token=hunter2"]


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_with_a_password_in_it_is_refused_when_its_table_is_loaded(tmpdir, command):
    array = "[site]\nsnapshot = %s\nlist = true {lun}\ndelete = true {tag}\n"
    for load, name, words in ((agents.load, "agents.ini", "[site]\nimage_backup = %s\n"),
                              (arrays.load, "arrays.ini", array)):
        tmpdir.join(name).write(words % command.replace("{device}", "").replace("{location}", "x"))
        with pytest.raises(errors.UsageError) as caught:
            load(compat.text(tmpdir.join(name)))
        assert "[site]" in caught.value.message and tables.SECRET in caught.value.message
        assert "hunter2" not in caught.value.message


@pytest.mark.parametrize("command", [
    "restic --password-file=/root/p backup {device}", "restic --password-command='cat /root/p' backup {device}",
    "env RESTIC_PASSWORD_FILE=/root/p restic backup {device}", "sh -c 'RESTIC_PASSWORD=$(cat /root/p) restic backup'",
    "env BORG_PASSCOMMAND='cat /root/p' borg create", "sshpass -f /root/p ssh -p 22 nas true",
    "sshpass -e ssh -p 22 nas x",
    "mysql --defaults-file=/root/my.cnf -e FLUSH", "curl -u me:$PASSWORD https://store", "ssh backup@nas true"])
def test_a_command_that_says_where_its_password_is_is_taken(tmpdir, command):
    tmpdir.join("agents.ini").write("[site]\nimage_backup = %s\n" % command)
    assert "site" in agents.load(compat.text(tmpdir.join("agents.ini")))


def test_a_default_location_with_a_password_is_refused(tmpdir):
    tmpdir.join("agents.ini").write("[site]\ndefault_location = %s\nimage_backup = true\n" % OPEN)
    with pytest.raises(errors.UsageError) as caught:
        agents.load(compat.text(tmpdir.join("agents.ini")))
    assert "default_location" in caught.value.message and "hunter2" not in caught.value.message


@pytest.mark.parametrize("words", [
    ["proxy-backup", "--vs=web01", "--proxy=pbh01", "--agent=dd", "--thaw=true", "--freeze=mysql -phunter2 -e FLUSH"],
    ["proxy-backup", "--vs=web01", "--proxy=pbh01", "--agent=dd", "--freeze=true", "--thaw=db --password=hunter2"],
    ["verify", "--backup=x", "--proxy=pbh01", "--check=curl -u me:hunter2 http://localhost"],
    ["proxy-backup", "--vs=web01", "--proxy=pbh01", "--agent=dd", "--passwd=hunter2"],
    ["proxy-backup", "--vs=web01", "--proxy=pbh01", "--agent=" + OPEN]], ids=lambda words: words[-1][:12])
def test_a_password_in_any_other_option_is_refused_and_not_repeated(stage, words):
    ran = judged(stage.vibackup(*words), [2])
    assert stage.calls == [] and "hunter2" not in ran.output + ran.errors


# -- what is printed and written

@pytest.mark.parametrize("status", [0, 1, 3])
@pytest.mark.parametrize("format", [["--json"], []], ids=["json", "text"])
def test_what_an_agent_prints_of_a_secret_is_masked_wherever_it_goes(stage, status, format):
    trace = os.path.join(stage.folder, "trace")
    stage.open(small())
    ran = run_main("proxy-backup", ["--lab", "--vs=web01", "--proxy=pbh01", "--lab-trace=" + trace] + format
                   + shouting(stage, status))
    assert ran.status == {0: 0, 1: 1, 3: 5}[status]
    assert canary.VALUE not in ran.output + ran.errors
    assert (MASK in ran.output + ran.errors) == (status != 0), "or nobody looked"
    assert canary.holders(stage.folder) == canary.holders(stage.lab.folder) == []


@pytest.mark.parametrize("words", [["--freeze=%s", "--thaw=true"], ["--freeze=true", "--thaw=%s"]],
                         ids=["freeze", "thaw"])
def test_what_a_freeze_or_a_thaw_prints_of_a_secret_is_masked(stage, words):
    stage.open(small())
    script = "sh -c 'echo \"$%s\" >&2; exit 1'" % canary.VARIABLE
    ran = stage.proxy_backup(*[word.replace("%s", script) for word in words])
    assert ran.status in (1, 6) and canary.VALUE not in ran.output + ran.errors and MASK in ran.output
    assert canary.holders(stage.lab.folder) == []
    stage.vibackup("reconcile")
    stage.vibackup("reconcile", "--fix")


def test_what_an_array_prints_of_a_secret_is_masked(stage):
    script = "sh -c 'echo \"$%s\" >&2; exit 1' {lun} {tag}" % canary.VARIABLE
    path = stage.write("arrays.ini", "[site]\nlab = yes\nlist = true {lun}\nsnapshot = %s\ndelete = %s\n" % (
        script, script))
    stage.open(demo())
    ran = stage.vibackup("array-backup", "--vs=raw01", "--array=site", "--arrays=" + path)
    assert ran.status == 1 and canary.VALUE not in ran.output + ran.errors and MASK in ran.error


IN_NO_LIST = ("[site]\nimage_backup = sh -c 'for each in /proc/[0-9]*/cmdline /proc/$!/cmdline; do "
              "case $(tr \"\\\\0\" \" \" < $each) in *\"$%s\"*) exit 1;; esac; done; test -n \"$%s\"'\n")


@pytest.mark.parametrize("lists", [True, False])
def test_no_list_of_processes_shows_a_secret_while_an_agent_runs(stage, tmpdir, lists):
    """The second time one is planted in it: the agent that looks does find it."""
    stage.open(small())
    words = IN_NO_LIST % (canary.VARIABLE, canary.VARIABLE)
    if not lists:
        words = words.replace("sh -c 'for", "sh -c 'sh -c \"sleep 3; : $%s\" >&- 2>&- & for" % canary.VARIABLE).replace(
            "done; test", "done; kill $!; test")
    path = stage.write("agents.ini", words)
    ran = stage.proxy_backup("--agents=" + path, agent="site")
    assert ran.status == (0 if lists else 1), ran.errors


def test_a_password_of_a_ledger_of_an_earlier_version_is_masked_when_it_is_named(stage):
    from vibackup import ledger
    facts = {"folder": OPEN, "proxy_name": "pbh01"}
    stage.open(small())
    with pytest.raises(errors.VibackupError) as caught:
        raise errors.VibackupError(ledger.describe(ledger.FOLDER, facts))
    assert "hunter2" not in caught.value.message


def test_the_demo_holds_no_password():
    with open(inventory.DEMO) as stream:
        assert "password" not in stream.read().lower()
