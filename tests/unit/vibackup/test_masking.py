# -*- coding: utf-8 -*-
"""Secrets stay out of what is shown."""
from __future__ import absolute_import, division, print_function, unicode_literals

import pytest

from tests.runs import make_run, small_lab
from vibackup import compat, errors
from vibackup.masking import MASK, mask, secret_in_command, secret_in_location


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


@pytest.mark.parametrize("words, masked", [
    ("agent --password=hunter2 failed", "agent --password=%s failed"),
    ("RESTIC_PASSWORD='hunter2' restic", "RESTIC_PASSWORD='%s' restic"),
    ("https://store/?token=hunter2&x=1", "https://store/?token=%s&x=1"),
    ("rest:https://me:hun/ter2@store/", "rest:https://me:%s@store/")])
def test_a_secret_that_is_assigned_is_masked(words, masked):
    assert mask(words) == masked.replace("%s", MASK)


@pytest.mark.parametrize("words", ["--password-file=/root/p", "RESTIC_PASSWORD_FILE=/root/p", "--password-command=cat",
                                   "https://host:8000/x@y", "wrong password or no key found", "passwords: 3"])
def test_where_a_secret_is_and_what_is_said_of_it_is_not(words):
    assert mask(words) == words


@pytest.mark.parametrize("words", ["a" * 65536, "password" * 8000, "://a:" * 13000, "mysql " * 10000,
                                   "sshpass -e " * 6000, "token=" * 10000, "curl -u " * 8000],
                         ids=lambda words: words[:8])
def test_no_words_take_more_work_than_their_length(words):
    """A guest chooses them: an expression that goes over them again and again would take minutes here."""
    assert mask(words) and secret_in_command([words]) in (True, False) and secret_in_location(words) in (True, False)


def test_every_error_is_without_secrets_and_of_a_size_to_be_read(monkeypatch):
    monkeypatch.setenv(str("A_PASSWORD"), str("hunter2"))
    error = errors.VibackupError("hunter2 and https://me:other@host " + "x" * 10000)
    assert "hunter2" not in error.message and "other" not in compat.text(error) and len(error.message) < 1600


@pytest.mark.parametrize("location", [
    "rclone:remote:path@x", "b2:bucket:path@2024", "host:repo@site", "D:backup@site", "policy:full@daily",
    "http://[::1]:8000/a@b", "/srv/token=abc", "s3:https://host:9000/bucket",
    "sftp:user@host:/path", "C:\\backups", "ssh://user@host:22/./repository", "user@host:/x@y"])
def test_a_location_in_which_no_password_stands_is_not_refused(location):
    assert not secret_in_location(location)


@pytest.mark.parametrize("line", [
    "psql --no-password mydb", "docker login --password-stdin registry", "aws get --secret-id prod/db",
    "x --token-label y", "sh -c mysql -e FLUSH TABLES; cp -pr /a /b", "date +%H:%M@x"])
def test_a_command_in_which_no_password_stands_is_not_refused(line):
    assert not secret_in_command(line.split(" "))
