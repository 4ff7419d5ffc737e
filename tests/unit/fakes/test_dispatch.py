# -*- coding: utf-8 -*-
"""The gate that every call passes, and the handles that scripts hold."""
from __future__ import absolute_import, division, print_function, unicode_literals

import pytest

from fakes import kinds
from tests.labs import find, job, make_lab, refused
from vibackup import compat

SERVER, DISK = kinds.VIRTUAL_SERVER, kinds.LOGICAL_DISK
NAMES = ["a b", "a'b\"c", "$(touch planted)", "a;b|c&d", "two\nlines\r", "-rf", "--help", "a=b", "../../etc/passwd",
         "süd-服务器", "%s %d {} {0}", "\t", " ", "." * 300]


def test_an_unknown_method_is_a_loud_error():
    lab = make_lab()
    web01 = find(lab, SERVER, "web01")
    for thing in (web01, lab.configuration_manager(), web01.getManagedNode()):
        with pytest.raises(AttributeError) as caught:
            thing.getNonsense()
        assert "has no method getNonsense" in compat.text(caught.value)
        assert not hasattr(thing, "__getstate_of_nothing__")


def test_a_call_that_this_manager_does_not_have_is_not_there():
    lab = make_lab(missing=["reboot", "getId"])
    web01 = find(lab, SERVER, "web01")
    assert not hasattr(web01, "reboot") and not hasattr(web01, "getId")
    assert hasattr(web01, "stop")


@pytest.mark.parametrize("arguments", [(), (SERVER,), (SERVER, "web01", 3), ("VirtualServer", "web01"), (SERVER, 7),
                                       (SERVER, None), (None, "web01")])
def test_arguments_that_do_not_fit_are_a_loud_error(arguments):
    with pytest.raises(TypeError):
        make_lab().configuration_manager().findObject(*arguments)


def test_a_disk_is_no_server_and_a_raw_disk_no_logical_disk():
    lab = make_lab()
    web01, system = find(lab, SERVER, "web01"), find(lab, DISK, "web01-system")
    with pytest.raises(TypeError), job(lab):
        web01.deleteSnapshot(system)
    with pytest.raises(TypeError), job(lab):
        system.getParentLvmDiskGroup().deleteLogicalDisk(find(lab, kinds.NETWORK_BLOCK_DEVICE, "backup.iso"))


def test_an_array_of_text_may_be_any_sequence_of_text_and_nothing_else():
    lab = make_lab()
    web01 = find(lab, SERVER, "web01")
    sequences = [["lan", "süd"], ("lan", "süd".encode("utf-8"))]
    if compat.JYTHON:
        from java.lang import String
        from jarray import array
        sequences.append(array(["lan", "süd"], String))
    for names in sequences:
        with job(lab):
            web01.setNetworks([])
        assert web01.getNetworks() == []
        with job(lab):
            web01.setNetworks(names)
        assert web01.getNetworks() == ["lan", "süd"]
    for wrong in ("lan", b"lan", 3, None, [3], [None], [["lan"]], {"lan": 1}, web01):
        with pytest.raises(TypeError), job(lab):
            web01.setNetworks(wrong)
    assert web01.getNetworks() == ["lan", "süd"]


def test_an_object_of_another_manager_is_refused():
    one, two = make_lab(), make_lab()
    with refused("belongs to another manager"), job(one):
        find(one, SERVER, "web01").addStorageDevice(find(two, DISK, "web01-system"))


def test_kinds_tell_what_lies_below_them():
    assert kinds.STORAGE_DEVICE.isAssignableFrom(DISK)
    assert kinds.LVM_STORAGE_DEVICE.isAssignableFrom(DISK)
    assert not DISK.isAssignableFrom(kinds.STORAGE_DEVICE)
    assert not kinds.LVM_STORAGE_DEVICE.isAssignableFrom(kinds.RAW_DISK)
    assert not DISK.isAssignableFrom(None)
    assert kinds.VIRTUAL_SERVER_EVENT.isAssignableFrom(kinds.FAILED_EVENT)
    assert DISK.getName() == "LogicalDisk" and str(DISK) == "LogicalDisk"


def test_two_handles_of_one_object_are_equal():
    lab = make_lab()
    one, two = find(lab, SERVER, "web01"), find(lab, SERVER, "web01")
    assert one == two and not one != two and len({one, two}) == 1
    assert one != find(lab, SERVER, "pbh01") and one != "web01"
    assert one != find(make_lab(), SERVER, "web01")


def test_every_call_is_counted():
    lab = make_lab()
    web01 = find(lab, SERVER, "web01")
    before = lab.calls
    web01.getName()
    web01.getStorageDevices()
    with pytest.raises(TypeError):
        web01.getName("too much")
    assert lab.calls == before + 3


def test_an_interrupt_comes_with_the_next_call():
    lab = make_lab()
    web01 = find(lab, SERVER, "web01")
    lab.interrupt = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        web01.getName()
    assert web01.getName() == "web01"


def test_the_trace_has_a_line_for_each_call(tmpdir):
    lab = make_lab()
    lab.trace_to(compat.text(tmpdir.join("trace")))
    find(lab, SERVER, "web01").getStorageDevices()
    lab.close()
    assert tmpdir.join("trace").read_binary().decode("ascii").splitlines() == [
        "1 ConfigurationManager configuration manager findObject VirtualServer web01",
        "2 VirtualServer web01 getStorageDevices"]


def test_a_trace_that_cannot_be_written_is_one_clear_line(tmpdir):
    from vibackup.errors import UsageError
    with pytest.raises(UsageError) as caught:
        make_lab().trace_to(compat.text(tmpdir))
    assert caught.value.message.startswith("--lab-trace=")


@pytest.mark.parametrize("name", NAMES)
def test_any_name_is_found_printed_added_to_text_and_traced(tmpdir, name):
    lab = make_lab(servers=[{"name": name, "node": "node1", "devices": ["web01-system"]}])
    lab.trace_to(compat.text(tmpdir.join("trace")))
    server = find(lab, SERVER, name)
    assert server.getName() == name
    assert "Server: " + server == "Server: " + name
    assert compat.text(server) == name
    with job(lab, name) as made:
        made.addOperationDescription("of " + server, server, server, server)
        assert server.snapshot().getName() == "Snapshot of " + name
        server.setName(name + "!")
    assert find(lab, SERVER, name + "!") == server
    lab.close()
    assert len(tmpdir.join("trace").read_binary().split(b"\n")) == lab.calls + 1


def test_a_name_is_not_empty():
    lab = make_lab()
    with refused("a name cannot be empty"), job(lab):
        find(lab, SERVER, "web01").setName("")


def test_bytes_are_read_as_utf_8():
    lab = make_lab()
    with job(lab):
        find(lab, SERVER, "web01").setName("süd".encode("utf-8"))
    assert find(lab, SERVER, "süd".encode("utf-8")).getName() == "süd"
