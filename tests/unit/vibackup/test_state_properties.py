# -*- coding: utf-8 -*-
"""A file of lines may be cut anywhere: what was whole before is still there, and it can be gone on with."""
from __future__ import absolute_import, division, print_function, unicode_literals

import os
import shutil
import tempfile

from hypothesis import given
from hypothesis import strategies as st

from vibackup import state

words = st.text(max_size=12)
values = st.dictionaries(words, st.one_of(words, st.integers(), st.none(), st.lists(words, max_size=2)), max_size=3)


@given(st.lists(values, min_size=1, max_size=5), st.data())
def test_a_file_that_is_cut_keeps_the_lines_before_the_cut_and_takes_new_ones(lines, data):
    folder = tempfile.mkdtemp()
    try:
        path = os.path.join(folder, "lines")
        ends = [0]
        for line in lines:
            state.append_line(path, line)
            ends.append(os.path.getsize(path))
        size = data.draw(st.integers(0, ends[-1]))
        with open(path, "r+b") as stream:
            stream.truncate(size)
        whole = lines[:sum(1 for end in ends[1:] if end <= size)]
        assert state.read_lines(path) == whole
        state.append_line(path, {"after": "the crash"})
        assert state.read_lines(path) == whole + [{"after": "the crash"}]
    finally:
        shutil.rmtree(folder)
