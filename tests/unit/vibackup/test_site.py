# -*- coding: utf-8 -*-
"""Where a run works, and where it keeps its state."""
from __future__ import absolute_import, division, print_function, unicode_literals

import os

import pytest

from tests.runs import small_lab
from vibackup import compat, errors, site


def test_where_no_lab_is_asked_for_none_is_used(monkeypatch):
    monkeypatch.delenv(str("VIBACKUP_STATE"), raising=False)
    with pytest.raises(errors.Unavailable):
        site.connect()


def test_a_lab_is_a_manager_with_a_clock_and_guests_of_its_own():
    with small_lab() as lab:
        manager = site.connect_lab(lab)
        assert manager.lab is lab
        assert manager.clock is lab.clock
        assert manager.guests is lab.guests


def test_the_state_is_kept_where_the_option_says():
    with small_lab() as lab:
        assert site.state_folder("/chosen", lab) == "/chosen"
    assert site.state_folder("/chosen", None) == "/chosen"


def test_the_state_of_a_lab_is_kept_in_the_lab_whatever_the_environment_says(monkeypatch):
    """Else a rehearsal would be found in the catalog of the real site."""
    monkeypatch.setenv(str("VIBACKUP_STATE"), str("/real"))
    with small_lab() as lab:
        assert site.state_folder(None, lab) == os.path.join(compat.text(lab.folder), "state")


@pytest.mark.parametrize("value, folder", [("/srv/state", "/srv/state"), ("", "/home/backup/.vibackup"),
                                           (None, "/home/backup/.vibackup")])
def test_the_state_of_a_real_site_is_kept_where_the_environment_says_or_at_home(monkeypatch, value, folder):
    monkeypatch.setenv(str("HOME"), str("/home/backup"))
    monkeypatch.delenv(str("VIBACKUP_STATE"), raising=False)
    if value is not None:
        monkeypatch.setenv(str("VIBACKUP_STATE"), str(value))
    assert site.state_folder(None, None) == folder
