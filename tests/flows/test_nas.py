# -*- coding: utf-8 -*-
"""Image copies on a NAS, which a proxy's agent backs up: the paper's "Other Backup and Recovery Options", worked out.

The NAS is a folder that every guest of the lab sees under the same path, as a mounted share is.
"""
from __future__ import absolute_import, division, print_function, unicode_literals

import os
import shutil

import pytest

from tests.flows.helpers import (PASSWORD, compat, content_in, kept_lab, objects_in, restic_repository,  # noqa: F401
                                 same_by_cmp, small, vibackup_in)


class Site(object):
    """A lab kept in a folder, a NAS, and a repository of restic somewhere else."""

    def __init__(self, folder, repository):
        self.lab = os.path.join(folder, "lab")
        self.nas = os.path.join(folder, "nas")
        self.repository = repository
        os.mkdir(compat.native(self.nas))
        self.before = kept_lab(self.lab, small())

    def vibackup(self, verb, *words):
        ran = vibackup_in(self.lab, verb, *words)
        assert ran.status == 0, ran.errors
        return ran.document

    def back_up(self, *words):
        """Make a backup in a guest; returns its id."""
        return self.vibackup("agent-backup", *words)["backup"]["id"]

    def files(self, folder):
        """Return ``{path below folder: content}`` of all files below a folder of the NAS."""
        found = {}
        top = compat.native(os.path.join(self.nas, folder))
        for where, _folders, names in os.walk(top):
            for name in names:
                path = os.path.join(where, name)
                with open(path, "rb") as stream:
                    found[compat.text(os.path.relpath(path, top))] = stream.read()
        return found

    def lose(self, folder):
        """The disaster: what was in a folder of the NAS is gone."""
        shutil.rmtree(compat.native(os.path.join(self.nas, folder)))


@pytest.fixture
def site(tmpdir, monkeypatch, restic_repository):  # noqa: F811
    monkeypatch.setenv(str("RESTIC_PASSWORD"), str(PASSWORD))
    monkeypatch.setenv(str("RESTIC_CACHE_DIR"), str(tmpdir.join("cache")))
    return Site(compat.text(tmpdir), restic_repository)


@pytest.mark.needs("dd", "restic", "cmp")
def test_an_image_on_the_nas_is_backed_up_by_the_proxy_lost_and_recovered_in_the_papers_two_steps(site):
    disk = content_in(site.lab, "web01-system")
    image = site.back_up("--vs=web01", "--agent=dd", "--location=" + site.nas)
    copy = site.back_up("--vs=pbh01", "--agent=restic", "--mode=file", "--path=" + site.nas + "/web01",
                        "--location=" + site.repository)
    on_the_nas = site.files("web01")
    site.lose("web01")

    first = site.vibackup("restore", "--backup=" + copy, "--proxy=pbh01", "--to=" + site.nas + "/web01")
    assert first["restored"]["folder"] == site.nas + "/web01" and site.files("web01") == on_the_nas
    site.vibackup("restore", "--backup=" + image, "--proxy=pbh01", "--new-vs=web01-back")

    assert same_by_cmp(disk, content_in(site.lab, "web01-back-system"))
    running = [thing for thing in objects_in(site.lab) if thing["name"] == "web01-back"]
    assert running[0]["power"] == "Running"
    assert os.listdir(compat.native(site.nas)) == ["web01"]


@pytest.mark.needs("tar", "restic")
def test_files_archived_on_the_nas_come_back_the_same_way(site):
    archive = site.back_up("--vs=web01", "--agent=tar", "--mode=file", "--location=" + site.nas)
    copy = site.back_up("--vs=pbh01", "--agent=restic", "--mode=file", "--path=" + site.nas + "/web01",
                        "--location=" + site.repository)
    on_the_nas = site.files("web01")
    site.lose("web01")

    site.vibackup("restore", "--backup=" + copy, "--proxy=pbh01", "--to=" + site.nas + "/web01")
    assert site.files("web01") == on_the_nas
    site.vibackup("restore", "--backup=" + archive, "--proxy=web01", "--to=" + site.nas + "/files of web01")
    assert site.files("files of web01") == {os.path.join("etc", "motd"): b"hello\n"}
    assert objects_in(site.lab) == site.before


@pytest.mark.needs("dd", "restic")
def test_nothing_of_the_image_backup_changes_the_manager(site):
    site.back_up("--vs=web01", "--agent=dd", "--location=" + site.nas)
    assert objects_in(site.lab) == site.before
    assert site.files("web01") == {os.path.join("web01-system", name): content_in(site.lab, "web01-system")
                                   for name in os.listdir(compat.native(os.path.join(site.nas, "web01/web01-system")))}
