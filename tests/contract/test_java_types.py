# -*- coding: utf-8 -*-
"""What a script holds of a lab on Jython with the jar: objects, arrays, numbers and errors of Java's own types."""
from __future__ import absolute_import, division, print_function, unicode_literals

import pytest
from com.virtualiron.vce.mgmt.api import (ConfigurationManager, EventLog, FoundryContext, Job, ManagedObject,
                                          ManagementException, VirtualizationManager)
from com.virtualiron.vce.mgmt.api.physical import (LogicalDisk, LvmDiskGroup, LvmStorageDevice, ManagedNode,
                                                   NetworkBlockDevice, RawDisk, StorageDevice)
from com.virtualiron.vce.mgmt.api.virtual import (VirtualServer, VirtualServer_BootInfo, VirtualServerEvent,
                                                  VirtualServerRunningEvent, VirtualServerStartingEvent)
from java.lang import (Class, Exception as JavaException, IllegalArgumentException, Integer, Long, RuntimeException,
                       String, Throwable)
from java.lang.reflect import Proxy, UndeclaredThrowableException
from java.net import ConnectException
from java.util import HashMap

from fakes import faults
from tests import labs
from tests.runs import Calls, fail, objects, server, small_lab
from vibackup import compat, errors, site
from vibackup import manager as api
from vibackup.job import job

DISK = VirtualServer_BootInfo.VS_BOOT_DEVICE_DISK
CDROM = VirtualServer_BootInfo.VS_BOOT_DEVICE_CDROM


@pytest.fixture
def lab():
    with small_lab() as made:
        yield made


def connect():
    """Return what every script begins with."""
    return VirtualizationManager.getConfigurationManager()


def web01():
    return connect().findObject(VirtualServer, "web01")


def in_a_job(change):
    """Return ``change()``, made in a job of Java's; one that fails is aborted."""
    made = connect().createJob("test")
    made.begin()
    try:
        found = change()
    except compat.FAULTS:
        made.abort()
        raise
    made.commit()
    return found


# -- objects

def test_every_object_is_a_proxy_of_its_interface(lab):
    manager, vs = connect(), web01()
    disk, node = vs.getStorageDevices()[0], vs.getManagedNode()
    for thing, kind in [(manager, ConfigurationManager), (manager.getFoundryContext(), FoundryContext),
                        (manager.getFoundryContext().getEventLog(), EventLog), (manager.createJob("x"), Job),
                        (vs, VirtualServer), (disk, LogicalDisk), (disk, LvmStorageDevice), (disk, StorageDevice),
                        (disk.getParentLvmDiskGroup(), LvmDiskGroup), (node, ManagedNode),
                        (manager.findObject(StorageDevice, "raw01-lun"), RawDisk),
                        (manager.findObject(StorageDevice, "backup.iso"), NetworkBlockDevice),
                        (vs.getStatusEvent(), VirtualServerEvent)]:
        assert Proxy.isProxyClass(type(thing)) and isinstance(thing, kind), kind


def test_a_kind_is_a_class_of_javas(lab):
    kind = web01().getStorageDevices()[0].getKind()
    assert kind is LogicalDisk and isinstance(kind, Class)
    assert LvmStorageDevice.isAssignableFrom(kind) and not RawDisk.isAssignableFrom(kind)


def test_two_proxies_of_one_object_are_equal_as_in_a_map_of_javas(lab):
    one, two, other = web01(), web01(), connect().findObject(VirtualServer, "db01")
    assert one is not two and one.equals(two) and one == two and one.hashCode() == two.hashCode()
    found = HashMap()
    found.put(one, "it")
    assert found.get(two) == "it" and found.get(other) is None
    assert not one.equals(other) and not one.equals(None) and not one.equals("web01")


def test_an_object_is_printed_by_its_name_in_any_script():
    with small_lab(lambda description: server(description, "web01").update(name="süd-服务器 %s")) as _lab:
        vs = connect().findObject(VirtualServer, "süd-服务器 %s")
        assert vs.getName() == "süd-服务器 %s" and vs.toString() == vs.getName() and compat.text(vs) == vs.getName()
        assert String.valueOf(vs) == vs.getName()


def test_a_manager_of_no_lab_throws():
    with pytest.raises(ManagementException) as caught:
        connect()
    assert caught.value.getMessage() == "no lab is open"


# -- values

def test_arrays_are_of_the_type_that_the_call_declares(lab):
    vs = web01()
    for found, kind in [(vs.getStorageDevices(), StorageDevice), (vs.getNetworks(), String),
                        (connect().getObjects(VirtualServer), ManagedObject),
                        (vs.getStorageDevices()[0].getParentLvmDiskGroup().getLogicalDisks(), LogicalDisk)]:
        assert not isinstance(found, list) and repr(found).startswith("array(%s" % kind.__module__)
        assert kind.__name__ in repr(found).partition(",")[0]


def test_nothing_is_null(lab):
    vs = web01()
    assert vs.getSnapshot() is None and vs.getStorageDevices()[0].getSnapshotParent() is None
    assert connect().findObject(VirtualServer, "nobody") is None
    log = connect().getFoundryContext().getEventLog()
    assert log.listenForEvents(VirtualServerEvent, vs, 1000) is None


def test_numbers_are_of_the_size_that_the_call_declares(lab):
    vs = web01()
    disk = vs.getStorageDevices()[0]
    group = disk.getParentLvmDiskGroup()
    assert Long.toString(connect().getLocalTime()).isdigit() and connect().getLocalTime() > Integer.MAX_VALUE
    assert disk.getBytes() == labs.MEGABYTE and isinstance(disk.getBytes(), long)  # noqa: F821
    assert isinstance(group.getFreeBytes(), long) and isinstance(vs.getProcessors(), int)  # noqa: F821
    assert disk.getCopyPercent() == 100 and isinstance(disk.getCopyPercent(), int)
    for name, size in (("a", 512), ("b", long(512)), ("c", Long(512))):  # noqa: F821
        made = in_a_job(lambda: group.createLogicalDisk(name, size))
        assert isinstance(made, LogicalDisk) and made.getBytes() == 512
    in_a_job(lambda: vs.setMemoryBytes(5 << 30))
    assert vs.getMemoryBytes() == 5 << 30


def test_text_and_arrays_of_text_pass_unhurt(lab):
    vs = web01()
    in_a_job(lambda: vs.setNetworks(["lan", "süd"]))
    assert list(vs.getNetworks()) == ["lan", "süd"]
    in_a_job(lambda: vs.setName("服务器"))
    assert connect().findObject(VirtualServer, "服务器") == vs


def test_what_a_server_boots_from_is_a_constant(lab):
    vs = web01()
    assert vs.getBootType() is not None and vs.getBootType() == DISK
    in_a_job(lambda: vs.setBootType(CDROM))
    assert vs.getBootType() == CDROM
    assert [each["boot_type"] for each in objects(lab) if each["name"] == "web01"] == ["CDROM"]


def test_events_come_as_an_array_of_their_own_kinds(lab):
    vs, log = web01(), connect().getFoundryContext().getEventLog()
    in_a_job(vs.stop)
    log.listenForEvents(VirtualServerEvent, vs, 60000)
    in_a_job(vs.start)
    found = log.listenForEvents(VirtualServerEvent, vs, 120000)
    assert "VirtualServerEvent" in repr(found).partition(",")[0]
    assert VirtualServerStartingEvent.isAssignableFrom(found[0].getKind()) or \
        VirtualServerRunningEvent.isAssignableFrom(found[0].getKind())
    assert found[0].getTime() > Integer.MAX_VALUE


# -- arguments

def test_null_is_no_object(lab):
    for call in (lambda: connect().findObject(None, "web01"), lambda: connect().findObject(VirtualServer, None),
                 lambda: connect().findObject(String, "web01"), lambda: web01().addStorageDevice(None)):
        with pytest.raises(IllegalArgumentException):
            call()


def test_an_object_of_another_interface_does_not_reach_the_manager(lab):
    vs, before = web01(), lab.calls
    for call in (lambda: vs.addStorageDevice(vs), lambda: vs.deleteSnapshot("web01"), lambda: vs.setProcessors("2"),
                 lambda: vs.setProcessors(1 << 40), lambda: vs.getName("too much")):
        with pytest.raises(TypeError):
            call()
    assert lab.calls == before


def test_a_call_through_a_proxy_is_one_call_of_the_lab(lab):
    calls = Calls(lab)
    vs = web01()
    in_a_job(lambda: vs.addStorageDeviceFirst(connect().findObject(StorageDevice, "backup.iso")))
    assert [line.partition(" ")[2] for line in calls.lines] == [
        "ConfigurationManager configuration manager findObject VirtualServer web01",
        "ConfigurationManager configuration manager createJob test", "Job test begin",
        "ConfigurationManager configuration manager findObject StorageDevice backup.iso",
        "VirtualServer web01 addStorageDeviceFirst backup.iso", "Job test commit"]


# -- errors

def test_a_refusal_is_a_checked_exception_of_the_managers(lab):
    with pytest.raises(ManagementException) as caught:
        web01().snapshot()
    assert "no job is begun" in caught.value.getMessage()
    assert issubclass(ManagementException, JavaException) and not issubclass(ManagementException, RuntimeException)
    assert not issubclass(ManagementException, Exception) and isinstance(caught.value, Throwable)


def test_a_lost_connection_comes_wrapped_and_is_known_all_the_same(lab):
    vs = web01()
    fail(lab, "getName", action="hang")
    with pytest.raises(UndeclaredThrowableException) as caught:
        vs.getName()
    assert isinstance(caught.value.getCause(), ConnectException)
    fail(lab, "getName", action="hang")
    with pytest.raises(errors.ManagerGone) as caught:
        api.name_of(vs)
    assert "connection lost" in caught.value.message


def test_a_job_whose_change_fails_is_aborted(lab):
    manager, before = site.connect_lab(lab), objects(lab)
    fail(lab, "snapshot", phase="after")
    with pytest.raises(errors.ApiError) as caught, job(manager, "test", lambda: False):
        api.snapshot(manager.find_server("web01"))
    assert isinstance(caught.value.cause, ManagementException) and faults.ManagementException is ManagementException
    assert objects(lab) == before


def test_a_signal_comes_through_java(lab):
    vs = web01()
    lab.interrupt = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        vs.getName()
    assert vs.getName() == "web01"


# -- calls that are missing

def test_a_call_that_one_manager_lacks_is_not_there_and_another_has_it():
    with small_lab(missing=["reboot", "getId"]):
        vs = web01()
        assert not hasattr(vs, "reboot") and not hasattr(vs, "getId") and hasattr(vs, "stop")
        with pytest.raises(errors.MissingCall):
            api.reboot(vs)
    with small_lab():
        assert web01().getId() and hasattr(web01(), "reboot")
        assert connect().getObjects(VirtualServer)[0].getId()
