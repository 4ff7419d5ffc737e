# -*- coding: utf-8 -*-
"""Child processes: how they end, what they print, and how they are stopped."""
from __future__ import absolute_import, division, print_function, unicode_literals

import os
import signal
import time

import pytest

from vibackup import compat, errors, process
from vibackup.guest import Command


def sh(script, stdin=None, stdout=None):
    return Command(["sh", "-c", script], stdin, stdout)


def run(script, **more):
    return process.run(sh(script), **more)


# -- how it ends

@pytest.mark.parametrize("status", [0, 1, 2, 3, 8, 12, 125, 126, 128, 255])
def test_the_exit_status_is_the_programs(status):
    assert run("exit %d" % status).status == status


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL, signal.SIGHUP])
def test_a_death_by_a_signal_is_128_and_the_signal(number):
    assert run("kill -%d $$" % number).status == 128 + number


def test_a_program_that_is_not_there_is_127_as_in_a_shell():
    completed = process.run(Command(["no-such-program", "x"], None, None))
    assert completed.status == 127
    assert completed.errors.startswith("no-such-program: ")


def test_a_file_that_is_no_program_is_not_run(tmpdir):
    tmpdir.join("data").write("not a program")
    assert process.run(Command([compat.text(str(tmpdir.join("data")))], None, None)).status == 127


def test_ok_in_the_text_does_not_help_a_bad_status():
    assert run("echo OK; exit 1").status == 1


def test_a_zero_byte_in_a_word_is_refused():
    with pytest.raises(errors.Refused) as caught:
        process.run(Command(["echo", "a\0b"], None, None))
    assert "\\x00" in caught.value.message


if compat.PYTHON3:
    def test_half_a_character_in_a_word_is_refused():
        with pytest.raises(errors.Refused) as caught:
            process.run(Command(["echo", b"a\xed\xa0\x80".decode("utf-8", "surrogatepass")], None, None))
        assert caught.value.message == "echo a\\ud800: what is no text cannot be handed to a program"


# -- what it prints

def test_output_and_errors_are_kept_apart():
    completed = run("echo out; echo err >&2")
    assert (completed.output, completed.errors) == ("out\n", "err\n")


def test_output_is_utf_8_and_what_is_not_does_no_harm():
    completed = run(r"printf 's\303\274d \377\n'")
    assert completed.output == "süd \ufffd\n"


def test_of_much_output_the_last_64_kib_are_kept():
    completed = run("i=0; while [ $i -lt 3000 ]; do echo 0123456789012345678901234567890123456789$i; i=$((i+1)); done"
                    "; printf the-end")
    assert len(completed.output) == process.KEPT_BYTES
    assert completed.output.endswith("2999\nthe-end")


def test_more_of_it_is_kept_where_that_is_asked_for():
    completed = run("yes 0123456789 | head -n 100000; printf the-end", kept=2000000)
    assert completed.output == "0123456789\n" * 100000 + "the-end"


def test_errors_are_bounded_too():
    completed = run("dd if=/dev/zero bs=1024 count=300 2>/dev/null | tr '\\0' x >&2")
    assert completed.errors == "x" * process.KEPT_BYTES


def test_each_line_is_handed_out_as_it_comes():
    lines = []
    run("printf 'one\\ntwo\\n\\nthree'", on_output=lines.append)
    assert lines == ["one", "two", "three"]


def test_a_carriage_return_ends_a_line_of_progress():
    lines = []
    run(r"printf '10 %%\r20 %%\r\n30 %%\r'", on_output=lines.append)
    assert lines == ["10 %", "20 %", "30 %"]


def test_lines_of_errors_are_handed_out_too():
    lines = []
    run("echo 1000 bytes copied >&2", on_output=lines.append)
    assert lines == ["1000 bytes copied"]


def test_a_line_without_end_is_handed_out_in_its_last_part():
    lines = []
    run("dd if=/dev/zero bs=1024 count=300 2>/dev/null | tr '\\0' x", on_output=lines.append)
    assert lines == ["x" * process.KEPT_BYTES]


def test_who_cannot_take_a_line_does_not_stop_the_program():
    """Else its pipe fills up, and it waits for ever."""
    told = []

    def broken(line):
        told.append(line)
        raise IOError("broken pipe")

    completed = run("i=0; while [ $i -lt 20000 ]; do echo 0123456789; i=$((i+1)); done; exit 3", on_output=broken,
                    timeout=60)
    assert completed.status == 3
    assert told == ["0123456789"]


# -- files

def test_output_can_go_to_a_new_file(tmpdir):
    path = compat.text(str(tmpdir)) + "/süd 'x'"
    assert process.run(sh("printf bytes", stdout=path)).output == ""
    with open(compat.native(path), "rb") as stream:
        assert stream.read() == b"bytes"


def test_output_to_what_is_there_is_written_in_place_as_to_a_device(tmpdir):
    path = tmpdir.join("device")
    path.write("0123456789")
    process.run(sh("printf ab", stdout=compat.text(str(path))))
    assert path.read() == "ab23456789"


def test_input_can_come_from_a_file(tmpdir):
    tmpdir.join("in").write("from the file")
    assert process.run(sh("cat", stdin=compat.text(str(tmpdir.join("in"))))).output == "from the file"


def test_without_one_there_is_nothing_to_read():
    assert run("cat", timeout=60).output == ""


def test_a_file_that_is_not_there_is_a_failure(tmpdir):
    missing = compat.text(str(tmpdir.join("missing", "file")))
    for command in (sh("true", stdin=missing), sh("true", stdout=missing)):
        completed = process.run(command)
        assert completed.status == 127
        assert completed.errors.startswith("sh: ")


def test_it_runs_where_and_with_what_it_is_told(tmpdir):
    completed = run("pwd; echo $ONE", cwd=str(tmpdir), env=dict(os.environ, ONE=str("1")))
    assert completed.output == "%s\n1\n" % os.path.realpath(str(tmpdir))


@pytest.mark.parametrize("word", ["a b", "", "$(reboot)", "`x`", ";", "süd", "-n", "a\nb", "'\"\\", "*"])
def test_no_shell_reads_a_word(word):
    completed = process.run(Command(["sh", "-c", 'printf %s "$1"', "sh", word], None, None))
    assert completed.output == word


# -- stopping

def test_a_program_that_runs_too_long_is_ended_and_has_no_status():
    completed = run("echo begun; exec sleep 600", timeout=0.2)
    assert completed.status is None
    assert completed.output == "begun\n"


def test_a_program_within_its_time_is_not_ended():
    assert run("exit 5", timeout=600).status == 5


def test_a_stop_that_is_asked_for_ends_the_program():
    assert run("exec sleep 600", should_stop=lambda: True).status is None


def test_a_stop_is_asked_about_all_the_while():
    asked = []

    def stop():
        asked.append(True)
        return len(asked) > 5

    assert run("exec sleep 600", should_stop=stop).status is None


def test_a_program_that_will_not_end_is_killed(monkeypatch):
    monkeypatch.setattr(process, "KILL_AFTER_SECONDS", 0.2)
    begun = compat.monotonic()
    completed = run("trap '' TERM; echo deaf; while :; do :; done",
                    should_stop=lambda: compat.monotonic() - begun > 0.5)
    assert completed.status is None


def test_a_wall_clock_that_jumps_does_not_end_a_program(monkeypatch):
    moments = [0.0]

    class Jumping(object):
        def __getattr__(self, name):
            return getattr(time, name)

        def time(self):
            moments[0] += 10 * 365 * 86400.0
            return moments[0]

    monkeypatch.setattr(compat, "time", Jumping())
    assert run("exit 5", timeout=600).status == 5


def test_what_the_program_has_started_ends_with_it_where_there_are_sessions(monkeypatch):
    if not compat.OWN_SESSION:  # it goes on, and its output is waited for so long
        monkeypatch.setattr(process, "KILL_AFTER_SECONDS", 1)
    begun = time.time()
    completed = process.run(Command(["sh", "-c", "sleep 30 & wait"], None, None), timeout=0.2)
    assert completed.status is None
    if compat.OWN_SESSION:
        assert time.time() - begun < process.KILL_AFTER_SECONDS
