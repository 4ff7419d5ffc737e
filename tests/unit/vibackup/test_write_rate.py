# -*- coding: utf-8 -*-
"""How fast a server writes, as its guest counts it."""
from __future__ import absolute_import, division, print_function, unicode_literals

import pytest

from tests.runs import find, make_run, server, small_lab
from vibackup import errors, write_rate
from vibackup.guest import Completed


def measured(tmpdir, name, **settings):
    """Return the rate of a server of the small lab whose description has ``settings``."""
    with small_lab(lambda description: server(description, name).update(settings)) as lab:
        run = make_run(lab, tmpdir)
        return write_rate.bytes_per_second(run, find(run, name))


@pytest.fixture
def answers(monkeypatch, run):
    """Let guests print what a test puts into this list for ``cat`` and ``powershell``, one after the other."""
    said, real = [], run.manager.guests.run

    def answered(name, command, *more):
        return Completed(0, said.pop(0), "") if command.argv[0] in ("cat", "powershell") else real(name, command, *more)
    monkeypatch.setattr(run.manager.guests, "run", answered)
    return said


def stats(*rows):
    return "".join("   8 0 %s 1 2 3 4 5 6 %s 8 9 10 11\n" % row for row in rows)


def test_a_linux_guest_counts_what_all_its_disks_have_written(tmpdir):
    assert measured(tmpdir, "web01", write_bytes_per_second=51200) == 51200


def test_a_windows_guest_tells_its_rate(tmpdir):
    assert measured(tmpdir, "db01", write_bytes_per_second=12345) == 12345


@pytest.mark.parametrize("name", ["web01", "db01"])
def test_a_server_that_does_not_run_writes_nothing_and_is_not_asked(tmpdir, name):
    assert measured(tmpdir, name, power="Stopped", write_bytes_per_second=512) == 0


def test_it_is_measured_over_some_seconds_of_the_managers_clock(run):
    begun = run.manager.clock.monotonic()
    write_rate.bytes_per_second(run, find(run, "web01"))
    assert run.manager.clock.monotonic() - begun >= write_rate.SECONDS


def test_partitions_and_other_devices_are_not_counted_twice(run, answers):
    answers += [stats(("sda", 0), ("sda1", 0), ("dm-0", 0)), stats(("sda", 100), ("sda1", 100), ("dm-0", 100))]
    assert write_rate.bytes_per_second(run, find(run, "web01")) == 100 * 512 / write_rate.SECONDS


@pytest.mark.parametrize("said, words", [
    (["", ""], "does not count sda"),
    ([stats(("sdb", 5)), ""], "does not count sda"),
    (["8 0 sda a b c d e f g", ""], "does not count sda"),
    ([stats(("sda", 100)), stats(("sda", 50))], "counts backwards")])
def test_a_count_that_makes_no_sense_is_an_error(run, answers, said, words):
    answers += said
    with pytest.raises(errors.GuestError) as caught:
        write_rate.bytes_per_second(run, find(run, "web01"))
    assert words in caught.value.message and "web01" in caught.value.message


@pytest.mark.parametrize("said, rate", [("0\r\n", 0), ("4096\r\n", 4096), ("81,25\r\n", 81.25), ("81.25", 81.25),
                                        ("1.5E+3", 1500)])
def test_a_windows_guest_may_speak_its_own_language(run, answers, said, rate):
    answers.append(said)
    assert write_rate.bytes_per_second(run, find(run, "db01")) == rate


@pytest.mark.parametrize("said", ["", "n/a", "-1", "1 2", "4096\n4096", "nan", "1e999", "9" * 400])
def test_a_figure_that_is_none_is_an_error(run, answers, said):
    answers.append(said)
    with pytest.raises(errors.GuestError) as caught:
        write_rate.bytes_per_second(run, find(run, "db01"))
    assert "db01: powershell: not a number of bytes a second" in caught.value.message


def test_an_operating_system_that_nobody_knows_is_refused(tmpdir):
    with pytest.raises(errors.Refused):
        measured(tmpdir, "web01", operating_system="NetWare")
