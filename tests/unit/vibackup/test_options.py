# -*- coding: utf-8 -*-
"""Options: what they become, and what is refused."""
from __future__ import absolute_import, division, print_function, unicode_literals

import pytest

from vibackup import errors, options, verbs

PROXY_BACKUP = ["--vs=web01", "--proxy=pbh01", "--agent=dd"]


def parse(*words):
    return options.parse("proxy-backup", PROXY_BACKUP + list(words))


def refusal(verb, *words):
    with pytest.raises(errors.UsageError) as caught:
        options.parse(verb, list(words))
    assert "\n" not in caught.value.message
    return caught.value.message


def test_what_is_not_given_has_a_default():
    found = parse()
    assert (found.vs, found.proxy, found.agent.name, found.mode) == ("web01", "pbh01", "dd", "image")
    assert (found.disk, found.skip_raw, found.location, found.freeze, found.thaw) == ([], False, None, None, None)
    assert (found.dry_run, found.json, found.state, found.lab, found.timeout) == (False, False, None, None, 43200)


def test_a_verb_may_be_given_or_be_the_first_word():
    assert options.parse(None, ["backups", "--vs=web01"]).verb == "backups"
    assert options.parse("backups", ["--vs=web01"]).verb == "backups"


@pytest.mark.parametrize("name", ["a=b", "a b", "süd", "-rf", "--help", "$(x)", "a\nb", "../x", "'\""])
def test_a_value_after_an_equals_sign_is_taken_whole(name):
    assert options.parse("backups", ["--vs=" + name]).vs == name


@pytest.mark.parametrize("words", [["--vs="], ["--state="], ["--lab-trace=", "--lab"]], ids=" ".join)
def test_an_option_that_is_given_and_empty_is_refused(words):
    assert "is given, and empty" in refusal("backups", *words)


def test_a_disk_may_be_named_several_times():
    assert parse("--disk=a", "--disk=b").disk == ["a", "b"]


@pytest.mark.parametrize("words, lab", [([], None), (["--lab"], ""), (["--lab=DIR"], "DIR"), (["--lab", "--json"], "")])
def test_a_lab_is_the_demo_or_a_folder(words, lab):
    assert options.parse("backups", words).lab == lab


@pytest.mark.parametrize("word", ["--boot-device", "--bootDevice"])
def test_the_papers_own_spelling_is_understood(word):
    assert options.parse("snapshot-boot", ["--vs=web01", word + "=backup.iso"]).boot_device == "backup.iso"


def test_freeze_and_thaw_are_lists_of_words():
    found = parse("--freeze=fsfreeze -f '/srv data'", "--thaw=fsfreeze -u '/srv data'")
    assert found.freeze == ["fsfreeze", "-f", "/srv data"]
    assert found.thaw == ["fsfreeze", "-u", "/srv data"]


@pytest.mark.parametrize("verb, words, part", [
    ("proxy-backup", ["--proxy=p", "--agent=dd"], "--vs"), ("proxy-backup", ["--vs=v", "--agent=dd"], "--proxy"),
    ("proxy-backup", ["--vs=v", "--proxy=p"], "--agent"), ("snapshot-boot", ["--vs=v"], "--boot-device"),
    ("backups", ["--fix"], "unknown option --fix (try: vibackup backups --help)"),
    ("backups", ["x"], "unknown option x"), ("reconcile", ["--fix=yes"], "--fix"),
    ("backups", ["--timeout=soon"], "not a number of seconds above 0: soon")])
def test_a_wrong_option_is_named(verb, words, part):
    assert part in refusal(verb, *words)


@pytest.mark.parametrize("word", ["1_0", "\u0661\u0662", "\u00b2", "\uff11", " 5", "5 ", "+5", "1e3", "0x10", "5.",
                                  ".5", "1.5.5", "", "0", "0.0", "1000000000", "9" * 400, "True"], ids=repr)
def test_a_timeout_is_plain_digits_and_above_0(word):
    """What one interpreter takes for a number, another does not."""
    assert "not a number of seconds above 0" in refusal("backups", "--timeout=" + word)


def test_a_timeout_ends_with_its_digits():
    with pytest.raises(errors.UsageError):
        options.parse("backups", ["--timeout=5\n"])


@pytest.mark.parametrize("word, seconds", [("1", 1), ("0.5", 0.5), ("007", 7), ("999999999", 999999999)])
def test_a_timeout_is_in_seconds(word, seconds):
    assert options.parse("backups", ["--timeout=" + word]).timeout == seconds


@pytest.mark.parametrize("words", [PROXY_BACKUP + ["--freeze=x"], PROXY_BACKUP + ["--thaw=x"]], ids=["freeze", "thaw"])
def test_freeze_and_thaw_go_together(words):
    assert refusal("proxy-backup", *words) == "--freeze and --thaw go together"


def test_an_agent_that_is_not_known_is_refused_with_those_that_are():
    message = refusal("proxy-backup", "--vs=v", "--proxy=p", "--agent=d")
    assert "--agent=d: not known; known: borg, dd" in message


@pytest.mark.parametrize("words", [["--dry"], ["--dry-ru"], ["--ti=5"], ["--sta=x"], ["--l"], ["--la=x"]], ids=" ".join)
def test_no_option_may_be_shortened(words):
    assert words[0].partition("=")[0] in refusal("backups", *words)


@pytest.mark.parametrize("words", [["--inputfile=x.py"], ["Runner", "--inputfile=x.py"], ["a", "b", "--inputfile=x.py"],
                                   ["--inputfile=x.py", "--inputfile=y.py"]], ids=" ".join)
def test_the_runners_words_are_tolerated(words):
    assert options.parse("backups", words + ["--vs=web01"]).vs == "web01"


@pytest.mark.parametrize("words", [["--dry-rn", "--inputfile=x.py"], ["-n", "--inputfile=x.py"],
                                   ["--inputfile=x.py", "y"], ["--inputfile"]], ids=" ".join)
def test_an_option_that_is_not_known_is_never_taken_for_the_runners(words):
    refusal("backups", *words)


def test_every_verb_has_help_and_an_example(capsys):
    for verb in verbs.MODULES:
        with pytest.raises(SystemExit) as caught:
            options.parse(verb, ["--help"])
        assert not caught.value.code
        assert "example: vibackup %s" % verb in capsys.readouterr()[0]
