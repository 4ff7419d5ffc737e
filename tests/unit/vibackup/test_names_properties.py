# -*- coding: utf-8 -*-
"""For all names: apart, one path component, one word, never an option, one line."""
from __future__ import absolute_import, division, print_function, unicode_literals

import os
import re
import shutil
import tempfile

from hypothesis import given
from hypothesis import strategies as st

from vibackup import compat
from vibackup.guest import LINUX, Command
from vibackup.names import LONGEST_NAME, printable, safe_name
from vibackup.ssh import remote_line

names = st.one_of(st.text(), st.text(alphabet="aé%-./ \n2F", max_size=6),
                  st.text(alphabet="xé ", min_size=90, max_size=140))


@given(names, names)
def test_distinct_names_stay_distinct(one, other):
    assert (safe_name(one) == safe_name(other)) == (one == other)


@given(names)
def test_a_safe_name_is_one_short_path_component(name):
    safe = safe_name(name)
    assert 0 < len(safe) <= LONGEST_NAME
    assert re.match(r"[A-Za-z0-9_%][A-Za-z0-9._%-]*\Z", safe)
    assert os.path.basename(safe) == safe and safe not in (".", "..")


@given(names)
def test_a_safe_name_is_one_word_of_a_shell_and_of_windows(name):
    safe = safe_name(name)
    assert remote_line(Command([safe], None, None), LINUX).strip("'") == safe
    assert not re.search(r'["\s]', safe)


@given(st.lists(names, min_size=1, max_size=5, unique=True))
def test_files_of_safe_names_are_as_many_as_the_names(given_names):
    folder = tempfile.mkdtemp()
    try:
        for name in given_names:
            with open(os.path.join(folder, compat.native(safe_name(name))), "wb"):
                pass
        assert len(os.listdir(folder)) == len(given_names)
    finally:
        shutil.rmtree(folder)


@given(st.text())
def test_what_is_printable_is_one_line_without_control_characters(name):
    shown = printable(name)
    assert len(shown.splitlines()) <= 1
    assert not re.search("[\x00-\x1f\x7f-\x9f]", shown)


@given(st.text(alphabet=st.characters(min_codepoint=32, max_codepoint=126)))
def test_what_is_plain_is_shown_as_it_is(name):
    assert printable(name) == name
