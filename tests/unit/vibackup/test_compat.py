# -*- coding: utf-8 -*-
"""What differs between interpreters has one behaviour here."""
from __future__ import absolute_import, division, print_function, unicode_literals

import csv
import io
import os
import subprocess
import sys

import pytest

from fakes.faults import ManagementException
from vibackup import compat, errors

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(compat.__file__)))


# -- text

class Odd(object):
    """An object whose words are not ASCII, as an event of the manager may be."""

    def __str__(self):
        return "süd" if compat.PYTHON3 else "süd".encode("utf-8")

    def __repr__(self):
        return str("Odd()")  # the test's name: the same in every process


@pytest.mark.parametrize("value, words", [
    ("süd", "süd"), ("süd".encode("utf-8"), "süd"), (b"\xff", "\ufffd"), (7, "7"), (None, "None"), (Odd(), "süd"),
    (ValueError("süd"), "süd"), (errors.Refused("süd"), "süd")], ids=repr)
def test_anything_has_words(value, words):
    assert compat.text(value) == words


def test_a_command_line_is_text_and_keeps_what_is_not_utf_8_from_throwing():
    if compat.PYTHON3:
        argv = [os.fsdecode("süd".encode("utf-8")), os.fsdecode(b"a\xff")]
    else:
        argv = ["süd".encode("utf-8"), b"a\xff"]
    first, second = compat.arguments(argv)
    assert first == "süd"
    assert isinstance(second, compat.text_type) and second.startswith("a")


@pytest.mark.parametrize("name", ["plain", "süd", "服务器", "a b"])
def test_a_native_name_is_that_file(tmpdir, name):
    path = os.path.join(compat.native(compat.text(str(tmpdir))), compat.native(name))
    with open(path, "wb") as stream:
        stream.write(b"x")
    assert os.listdir(str(tmpdir).encode("utf-8") if compat.PYTHON3 else str(tmpdir)) == [name.encode("utf-8")]


def test_an_environment_variable_is_text_or_nothing(monkeypatch):
    monkeypatch.setenv(str("VIBACKUP_TEST"), compat.native("süd"))
    assert compat.environment("VIBACKUP_TEST") == "süd"
    monkeypatch.setenv(str("VIBACKUP_TEST"), str(""))
    assert compat.environment("VIBACKUP_TEST") is None
    monkeypatch.delenv(str("VIBACKUP_TEST"))
    assert compat.environment("VIBACKUP_TEST") is None


def test_what_is_printed_is_utf_8_whatever_the_locale_says():
    script = "from vibackup import compat; import sys; compat.write_text(sys.stdout, u's\\xfcd\\n')"
    environment = dict(os.environ, LC_ALL=str("C"), PYTHONIOENCODING=str("ascii"))
    child = subprocess.Popen([sys.executable, "-c", script], cwd=ROOT, env=environment, stdout=subprocess.PIPE)
    assert child.communicate()[0] == "süd\n".encode("utf-8")


def test_what_cannot_be_utf_8_is_printed_as_an_escape():
    if compat.PYTHON3:
        stream = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
        compat.write_text(stream, "a" + chr(0xDCFF) + "b")  # no such literal on Jython
        assert stream.buffer.getvalue() == b"a\\udcffb"


# -- errors

@pytest.mark.parametrize("error, words", [
    (ValueError("no"), "no"), (ValueError("a\n  b\tc"), "a b c"), (ValueError(""), "ValueError"),
    (ValueError("süd"), "süd"), (ManagementException("no"), "no"), (ManagementException("a\nb"), "a b"),
    (ManagementException(), "ManagementException"), (errors.Busy("süd\nx"), "süd x"), (KeyError("k"), None)], ids=repr)
def test_the_message_of_an_error_is_one_line(error, words):
    assert words is None or compat.message(error) == words
    assert len(compat.message(error).splitlines()) == 1


@pytest.mark.parametrize("error", [ValueError("x"), IOError(2, "x"), ManagementException("x"), errors.Busy("x")],
                         ids=lambda error: type(error).__name__)
def test_errors_of_python_and_of_java_are_faults(error):
    assert isinstance(error, compat.FAULTS)


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_what_ends_a_program_is_none(error):
    assert not issubclass(error, compat.FAULTS)


# -- files

def test_a_file_is_replaced_in_one_step(tmpdir):
    tmpdir.join("new").write("new")
    tmpdir.join("old").write("old")
    compat.replace(str(tmpdir.join("new")), str(tmpdir.join("old")))
    assert [each.basename for each in tmpdir.listdir()] == ["old"]
    assert tmpdir.join("old").read() == "new"


def test_a_file_that_is_not_there_replaces_nothing(tmpdir):
    tmpdir.join("old").write("old")
    with pytest.raises(OSError):
        compat.replace(str(tmpdir.join("missing")), str(tmpdir.join("old")))
    assert tmpdir.join("old").read() == "old"


@pytest.mark.parametrize("word, quoted", [("plain", "plain"), ("a b", "'a b'"), ("", "''"), ("it's", "'it'\"'\"'s'")])
def test_a_word_is_quoted_for_a_shell(word, quoted):
    assert compat.shell_quote(word) == quoted


def test_whether_this_is_windows_is_known_on_jython_too():
    assert compat.WINDOWS == (os.sep == "\\")


# -- words, rows and time

@pytest.mark.parametrize("line, words", [
    ("a b", ["a", "b"]), ("", []), ("  ", []), ("'a b' c", ["a b", "c"]), ("süd 'ost west'", ["süd", "ost west"]),
    ('a"b"c', ["abc"]), ("a\\ b", ["a b"]), ("$(x); y", ["$(x);", "y"]), ("\u670d \u52a1", ["\u670d", "\u52a1"])],
    ids=repr)
def test_a_line_is_split_as_a_shell_would_into_text(line, words):
    found = compat.split_words(line)
    assert found == words
    assert all(isinstance(word, compat.text_type) for word in found)


@pytest.mark.parametrize("line", ["'open", 'a "b', "a\\"])
def test_a_line_whose_quotes_do_not_close_is_no_words(line):
    with pytest.raises(ValueError):
        compat.split_words(line)


@pytest.mark.parametrize("lines, rows", [
    ([], []), (["a,b"], [["a", "b"]]), (['"a,b","c ""d"""'], [["a,b", 'c "d"']]),
    (["süd,", "x,y"], [["süd", ""], ["x", "y"]])],
    ids=repr)
def test_rows_of_csv_are_text(lines, rows):
    found = compat.csv_rows(lines)
    assert found == rows
    assert all(isinstance(value, compat.text_type) for row in found for value in row)


def test_a_value_that_is_too_long_is_no_csv():
    with pytest.raises(csv.Error):
        compat.csv_rows(["x" * 200000])


def test_monotonic_seconds_never_go_back():
    moments = [compat.monotonic() for _number in range(1000)]
    assert moments == sorted(moments)


def test_monotonic_seconds_do_not_follow_the_wall_clock(monkeypatch):
    class Jumping(object):
        def time(self):
            return 0.0

    before = compat.monotonic()
    monkeypatch.setattr(compat, "time", Jumping())
    assert compat.monotonic() >= before > 0


# -- the size of a terminal

class Closed(object):
    def fileno(self):
        raise ValueError("I/O operation on closed file")


@pytest.mark.parametrize("stream", [None, Closed()], ids=["none", "closed"])
@pytest.mark.parametrize("columns, lines, size", [
    ("", "", (80, 24)), ("132", "50", (132, 50)), ("0", "-3", (80, 24)), ("x", "99999", (80, 24)),
    ("\xb2", "1", (80, 1))])
def test_a_terminal_that_does_not_tell_its_size_has_that_of_the_environment_or_the_usual_one(
        monkeypatch, stream, columns, lines, size):
    monkeypatch.setenv(str("COLUMNS"), compat.native(columns))
    monkeypatch.setenv(str("LINES"), compat.native(lines))
    assert compat.terminal_size(stream) == size


@pytest.mark.any_interpreter
def test_a_terminal_tells_its_size():
    import fcntl
    import pty
    import struct
    import termios
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack(str("HHHH"), 40, 132, 0, 0))
    with os.fdopen(theirs, "w") as stream:
        assert compat.terminal_size(stream) == (132, 40)
    os.close(ours)


# -- what is a terminal

class Console(object):
    """Java's console; that of Java 22 and later is there also where there is no terminal, and says so."""

    def __init__(self, answer):
        self.isTerminal = lambda: answer


class File(object):
    def __init__(self, answer):
        self.isatty = lambda: answer


@pytest.mark.parametrize("answer, console, found", [
    (True, None, True), (False, None, False), (False, object(), True), (False, Console(True), True),
    (False, Console(False), False)])
def test_java_is_asked_where_the_stream_does_not_know_of_its_terminal(monkeypatch, answer, console, found):
    monkeypatch.setattr(compat, "_console", lambda: console)
    monkeypatch.setattr(sys, "__stdout__", File(answer))
    assert compat.is_terminal(sys.__stdout__) is found


def test_java_is_asked_of_standard_output_alone(monkeypatch):
    monkeypatch.setattr(compat, "_console", object)
    assert not compat.is_terminal(File(False))
    assert not compat.is_terminal(None)


def test_what_goes_into_a_pipe_goes_to_no_terminal():
    script = "from vibackup import compat; import sys; print(compat.is_terminal(sys.stdout))"
    assert subprocess.check_output([sys.executable, "-c", script], cwd=ROOT).split() == [b"False"]
