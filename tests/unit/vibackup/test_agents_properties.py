# -*- coding: utf-8 -*-
"""Whatever the names, they stay apart, they stay one word, and they are never an option."""
from __future__ import absolute_import, division, print_function, unicode_literals

import re

from hypothesis import given
from hypothesis import strategies as st

from vibackup import agents
from vibackup.names import LONGEST_NAME, safe_name

TABLE = agents.load()
names = st.one_of(st.text(), st.text(alphabet="a%-.2F", max_size=8), st.text(alphabet="xé", min_size=20, max_size=140))
paths = st.text(min_size=1).filter(lambda text: "\0" not in text).map(lambda text: "/" + text)


def filled_commands(agent, operation, vs, disk, identifier, path):
    values = agents.values_for(
        agent, vs, disk, path, identifier, device=path, mount=path, origin=path, backup_id="4711",
        target=path)
    return agent.commands(operation, values)


@given(names)
def test_a_safe_name_is_a_short_harmless_path_component(name):
    safe = safe_name(name)
    assert re.match(r"[A-Za-z0-9_%][A-Za-z0-9._%-]*\Z", safe)
    assert len(safe) <= LONGEST_NAME


@given(names, names)
def test_safe_names_are_equal_only_for_equal_names(one, other):
    assert (safe_name(one) == safe_name(other)) == (one == other)


@given(names)
def test_a_safe_name_of_a_safe_name_is_no_other_names(name):
    safe = safe_name(name)
    assert safe == name or safe_name(safe) != safe


@given(st.sampled_from(sorted(TABLE)), st.sampled_from(agents.OPERATIONS + agents.AFTER), names, names, names, paths)
def test_filling_in_changes_neither_the_number_of_words_nor_which_of_them_are_options(
        name, operation, vs, disk, identifier, path):
    agent = TABLE[name]
    if not agent.supports(operation):
        return
    plain = filled_commands(agent, operation, "web01", "system", "b1", "/x")
    filled = filled_commands(agent, operation, vs, disk, identifier, path)
    assert [len(each.argv) for each in filled] == [len(each.argv) for each in plain]
    for one, other in zip(plain, filled):
        assert one.argv[0] == other.argv[0]
        assert [word[:1] == "-" for word in one.argv] == [word[:1] == "-" for word in other.argv]
        assert [one.stdin is None, one.stdout is None] == [other.stdin is None, other.stdout is None]


@given(names, names, names)
def test_a_file_lies_in_the_folder_of_its_disk(vs, disk, identifier):
    values = agents.values_for(TABLE["dd"], vs, disk, "/backups", identifier)
    components = values["file"].split("/")
    assert components[:2] == ["", "backups"] and len(components) == 5
    assert not {"", ".", ".."} & set(components[2:])


@given(st.sampled_from(sorted(TABLE)), st.one_of(st.none(), st.integers()))
def test_only_the_listed_statuses_are_no_failure(name, status):
    verdict = TABLE[name].judge(status)
    assert verdict in (agents.OK, agents.WARNING, agents.FAILED)
    if status is None or not 0 <= status <= 125:
        assert verdict == agents.FAILED


@given(st.sampled_from(sorted(TABLE)), st.text())
def test_no_output_makes_reading_it_fail(name, output):
    agent = TABLE[name]
    assert agent.bytes_read(output) is None or agent.bytes_read(output) >= 0
    agent.backup_id(output)
    agent.progress(output)
