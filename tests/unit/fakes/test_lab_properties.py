# -*- coding: utf-8 -*-
"""Hostile names through the whole lab: nothing is executed, nothing escapes a folder, everything is found again."""
from __future__ import absolute_import, division, print_function, unicode_literals

import os
import shutil
import tempfile

from hypothesis import given, settings, strategies as st

from fakes import inventory, kinds
from fakes.lab import Lab
from fakes.opening import open_lab
from tests.labs import description, disk, find, job, run
from vibackup import compat

SERVER, DISK = kinds.VIRTUAL_SERVER, kinds.LOGICAL_DISK

_PIECES = ["../", "..", "/", "\\", "$(touch planted)", "`touch planted`", ";touch planted;", "|", "&", "'", '"', "\n",
           "\r", "\t", " ", "-", "--", "=", "%s", "%", "{}", "{0}", "*", "~", "#", "süd", "服务器",
           "\u202e", "\x7f", "\x1b[31m",
           "a", "con", ".", ":", "<", ">", "/dev/sda", "/mnt/x", "D:\\", "\U0001f4be"]
_names = st.one_of(st.lists(st.sampled_from(_PIECES), min_size=1, max_size=4).map("".join),
                   st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"),
                           min_size=1, max_size=8))


def everything_below(folder):
    return sorted(os.path.join(where, name) for where, folders, files in os.walk(folder) for name in folders + files)


@settings(max_examples=25)
@given(server=_names, disk_name=_names, job_name=_names, new_name=_names)
def test_any_names_are_kept_and_found_again_and_nothing_of_them_is_executed(server, disk_name, job_name, new_name):
    outside = tempfile.mkdtemp()
    folder = os.path.join(outside, str("lab"))
    os.mkdir(folder)
    lab = Lab(folder, persistent=True)
    try:
        inventory.build(lab, inventory.check(description(
            disks=[disk(disk_name, size=131072, files={"etc/hostname": "x"})],
            servers=[{"name": server, "node": "node1", "devices": [disk_name]}]), "test"))
        lab.save()
        lab.install()
        lab.trace_to(compat.text(os.path.join(folder, str("trace"))))
        vs = find(lab, SERVER, server)
        run_programs(lab, server, new_name)
        snapshot = booted_snapshot(lab, vs, job_name, new_name)
        lab.close()
        again = open_lab(compat.text(folder))
        assert again.world.get(snapshot.getId())["name"] == new_name
        assert again.world.get(vs.getId())["name"] == server
        assert find(again, DISK, disk_name).getName() == disk_name
        again.close()
        assert os.listdir(outside) == ["lab"]
        assert not [path for path in everything_below(folder) if "planted" in path]
    finally:
        lab.close()
        shutil.rmtree(outside)


def run_programs(lab, server, word):
    """Run real programs in the guest of ``server``, with ``word`` among their arguments."""
    assert run(lab, server, "printf", "%s", word).status == 0
    assert run(lab, server, "cp", "/dev/sda", "copy").status == 0
    assert run(lab, server, "hostname").output == server + "\n"


def booted_snapshot(lab, vs, job_name, new_name):
    """Take a snapshot of ``vs``, rename it and boot it, until it is over; return it."""
    with job(lab, job_name) as made:
        made.addOperationDescription("Snapshot of " + vs, vs, vs, vs)
        snapshot = vs.snapshot()
        snapshot.setName(new_name)
    with job(lab):
        snapshot.addStorageDeviceFirst(find(lab, kinds.NETWORK_BLOCK_DEVICE, "backup.iso"))
        snapshot.setBootType(kinds.VirtualServer_BootInfo.VS_BOOT_DEVICE_CDROM)
        snapshot.start()
    lab.clock.sleep(300)
    return snapshot


_words = st.lists(st.sampled_from(["/", "//", "dev", "mnt", "..", ".", "sda", "x", "null", " ", "=", ":",
                                   "of=", "-f", "\n"]),
                  max_size=8).map("".join)


@settings(max_examples=300)
@given(_words)
def test_no_word_that_is_a_path_reaches_a_device_or_mount_of_this_machine(word):
    from fakes.guests import Guest

    class AnyLab(object):
        folder = "/tmp/lab"

    local = Guest(AnyLab, "vs-1").path(word)
    if word.startswith("/") or word.startswith("of=/"):
        path = os.path.normpath(local[local.index("/"):]).replace("//", "/", 1)
        assert path not in ("/dev", "/mnt") or path == "/dev/null"
        assert not path.startswith(("/dev/", "/mnt/")) or path.startswith("/dev/null")
