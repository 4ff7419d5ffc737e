# -*- coding: utf-8 -*-
"""The command lines that could protect a server."""
from __future__ import absolute_import, division, print_function, unicode_literals

import pytest

from tests.runs import find
from vibackup import checks, choices, techniques, verbs

ARRAY = "[ours]\nsnapshot = true {lun} {tag}\nlist = touch '%s' {lun}\ndelete = true {tag}\n"


def subject(run, name="raw01"):
    vs = find(run, name)
    return choices.Subject(vs, "linux", checks.disks_of(run.manager, vs), [])


def of(run, technique, programs, name="raw01"):
    """Return the Choice of ``technique`` for the server called ``name``."""
    means = choices.Means(programs, [], [])
    [found] = [each for each in choices.all_choices(run, subject(run, name), means) if each.technique is technique]
    return found


@pytest.mark.parametrize("example", [True, False])
def test_an_array_that_is_an_example_is_never_asked(run, tmpdir, monkeypatch, example):
    monkeypatch.setattr(run.manager, "lab", None)
    witness, table = tmpdir.join("witness"), tmpdir.join("arrays.ini")
    table.write(ARRAY % witness + ("example = yes\n" if example else ""))
    known = choices.programs(arrays_file=str(table))
    choice = of(run, techniques.ARRAY, known._replace(arrays={"ours": known.arrays["ours"]}))
    assert [way.words[2] for way in choice.ways] == ([] if example else ["--array=ours"])
    assert witness.exists() is not example


def test_no_array_of_a_lab_is_asked_on_a_real_manager(run, monkeypatch):
    monkeypatch.setattr(run.manager, "lab", None)
    known = choices.programs()
    choice = of(run, techniques.ARRAY, known._replace(arrays={"model": known.arrays["model"]}))
    assert choice.ways == [] and choice.no_more == ["an array of your own can be given with --arrays"]


def test_every_choice_is_of_a_verb_that_can_be_prepared(run):
    for choice in choices.all_choices(run, subject(run, "web01"), choices.Means(choices.programs(), [], [])):
        assert callable(verbs.module(choice.technique.verb).prepare)


IMAGE, FILES = "image_backup = x {device}\n", "file_backup = x {mount}\n"
FILE_SYSTEMS = "file_system_backup = x {mount}\n"


@pytest.mark.parametrize("technique, words, ready", [
    (techniques.PROXY_IMAGE, IMAGE, True), (techniques.PROXY_FILES, FILES, True), (techniques.AGENT_IMAGE, IMAGE, True),
    (techniques.AGENT_FILES, FILES + FILE_SYSTEMS, True), (techniques.AGENT_FILES, FILES, False),
    (techniques.PROXY_IMAGE, FILES, False), (techniques.PROXY_IMAGE, "image_backup = x {location} {device}\n", False)])
def test_a_sites_own_agent_is_the_guess_where_it_can_do_that(run, tmpdir, technique, words, ready):
    table = tmpdir.join("agents.ini")
    table.write("[ours]\n" + words)
    options = choices.agent_options(subject(run), choices.programs(agents_file=str(table)), technique)
    assert ("--agent=ours" in options) is ready and options[-1] == "--agents=%s" % table


def test_an_agent_that_writes_files_is_no_guess_for_the_server_itself(run, tmpdir):
    table = tmpdir.join("agents.ini")
    table.write("[ours]\nsuffix = .img\ndefault_location = /x\nimage_backup = dd if={device} of={file}\n")
    known = choices.programs(agents_file=str(table))
    assert choices.agent_options(subject(run), known, techniques.PROXY_IMAGE)[0] == "--agent=ours"
    assert choices.agent_options(subject(run), known, techniques.AGENT_IMAGE)[0] == "--agent=tsm"
