# -*- coding: utf-8 -*-
"""proxy-backup --mode=file: the files of a server, by a proxy of the same operating system."""
from __future__ import absolute_import, division, print_function, unicode_literals

import io
import tarfile

import pytest

from tests.flows.helpers import demo, named, small, stage  # noqa: F401


def extracted(data):
    """Return ``{path: content}`` of the files in a tar archive."""
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        return dict((member.name.replace("./", "", 1), archive.extractfile(member).read())
                    for member in archive.getmembers() if member.isfile())


@pytest.mark.needs("tar")
def test_the_files_of_a_linux_server_come_out_of_the_archive_as_they_were(stage):
    backup = stage.proxy_backup("--mode=file", agent="tar").document["backup"]
    archive = stage.image(dict(backup, id=backup["id"] + ".1"), "web01-system", suffix=".tar")
    assert extracted(archive) == {"etc/hostname": b"web01\n", "srv/www/index.html": b"<h1>It works</h1>\n"}
    before = stage.object("pbh01")
    assert before["mounts"] == {}


WINDOWS_TAR = """
[wintar]
file_backup =
    mkdir -p -- {folder}
    tar --create --force-local --file={folder}/{id}.tar --directory={mount} .
"""


@pytest.mark.needs("tar")
def test_the_files_of_a_windows_server_are_backed_up_by_a_windows_proxy(stage):
    before = stage.objects()
    table = stage.write("agents.ini", WINDOWS_TAR)
    ran = stage.proxy_backup("--mode=file", "--agents=" + table, "--location=here", vs="db01", proxy="pbhwin",
                             agent="wintar")
    assert ran.status == 0, ran.errors
    found = {}
    for disk in ("db01-system", "db01-data"):
        backup = dict(ran.document["backup"], id=ran.document["backup"]["id"] + ".1")
        found.update(extracted(stage.image(backup, disk, "pbhwin", ".tar")))
    assert found == {"Windows/win.ini": b"; db01\n", "boot.ini": b"[boot loader]\n",
                     "data/orders.mdf": b"orders 1 2 3\n"}
    assert stage.objects() == before


@pytest.mark.parametrize("vs, proxy", [("db01", "pbh01"), ("web01", "pbhwin")])
def test_files_want_the_same_operating_system(stage, vs, proxy):
    ran = stage.proxy_backup("--mode=file", vs=vs, proxy=proxy)
    assert ran.status == 3 and "files want the same operating system" in ran.error
    assert stage.changes() == []


def test_an_image_wants_a_linux_proxy(stage):
    ran = stage.proxy_backup(proxy="pbhwin")
    assert ran.status == 3 and "an image is read by a Linux proxy" in ran.error and stage.changes() == []


def test_a_disk_without_a_file_system_fails_in_file_mode_and_is_taken_back(stage):
    inventory = small()
    del inventory["disks"][0]["content"]["files"]
    stage.open(inventory)
    before = stage.objects()
    ran = stage.proxy_backup("--mode=file")
    assert ran.status != 0 and "no file system found" in ran.error
    assert stage.objects() == before and stage.catalog() == []


@pytest.mark.needs("tar")
def test_an_archive_of_a_part_is_not_kept_as_a_backup_where_a_disk_has_no_file_system(stage):
    inventory = demo()
    del named(inventory["disks"], "db01-data")["content"]["files"]
    for name in ("db01", "pbh01"):
        named(inventory["servers"], name)["operating_system"] = "Linux"
    stage.open(inventory)
    assert stage.proxy_backup("--mode=file", vs="db01", agent="tar").status != 0
    assert stage.catalog() == []
