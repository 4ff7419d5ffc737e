# -*- coding: utf-8 -*-
"""Security: what the source never does, who may read and write what, how guests are reached, where names lead."""
from __future__ import absolute_import, division, print_function, unicode_literals

import ast
import io
import os
import re
import stat
import subprocess

import pytest

from tests.flows import archives, copies
from tests.flows.helpers import ROOT, compat, small, stage  # noqa: F401
from tests.flows.test_bad_input import judged, read
from vibackup import arrays, manifest, ssh, state
from vibackup import process as process_
from vibackup.guest import LINUX, Command, Completed

NOBODY = 65534


# -- what the source never does

# Calls by their name, and of those that have others, by their last two.
NEVER = {"eval", "execfile", "compile", "__import__", "input", "os.system", "os.popen", "os.tempnam", "tempfile.mktemp",
         "yaml.load", "commands.getoutput", "subprocess.getoutput", "subprocess.getstatusoutput", "os.spawnlp",
         "os.execv", "os.execvp", "exec"}
MODULES = {"pickle", "cPickle", "marshal", "shelve", "commands", "popen2", "yaml", "dill", "ctypes"}
# The lab's runner runs the script that it is asked to run, as Virtual Iron's own does: that is what it is for.
MAY = {("fakes/runner.py", "exec"), ("fakes/runner.py", "compile")}


def sources():
    for top in ("vibackup", "fakes", "scripts", "setup.py"):
        for where, _folders, names in os.walk(os.path.join(ROOT, top)):
            for name in sorted(names):
                if name.endswith(".py"):
                    yield os.path.relpath(os.path.join(where, name), ROOT).replace(os.sep, "/")
    yield "setup.py"


def faults(path, words):
    """Return what is in the source ``words`` that is never to be, in words."""
    found = []
    for node in ast.walk(ast.parse(words, str(path))):
        for what in _of(node):
            if (path, what) not in MAY:
                found.append("%s:%d: %s" % (path, node.lineno, what))
    return found


def _of(node):
    kind = type(node).__name__
    if kind == "Call":
        name = _dotted(node.func)
        return [each for each in (name, ".".join(name.split(".")[-2:])) if each in NEVER][:1] + [
            "shell=" for keyword in node.keywords if keyword.arg == "shell"]
    if kind == "Import":
        return [each.name for each in node.names if each.name.split(".")[0] in MODULES]
    if kind == "ImportFrom":
        return [node.module for _each in node.names[:1] if (node.module or "").split(".")[0] in MODULES]
    if kind == "ExceptHandler" and node.type is None:
        return ["a bare except"]
    if kind == "ExceptHandler" and [type(each).__name__ for each in node.body] == ["Pass"]:
        return ["an except that passes over it"]
    return {"Assert": ["assert"], "Exec": ["exec"]}.get(kind, [])


def _dotted(node):
    if isinstance(node, ast.Attribute):
        return "%s.%s" % (_dotted(node.value), node.attr)
    return node.id if isinstance(node, ast.Name) else "?"


def test_the_source_runs_nothing_that_it_reads_and_hides_no_error():
    found = []
    for path in sources():
        with open(os.path.join(ROOT, path), "rb") as stream:
            found += faults(path, stream.read())
    assert found == []


@pytest.mark.parametrize("words, what", [
    ("eval('1')", "eval"), ("import os\nos.system('x')", "os.system"), ("os.popen('x')", "os.popen"),
    ("import subprocess\nsubprocess.Popen('x', shell=True)", "shell="), ("import pickle", "pickle"),
    ("from marshal import loads", "marshal"), ("import shelve as s", "shelve"), ("yaml.load(x)", "yaml.load"),
    ("tempfile.mktemp()", "tempfile.mktemp"), ("assert x", "assert"), ("try:\n  x\nexcept:\n  raise", "a bare except"),
    ("try:\n  x\nexcept E:\n  pass", "an except that passes over it"),
    ("a.subprocess.getoutput(x)", "subprocess.getoutput")])
def test_what_is_looked_for_would_be_found(words, what):
    assert [each.split(": ")[1] for each in faults("x.py", words)] == [what]


def test_no_script_hands_what_it_is_given_to_a_shell_unquoted():
    for name in ("runner.sh", "interpreter.sh"):
        with io.open(os.path.join(ROOT, "scripts", name), encoding="utf-8") as stream:
            assert not re.search(r"^\s*eval\b|(?<![\"\\])\$[@*](?!\")", stream.read(), re.MULTILINE), name


# -- who may read what

def open_to_others(folder):
    """Return the files and folders below ``folder`` (and itself) whose mode is not 0600 or 0700, with it."""
    found = []
    for where, folders, names in os.walk(compat.native(folder)):
        found += [(path, oct(mode_of(path))) for path in [where] + [os.path.join(where, name) for name in folders]
                  if mode_of(path) != 0o700]
        found += [(path, oct(mode_of(path))) for path in (os.path.join(where, name) for name in names)
                  if mode_of(path) != 0o600]
    return found


def mode_of(path):
    try:
        return stat.S_IMODE(os.lstat(path).st_mode)
    except OSError:
        return 0o600 if not path.endswith("locks") else 0o700  # gone meanwhile


@pytest.fixture(params=[0, 0o077], ids=["umask 000", "umask 077"])
def umask(request, tmpdir):
    compat.text(tmpdir)  # made before
    yield request.param
    os.umask(0o022)


VERBS = [["proxy-backup", "--vs=web01", "--proxy=pbh01", "--agent=model"],
         ["snapshot-boot", "--vs=web01", "--boot-device=backup.iso"], ["rollback", "--vs=web01", "--take"], ["backups"],
         ["reconcile"], ["rollback", "--vs=web01", "--discard"],
         ["reconcile", "--fix"]]


def test_state_files_are_ours_alone_at_every_moment_of_every_verb(stage, umask):
    stage.open(small())
    open_ones, count = [], stage.lab.count_call

    def looked(handle, method, arguments):
        open_ones.extend(open_to_others(stage.state()))
        return count(handle, method, arguments)
    stage.lab.count_call = looked
    for words in VERBS:
        before = os.umask(umask)
        try:
            ran = stage.vibackup(*words)
        finally:
            os.umask(before)
        assert ran.status == 0, ran.errors
        assert open_to_others(stage.state()) == [], words
    assert open_ones == [] and len(os.listdir(compat.native(stage.state()))) == 3


@pytest.mark.parametrize("umask", [0, 0o022, 0o777], ids=oct)
def test_no_file_is_open_to_others_even_before_a_byte_is_in_it(tmpdir, monkeypatch, umask):
    """Its mode is given when it is made; where the interpreter knows none, right after and before it is written."""
    before_chmod = []
    chmod = os.chmod
    monkeypatch.setattr(os, "chmod", lambda path, mode: before_chmod.append(mode_of(path)) or chmod(path, mode))
    before = os.umask(umask)
    try:
        path = compat.native(compat.text(tmpdir.join("new")))
        with state.new_file(path) as stream:
            assert mode_of(path) == 0o600 and os.path.getsize(path) == 0
            stream.write(b"bytes")
    finally:
        os.umask(before)
    assert mode_of(path) == 0o600 and read(path) == b"bytes"
    assert before_chmod == [0o600 & ~umask] or compat.JYTHON
    with pytest.raises(OSError):
        state.new_file(path)


def test_what_holds_a_servers_disks_is_ours_alone(stage):
    before = os.umask(0)
    try:
        stage.open(archives.two_disks())
        assert archives.make(stage).status == 0
        assert open_to_others(archives.folder(stage)) == []
        ran = stage.vibackup("export-disk", "--disk=db01-data", "--to=" + os.path.join(stage.folder, "data.vhd"))
        assert ran.status == 0 and mode_of(os.path.join(stage.folder, "data.vhd")) == 0o600
    finally:
        os.umask(before)


def test_a_file_that_is_the_managers_own_is_a_warning(stage, monkeypatch):
    stage.open(copies.two_groups())
    chmod = os.chmod

    def refused(path, mode):
        if compat.text(path).find(".vhd.partial") > 0:
            raise OSError(1, "Operation not permitted")
        chmod(path, mode)
    monkeypatch.setattr(os, "chmod", refused)
    ran = copies.export(stage)
    assert ran.status == 0 and "others may be able to read it" in ran.document["warnings"][0]


# -- who may write the state folder

@pytest.mark.parametrize("name", ["", "ledger", "locks", "catalog"])
@pytest.mark.parametrize("others", [0o770, 0o707, 0o777, 0o1777])
def test_a_state_folder_and_one_in_it_that_others_may_write_to_is_refused(stage, name, others):
    stage.open(small())
    assert stage.proxy_backup().status == 0 and stage.vibackup("rollback", "--vs=web01", "--take").status == 0
    os.chmod(os.path.join(stage.state(), name), others)
    ran = judged(stage.vibackup("rollback", "--vs=web01", "--discard"), [3])
    assert "chmod 700" in ran.error and stage.changes() == []
    os.chmod(os.path.join(stage.state(), name), 0o700)
    assert stage.vibackup("rollback", "--vs=web01", "--discard").status == 0


@pytest.mark.parametrize("name", ["ledger", "locks", "catalog", ""])
def test_a_folder_of_another_user_is_refused(tmpdir, monkeypatch, name):
    top = tmpdir.mkdir("state")
    for each in state.FOLDERS:
        top.mkdir(each)
        os.chmod(str(top.join(each)), 0o700)
    os.chmod(str(top), 0o700)
    state.check_private(str(top))
    real = os.stat
    strange = str(top.join(name)) if name else str(top)

    class Another(object):
        st_uid, st_mode = NOBODY, stat.S_IFDIR | 0o700
    monkeypatch.setattr(os, "stat", lambda path, *more, **keys:
                        Another() if str(path) == strange else real(path, *more, **keys))
    with pytest.raises(Exception) as caught:
        state.check_private(str(top))
    assert "belongs to another user" in caught.value.message and os.path.basename(strange) in caught.value.message


def test_a_link_is_followed_to_a_folder_of_ours_and_refused_where_it_leads_to_no_folder(tmpdir):
    real = tmpdir.mkdir("real")
    real.chmod(0o700)
    tmpdir.join("link").mksymlinkto(str(real))
    state.check_private(str(tmpdir.join("link")))
    real.chmod(0o777)
    with pytest.raises(Exception) as caught:
        state.check_private(str(tmpdir.join("link")))
    assert "others may write" in caught.value.message
    real.chmod(0o700)
    for target in ("nowhere", "file"):
        real.join("file").write("")
        real.join("locks").mksymlinkto(str(real.join(target)))
        with pytest.raises(Exception) as caught:
            state.check_private(str(real))
        assert "locks is in the state folder, and " in caught.value.message
        real.join("locks").remove()


def test_a_state_folder_that_others_could_replace_is_refused_unless_the_one_above_is_sticky(tmpdir):
    above = tmpdir.mkdir("above")
    folder = str(above.mkdir("between").mkdir("state"))
    for mode, refused in ((0o777, True), (0o1777, False), (0o703, True), (0o775, False), (0o700, False)):
        above.chmod(mode)
        if not refused:
            state.check_private(folder)
            continue
        with pytest.raises(Exception) as caught:
            state.check_private(folder)
        assert "everybody may write to" in caught.value.message and "chmod o-w" in caught.value.message


@pytest.mark.parametrize("folder", ["ledger", "catalog"])
def test_a_file_in_it_that_others_may_write_to_is_not_believed(stage, folder):
    stage.open(small())
    assert stage.proxy_backup().status == 0 and stage.vibackup("rollback", "--vs=web01", "--take").status == 0
    where = os.path.join(stage.state(), folder)
    path = os.path.join(where, os.listdir(where)[0])
    os.chmod(path, 0o622)
    ran = judged(stage.vibackup(*(["reconcile", "--fix"] if folder == "ledger" else ["backups"])), [2])
    assert "others may write to it" in ran.error and stage.changes() == []


def test_a_file_larger_than_any_is_not_read_into_memory(stage, monkeypatch):
    monkeypatch.setattr(state, "LARGEST", 100)
    stage.open(small())
    stage.proxy_backup()
    assert "has more than 100 bytes" in judged(stage.vibackup("backups"), [2]).error


# -- how guests are reached

@pytest.fixture
def handed_over(monkeypatch):
    commands = []
    monkeypatch.setattr(process_, "run", lambda command, *_more: commands.append(command) or Completed(0, "", ""))
    return commands


def test_ssh_asks_nothing_trusts_nobody_new_and_lends_nothing(handed_over):
    ssh.SshGuests().run("web01", Command(["dd", "if=/dev/sdb", "of=/srv/it's $HOME.img"], None, None), LINUX)
    assert handed_over[0].argv == [
        "ssh", "-T", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=yes", "-o", "ConnectTimeout=20",
        "-o", "ServerAliveInterval=30", "-o", "ForwardAgent=no", "-o", "ForwardX11=no", "-o", "ClearAllForwardings=yes",
        "-o", "PermitLocalCommand=no", "--", "web01", "dd if=/dev/sdb 'of=/srv/it'\"'\"'s $HOME.img'"]


@pytest.mark.parametrize("name", ["-oProxyCommand=touch planted", "web 01", "me@web01", "%h", "web01\nhostname",
                                  "web01%d", "~", "ssh://web01", "web01;x", "\u2028", ""])
def test_a_server_whose_name_is_no_host_is_never_handed_to_ssh(handed_over, name):
    with pytest.raises(Exception) as caught:
        ssh.SshGuests().run(name, Command(["hostname"], None, None), LINUX)
    assert handed_over == [] and "not a host name" in caught.value.message and "\n" not in caught.value.message


def test_the_options_are_some_that_ssh_takes():
    """Where there is an ssh: what it would do with them, asked of itself."""
    found = process_.run(Command(ssh._SSH + ["-G", "--", "web01"], None, None), 20)
    if found.status == process_.NOT_FOUND:
        return
    assert found.status == 0, found.errors
    lines = found.output.splitlines()
    for name, value in (("batchmode", "yes"), ("forwardagent", "no"), ("forwardx11", "no"),
                        ("permitlocalcommand", "no"), ("clearallforwardings", "yes")):
        assert "%s %s" % (name, value) in lines
    assert "stricthostkeychecking yes" in found.output or "stricthostkeychecking true" in found.output


def test_every_ssh_of_a_shipped_table_asks_nothing_and_trusts_nobody_new():
    path = os.path.join(os.path.dirname(arrays.__file__), "arrays.ini")
    lines = [line for line in read(path).decode("utf-8").splitlines() if re.search(r"= *ssh ", line)]
    assert lines and all("-o BatchMode=yes -o StrictHostKeyChecking=yes" in line for line in lines)


# -- where the names in an archive lead

NAMES = ["../00-a.vhd", "/etc/00-a.vhd", "00-a.vhd\0", "..\\00-a.vhd", "a/00-a.vhd", "C:00-a.vhd", "CON", "NUL.vhd",
         "00-CON:.vhd", "00-a.vhd ", "00-a.vhd.", "00-\u202e.vhd", "00-..", ".", "", "00-a.vhd\n", "manifest.json",
         "~/00-a.vhd", "00-a.VHD"]


@pytest.mark.parametrize("name", NAMES, ids=repr)
def test_no_name_in_a_manifest_leads_out_of_its_folder(name):
    assert not manifest._DISK_KEYS["file"][0](name)


@pytest.mark.parametrize("kind", ["a link out of it", "a link within it", "a link to its folder", "a folder", "a pipe"])
def test_what_is_no_plain_file_of_the_folder_is_not_read(stage, kind):
    stage.open(archives.two_disks())
    assert archives.make(stage).status == 0
    folder = archives.folder(stage)
    for name in (archives.FILES[0], "manifest.json"):
        path, kept = os.path.join(folder, name), os.path.join(stage.folder, "kept")
        os.rename(compat.native(path), compat.native(kept))
        if kind == "a pipe":
            subprocess.check_call(["mkfifo", compat.native(path)])
        elif kind == "a folder":
            os.mkdir(compat.native(path))
        else:
            os.symlink(compat.native({"a link out of it": kept, "a link within it": archives.FILES[1],
                                      "a link to its folder": "."}[kind]), compat.native(path))
        for verb in (archives.verify, archives.restore):
            ran = judged(verb(stage), [1, 3])
            assert "is no plain file" in ran.error and stage.changes() == []
        (os.rmdir if kind == "a folder" else os.remove)(compat.native(path))
        os.rename(compat.native(kept), compat.native(path))
    assert archives.verify(stage).status == 0


def test_a_file_of_an_archive_that_has_a_second_name_is_judged_by_what_it_holds(stage):
    """A hard link is a plain file; what it holds must still be what was recorded."""
    stage.open(archives.two_disks())
    assert archives.make(stage).status == 0
    path = os.path.join(archives.folder(stage), archives.FILES[0])
    os.link(compat.native(path), compat.native(os.path.join(stage.folder, "second name")))
    assert archives.verify(stage).status == 0
    with io.open(compat.native(os.path.join(stage.folder, "second name")), "r+b") as stream:
        stream.seek(300000)
        stream.write(b"planted")
    assert judged(archives.verify(stage), [1]).status == 1
