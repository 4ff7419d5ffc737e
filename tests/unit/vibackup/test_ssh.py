# -*- coding: utf-8 -*-
"""ssh: which names and words are handed over, and that they arrive unharmed."""
from __future__ import absolute_import, division, print_function, unicode_literals

import subprocess

import pytest

from vibackup import compat, errors, process, ssh
from vibackup.guest import LINUX, WINDOWS, Command, Completed

HOSTILE = ["plain", "", " ", "a b", "'", '"', "'\"'", "$(echo run)", "`echo run`", "$HOME", "${HOME}", ";", "a;b", "&&",
           "|", ">", "> /tmp/x", "<", "\\", "a\\", "\\\\", "*", "?", "[a]", "~", "#", "!", "!!", "-rf", "--help", "(",
           ")", "{a,b}", "\n", "a\nb", "\t", "süd", "服务器", "%s", "%PATH%", "=", "a=b", "../..", "\x7f", "\x01"]


def through_a_shell(line):
    """Return the words that a shell makes of ``line``, which ends in words for printf."""
    child = subprocess.Popen(["sh", "-c", compat.native(line)], stdout=subprocess.PIPE)
    output = child.communicate()[0]
    assert child.returncode == 0
    return [compat.text(word) for word in output.split(b"\0")[:-1]]


@pytest.fixture
def handed_over(monkeypatch):
    """What would have been run: a list of words."""
    commands = []

    def run(command, *_more):
        commands.append(command)
        return Completed(0, "", "")

    monkeypatch.setattr(process, "run", run)
    return commands


# -- the shell over there

def test_every_word_reaches_a_linux_guest_as_it_is():
    line = ssh.remote_line(Command(["printf", "%s\\0"] + HOSTILE, None, None), LINUX)
    assert through_a_shell(line) == HOSTILE


@pytest.mark.parametrize("name", ["plain", "a b", "$(touch run)", "'; touch run; '", "süd", "-rf", "a\nb", ">x"])
def test_the_files_of_a_command_may_have_any_name(tmpdir, monkeypatch, name):
    monkeypatch.chdir(tmpdir)
    source, target = name, name + ".out"
    with open(compat.native(source), "wb") as stream:
        stream.write(b"bytes")
    line = ssh.remote_line(Command(["cat"], source, target), LINUX)
    through_a_shell(line)
    with open(compat.native(target), "rb") as stream:
        assert stream.read() == b"bytes"
    assert len(tmpdir.listdir()) == 2


@pytest.mark.parametrize("word, quoted", [
    ("plain", "plain"), ("C:\\a", "C:\\a"), ("", '""'), ("a b", '"a b"'), ("a&b", '"a&b"'), ("a|b", '"a|b"'),
    ("C:\\a b\\", '"C:\\a b\\\\"'), ("süd", '"süd"'), ("100%", '"100%"'), ("a%20b%20c", '"a%20b%20c"'),
    ("%C3%BCber%20x", '"%C3%BCber%20x"')])
def test_a_word_for_a_windows_guest_is_quoted(word, quoted):
    assert ssh.remote_line(Command([word], None, None), WINDOWS) == quoted


@pytest.mark.parametrize("word", ['a"b', "a\nb", "a\rb", '" & shutdown & "', "%PATH%", "a%USERNAME%b", "%DATE%", "x\n"])
def test_what_cannot_be_quoted_for_windows_is_refused(word):
    with pytest.raises(errors.Refused) as caught:
        ssh.remote_line(Command(["dir", word], None, None), WINDOWS)
    assert "\n" not in caught.value.message


# -- ssh itself

@pytest.mark.parametrize("name", ["web01", "web01.example.com", "10.0.0.7", "WEB_01-a"])
def test_a_host_is_asked_by_its_name(handed_over, name):
    ssh.SshGuests().run(name, Command(["hostname"], None, None), LINUX)
    assert handed_over[0].argv[-3:] == ["--", name, "hostname"]


@pytest.mark.parametrize("name", ["-oProxyCommand=reboot", "--", "-", "", "a b", "user@host", "host;reboot",
                                  "$(reboot)", "../x", "süd", "web01\n", "a\nb", ".", "[::1]", "ssh://x", "a/b"])
def test_a_name_that_is_no_host_is_refused_and_nothing_is_run(handed_over, name):
    with pytest.raises(errors.Refused):
        ssh.SshGuests().run(name, Command(["hostname"], None, None), LINUX)
    assert not handed_over


@pytest.mark.parametrize("option", ["BatchMode=yes", "StrictHostKeyChecking=yes"])
def test_no_password_is_asked_for_and_no_unknown_host_is_trusted(handed_over, option):
    ssh.SshGuests().run("web01", Command(["hostname"], None, None), LINUX)
    argv = handed_over[0].argv
    assert argv[0] == "ssh"
    assert argv[argv.index(option) - 1] == "-o"
    assert argv.index(option) < argv.index("--")


def test_the_files_are_those_of_the_guest_and_not_of_this_machine(handed_over):
    ssh.SshGuests().run("web01", Command(["cat"], "/in", "/out"), LINUX)
    assert (handed_over[0].stdin, handed_over[0].stdout) == (None, None)
    assert handed_over[0].argv[-1] == "cat < /in > /out"


def test_time_progress_and_stop_are_handed_on(monkeypatch):
    handed = []
    monkeypatch.setattr(process, "run", lambda _command, *more: handed.extend(more))
    timeout, on_output, should_stop = 7, object(), object()
    ssh.SshGuests().run("web01", Command(["hostname"], None, None), LINUX, timeout, on_output, should_stop)
    assert handed == [timeout, on_output, should_stop]
