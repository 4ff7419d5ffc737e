# -*- coding: utf-8 -*-
"""Whatever stands in a policy: a Policy, or clear lines; never another error, and never for long."""
from __future__ import absolute_import, division, print_function, unicode_literals

import io
import os
import tempfile
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vibackup import compat, errors
from vibackup.fleet import matching, policy, values
from vibackup.fleet.policy import FLEET, SERVERS
from vibackup.names import printable

GOOD = "[fleet]\nwindow = 22:00-05:00\ndays = mon-fri\n[all servers]\nagent = dd\nlocation = /srv/x\n" \
       "[servers a]\nnames = web* 'my web'\nrpo = 26h\nkeep-last = 3\nfreeze = sync\nthaw = sync\n"

odd = st.one_of(st.text(max_size=30), st.text(alphabet="[]=:;#%\"'\n \t,*?-\\{}\x00\x1b\x0b\u2028a1", max_size=40))
keys = st.one_of(st.sampled_from([key.name for key in FLEET + SERVERS]), odd)
some = st.sampled_from(["22:00-05:00", "mon-fri", "30min", "12", "yes", "dd", "tar", "file", "image", "agent-backup",
                        "web*", "/srv/x", "root", "always", "100MiB", "0", "sync"])
lines = st.one_of(st.builds("{0} = {1}".format, keys, st.one_of(some, odd)), odd,
                  st.builds("[{0}]".format, st.one_of(st.sampled_from(["fleet", "all servers", "servers a", "DEFAULT"]),
                                                      odd)))
names = st.text(min_size=1, max_size=20).filter(
    lambda name: not set(name) & set("\"'\n\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029\0") and name.strip() == name)


@pytest.fixture(scope="module")
def path():
    folder = tempfile.mkdtemp()
    yield os.path.join(compat.text(folder), "night.ini")


def write(path, words):
    with io.open(path, "w", encoding="utf-8", errors="replace") as stream:
        stream.write(words)


def judged(path):
    """Check what the file at ``path`` is read as; return its problems."""
    begun = time.time()
    found = policy.problems(path)
    assert time.time() - begun < 5
    for line in found:
        assert line.startswith(path + ": ") and printable(line) == line and len(line) < 2000
    try:
        read = policy.read(path)
        assert not found and read.sections and all(
            section.agent and any(section.keep.values()) for section in read.sections)
        assert all(section.names or section.file_names or section.nodes or section.disk_groups
                   for section in read.sections)
    except errors.UsageError as error:
        assert found and error.message.startswith(found[0][:500])
    return found


@given(st.lists(lines, max_size=25))
def test_any_lines_are_a_policy_or_clear_faults(path, found):
    write(path, "\n".join(found))
    judged(path)


@given(st.integers(0, len(GOOD)), st.integers(0, len(GOOD)), odd)
def test_a_good_policy_that_was_damaged_is_one_or_the_other(path, one, other, between):
    write(path, GOOD[:min(one, other)] + between + GOOD[max(one, other):])
    judged(path)


@given(st.sampled_from(FLEET + SERVERS), odd)
def test_any_value_of_any_key_is_taken_or_named_with_its_place(path, key, value):
    section = "fleet" if key in FLEET else "servers a"
    head = "[fleet]\n" if key in FLEET else "[servers a]\n"
    rest = "[servers a]\n" if key in FLEET else ""
    rest += "".join(line + "\n" for line in ("names = web*", "agent = dd", "location = /x")
                    if not line.startswith(key.name + " "))
    write(path, "%s%s = %s\n%s" % (head, key.name, " ".join(value.split()), rest))
    for line in judged(path):
        assert "[%s] " % section in line or "[a]" in value or "not an INI file" in line or key.name == "mode", line


@given(st.lists(names, min_size=1, max_size=8), st.sampled_from([" ", ", ", "\n  ", " ,\t"]), st.sampled_from("'\""))
def test_names_are_read_back_as_they_were_written_in_quotes(found, between, quote):
    assert values.names(between.join(quote + name + quote for name in found), "here") == tuple(found)


@given(st.text(max_size=200))
def test_words_are_names_or_refused_with_their_place(words):
    for parse in (values.names, values.patterns, values.days, values.folders, values.addresses):
        try:
            assert isinstance(parse(words, "here"), tuple)
        except errors.UsageError as error:
            assert error.message.startswith("here: ")


@given(st.text(alphabet="ab*?[]!-", max_size=12), st.text(alphabet="ab]-", max_size=60))
def test_a_pattern_is_matched_in_no_time(pattern, name):
    try:
        values.patterns("'%s'" % pattern, "here")
    except errors.UsageError:
        return
    begun = time.time()
    matching.compiled(pattern).match(name * 3)
    assert time.time() - begun < 2
