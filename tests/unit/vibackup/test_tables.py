# -*- coding: utf-8 -*-
"""Tables of programs: how an INI file becomes argument lists, and what is wrong with one is said with its place."""
from __future__ import absolute_import, division, print_function, unicode_literals

import io
import os

import pytest

from vibackup import compat, tables
from vibackup.errors import Refused, UsageError
from vibackup.guest import Command

KEYS = ("run", "words")


def written(tmpdir, words):
    path = os.path.join(compat.text(tmpdir), "table.ini")
    with io.open(compat.native(path), "w", encoding="utf-8") as stream:
        stream.write(words)
    return path


def section_of(tmpdir, words):
    section, = tables.sections(written(tmpdir, "[one]\n" + words), KEYS)
    return section


def filled(tmpdir, line, **values):
    return tables.filled(section_of(tmpdir, "run = " + line).commands("run", ("x", "y"))[0], values, "table one", "run")


def test_a_line_is_split_as_a_shell_would_and_filled_afterwards(tmpdir):
    assert filled(tmpdir, "cp -- '{x} and more' {y}.{x} \"a  b\"", x="a b; rm -rf /", y="$(reboot)") == Command(
        ["cp", "--", "a b; rm -rf / and more", "$(reboot).a b; rm -rf /", "a  b"], None, None)


def test_standard_input_and_output_are_paths_with_placeholders_too(tmpdir):
    assert filled(tmpdir, "cat < {x}/in > '{y} out'", x="/a b", y="c") == Command(["cat"], "/a b/in", "c out")


def test_a_brace_is_written_twice(tmpdir):
    assert filled(tmpdir, "echo {{x}} {x}", x="1").argv == ["echo", "{x}", "1"]


def test_the_words_as_written_are_kept_for_who_looks_for_one(tmpdir):
    line, = section_of(tmpdir, "run = cp {x} b > c").commands("run", ("x",))
    assert line.written == ["cp", "{x}", "b"]
    assert tables.placeholders_in([line]) == {"x"}


def test_several_lines_are_several_commands_and_comments_are_none(tmpdir):
    section = section_of(tmpdir, "run =\n    first\n    # no command\n    second {x}\nwords = two\n    lines\n")
    assert [line.written for line in section.commands("run", ("x",))] == [["first"], ["second", "{x}"]]
    with pytest.raises(UsageError) as caught:
        section.line("words")
    assert caught.value.message.endswith("table.ini: [one] words: must be on one line")


@pytest.mark.parametrize("values, message", [
    ({}, "table one needs {x} for its run, and it is not known"),
    ({"x": ""}, "table one needs {x} for its run, and it is not known"),
    ({"x": "-rf"}, "table one: run would take -rf for an option"),
    ({"x": "a\0b"}, "table one: {x} has a zero byte in it")])
def test_a_value_that_is_missing_or_an_option_is_refused(tmpdir, values, message):
    with pytest.raises(Refused) as caught:
        filled(tmpdir, "rm {x}", **values)
    assert caught.value.message == message


@pytest.mark.parametrize("words, message", [
    ("run = a {z}", "[one] run: unknown placeholder {z}; there are {x}"),
    ("run = a {x!r}", "[one] run: unknown placeholder {x}; there are {x}"),
    ("run = a {", "[one] run: "),
    ("run = a | b", "[one] run: no shell reads |: a | b"),
    ("run = a >b", "[one] run: no shell reads >b: a >b"),
    ("run = a >", "[one] run: > needs one path after it: a >"),
    ("run = > b", "[one] run: no program to run: > b"),
    ("run = 'a", "[one] run: ")])
def test_a_line_that_makes_no_sense_is_a_fault_with_its_place(tmpdir, words, message):
    with pytest.raises(UsageError) as caught:
        section_of(tmpdir, words).commands("run", ("x",))
    assert "table.ini: " + message in caught.value.message and "\n" not in caught.value.message


@pytest.mark.parametrize("words, message", [
    ("[one]\nwalk = a", "[one] walk: unknown key; there are run, words"),
    ("[one]\nrun = a\nrun = b", "[one] run: appears twice"),
    ("[one]\n[one]", "[one] the section: appears twice"),
    ("[one]\nrun = a ; b", "[one] run: a comment must stand on a line of its own"),
    ("run = a", "is not an INI file: ")])
def test_a_file_that_makes_no_sense_is_a_fault_with_its_place(tmpdir, words, message):
    with pytest.raises(UsageError) as caught:
        tables.sections(written(tmpdir, words), KEYS)
    assert "table.ini: " + message in caught.value.message and "\n" not in caught.value.message


def test_a_file_that_is_not_there_is_named():
    with pytest.raises(UsageError) as caught:
        tables.sections("/nowhere/table.ini", KEYS)
    assert caught.value.message.startswith("/nowhere/table.ini: cannot be read: ")
