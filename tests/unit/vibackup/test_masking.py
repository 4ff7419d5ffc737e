# -*- coding: utf-8 -*-
"""Secrets stay out of what is shown."""
from __future__ import absolute_import, division, print_function, unicode_literals

import pytest

from tests.runs import make_run, small_lab
from vibackup import compat, errors
from vibackup.masking import MASK, mask


@pytest.mark.parametrize("words, masked", [
    ("rest:https://user:hunter2@host/repo", "rest:https://user:%s@host/repo"),
    ("sftp://:hunter2@host", "sftp://:%s@host"),
    ("a https://u:p@ss@host/x@y b", "a https://u:%s@host/x@y b"),
    ("https://u:one@h and https://v:two@i", "https://u:%s@h and https://v:%s@i")])
def test_the_password_of_an_address_is_masked(words, masked):
    assert mask(words) == masked.replace("%s", MASK)


@pytest.mark.parametrize("words", ["https://host/path", "https://user@host/path", "https://host:8000/path", "a:b@c",
                                   "user@host:folder", "", "süd"])
def test_what_holds_no_password_stays_as_it_is(words):
    assert mask(words) == words


@pytest.mark.parametrize("name", ["RESTIC_PASSWORD", "BORG_PASSPHRASE", "AWS_SECRET_ACCESS_KEY", "B2_ACCOUNT_KEY",
                                  "AZURE_ACCOUNT_KEY", "MY_TOKEN", "DB_PASSWD", "RCLONE_CONFIG_X_PASS", "api_token"])
def test_a_secret_of_the_environment_is_masked_wherever_it_stands(monkeypatch, name):
    monkeypatch.setenv(str(name), str("hunter2"))
    assert mask("opening with -phunter2, hunter2!") == "opening with -p%s, %s!" % (MASK, MASK)


@pytest.mark.parametrize("name", ["RESTIC_PASSWORD_FILE", "RESTIC_PASSWORD_COMMAND", "BORG_PASSCOMMAND", "HOME"])
def test_where_a_secret_is_kept_is_no_secret(monkeypatch, name):
    monkeypatch.setenv(str(name), str("/etc/where"))
    assert mask("cannot open /etc/where") == "cannot open /etc/where"


def test_a_secret_that_holds_another_is_masked_whole(monkeypatch):
    monkeypatch.setenv(str("A_PASSWORD"), str("hunter"))
    monkeypatch.setenv(str("B_PASSWORD"), str("hunter2hunter"))
    assert mask("hunter2hunter hunter") == "%s %s" % (MASK, MASK)


def test_a_secret_need_not_be_ascii(monkeypatch):
    monkeypatch.setenv(str("A_PASSWORD"), compat.native("schlüssel"))
    assert mask("mit schlüssel") == "mit " + MASK


def test_a_secret_too_short_to_be_one_masks_nothing(monkeypatch):
    monkeypatch.setenv(str("A_PASSWORD"), str("a"))
    assert mask("a banana") == "a banana"


def test_a_run_records_no_secret(monkeypatch, tmpdir):
    monkeypatch.setenv(str("A_PASSWORD"), str("hunter2"))
    with small_lab() as lab:
        shown = []
        run = make_run(lab, tmpdir, show=lambda what, value: shown.append((what, dict(value) if isinstance(value, dict)
                                                                         else value)))
        run.warn("hunter2 is wrong")
        with pytest.raises(errors.GuestError):
            with run.step("backup", "web01"):
                raise errors.GuestError("cannot log in with hunter2")
        assert "hunter2" not in repr((run.warnings, run.steps, shown))
        assert MASK in repr(run.steps)
