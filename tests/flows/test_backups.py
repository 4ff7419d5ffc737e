# -*- coding: utf-8 -*-
"""backups --protect: a backup that retention never removes."""
from __future__ import absolute_import, division, print_function, unicode_literals

import pytest

from tests.flows.helpers import backed_up, stage  # noqa: F401
from vibackup import catalog
from vibackup.run import Run
from vibackup.site import connect_lab


def test_a_backup_is_protected_until_it_is_not_any_more(stage):
    backup = backed_up(stage)
    before = stage.catalog()
    ran = stage.vibackup("backups", "--protect=" + backup)
    assert ran.status == 0, ran.errors
    assert ran.document["backups"] == stage.catalog() == [dict(before[0], protected=True)]
    assert "done: %s of web01 is protected: retention never removes it" % backup in ran.errors
    assert "  ok, protected  " in stage.printed("backups")
    assert stage.vibackup("backups", "--protect=" + backup).status == 0  # again is no fault
    assert stage.vibackup("backups", "--unprotect=" + backup).status == 0
    assert stage.catalog() == [dict(before[0], protected=False)] and "protected" not in stage.printed("backups")


def test_the_dry_run_marks_nothing(stage):
    backup = backed_up(stage)
    before = stage.catalog()
    ran = stage.vibackup("backups", "--dry-run", "--protect=" + backup)
    assert ran.document["plan"] == ["mark: %s of web01 is protected: retention never removes it" % backup]
    assert ran.document["dry_run"] is True and stage.catalog() == before
    assert "would do, and changes nothing now:" in stage.printed("backups", "--dry-run", "--protect=" + backup)


@pytest.mark.parametrize("words", [["--protect=a", "--unprotect=a"], ["--protect=a", "--protect=b"],
                                   ["--unprotect=a", "--unprotect=b"], ["--protect=a", "--vs=web01"]])
def test_two_at_once_are_refused(stage, words):
    backup = backed_up(stage)
    ran = stage.vibackup("backups", *[word.replace("=a", "=" + backup) for word in words])
    assert ran.status == 2 and "one backup is marked at a time" in ran.errors
    assert "protected" not in stage.catalog()[0]


@pytest.mark.parametrize("option", ["--protect", "--unprotect"])
def test_a_backup_that_is_not_there_is_named(stage, option):
    backed_up(stage)
    ran = stage.vibackup("backups", option + "=nothing")
    assert ran.status == 3 and ran.error.startswith("the catalog has no backup nothing")
    assert stage.vibackup("backups", option + "=").status == 2


def test_a_backup_that_another_run_removes_just_now_is_busy(stage):
    """L6: marked at the same moment, it would come back without its bytes."""
    backup = backed_up(stage)
    with Run(connect_lab(stage.lab), stage.state(), "fleet") as other:
        with other.held([catalog.hold(backup)]):
            ran = stage.vibackup("backups", "--protect=" + backup)
    assert ran.status == 4 and "the backup %s is busy" % backup in ran.error
    assert "protected" not in stage.catalog()[0]


def test_a_verification_does_not_bring_back_a_backup_that_is_removed_just_now(stage):
    backup = backed_up(stage)
    with Run(connect_lab(stage.lab), stage.state(), "fleet") as other:
        with other.held([catalog.hold(backup)]):
            ran = stage.vibackup("verify", "--backup=" + backup, "--proxy=pbh01")
    assert ran.status == 4 and ran.document["leftovers"] == [] and "verified" not in stage.catalog()[0]


def test_a_protection_that_is_no_yes_or_no_is_a_damaged_entry(stage):
    backup = backed_up(stage)
    stage.mark(backup, protected="no")
    ran = stage.vibackup("backups")
    assert ran.status == 2 and "not an entry that vibackup wrote" in ran.error


def test_it_needs_no_manager(stage, tmpdir):
    backed_up(stage)
    assert stage.vibackup("backups", "--protect=" + stage.catalog()[0]["id"]).status == 0
    assert stage.calls == []
