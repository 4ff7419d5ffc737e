"""The Java interfaces and the fakes are one API: no method on one side only, none known here and assumed there."""
from __future__ import absolute_import, division, print_function, unicode_literals

import importlib

import pytest

from fakes import dispatch, kinds, lab  # noqa: F401 (the last gives the kinds their operations)
from tests.contract import interfaces
from vibackup import manager

INTERFACES = interfaces.all_of_them()
NAMES = sorted(kinds.BY_NAME)

# What the script in the paper's appendix calls. All else is assumed.
KNOWN = {
    "getFoundryContext", "findObject", "getLocalTime", "createJob", "begin", "commit", "abort",
    "addOperationDescription", "getEventLog", "listenForEvents", "getName", "getKind", "snapshot", "getSnapshot",
    "deleteSnapshot", "start", "getStatusEvent", "getStorageDevices", "addStorageDeviceFirst", "setBootType",
    "getSnapshotParent", "getParentLvmDiskGroup", "deleteLogicalDisk"}
ASSUMED_KINDS = {"ManagedObject", "VirtualDataCenter", "ManagedNode", "RawDisk", "VirtualServerStartingEvent",
                 "VirtualServerFailedEvent"}

JAVA_TYPES = {dispatch.TEXT: {"String"}, dispatch.TEXTS: {"String[]"}, dispatch.NUMBER: {"long", "int"},
              dispatch.KIND: {"Class<?>"}, dispatch.ANY: {"Object", "VirtualServer_BootInfo"}}


def find(name, method):
    """Return a method of the interface ``name`` or one above it, or None."""
    while name is not None:
        if method in INTERFACES[name].methods:
            return INTERFACES[name].methods[method]
        name = INTERFACES[name].parent
    return None


def test_every_kind_has_an_interface_and_every_interface_is_a_kind():
    assert sorted(INTERFACES) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_an_interface_lies_below_the_one_that_its_kind_lies_below(name):
    parent = kinds.BY_NAME[name].parent
    assert INTERFACES[name].parent == (parent and parent.name)


@pytest.mark.parametrize("name", NAMES)
def test_an_interface_has_the_methods_of_its_kind_and_no_others(name):
    assert sorted(INTERFACES[name].methods) == sorted(kinds.BY_NAME[name].operations)


@pytest.mark.parametrize("name", NAMES)
def test_a_method_takes_what_the_fakes_take(name):
    for method, operation in kinds.BY_NAME[name].operations.items():
        found = INTERFACES[name].methods[method]
        wanted = [JAVA_TYPES.get(each) or {each.name} for each in operation.takes]
        assert len(found.takes) == len(wanted), method
        assert all(each in types for each, types in zip(found.takes, wanted)), (method, found.takes)


@pytest.mark.parametrize("package", ["physical", "virtual"])
def test_a_class_is_in_the_package_that_the_fakes_have_it_in(package):
    module = importlib.import_module(str("fakes.com.virtualiron.vce.mgmt.api." + package))
    there = [name for name in vars(module) if not name.startswith("_")]
    here = [each.name for each in INTERFACES.values() if each.package == "%s.%s" % (interfaces.API, package)]
    here += ["VirtualServer_BootInfo"] if package == "virtual" else []
    assert sorted(here) == sorted(there)


def test_known_is_what_the_papers_script_calls_and_nothing_else():
    known = [method for each in INTERFACES.values() for method, found in each.methods.items() if found.mark == "known"]
    assert sorted(known) == sorted(KNOWN)
    assert set(name for name, found in INTERFACES.items() if found.mark == "assumed") == ASSUMED_KINDS


@pytest.mark.parametrize("kind, known, assumed", manager.CALLS, ids=lambda value: value if value in NAMES else "")
def test_what_the_product_holds_for_known_or_assumed_is_marked_so(kind, known, assumed):
    marked = [(call, "known") for call in known] + [(call, "assumed") for call in assumed]
    assert [(call, find(kind, call).mark) for call, _mark in marked] == marked


def test_the_constants_are_the_same():
    there = kinds.VirtualServer_BootInfo
    assert interfaces.constants() == dict((name, getattr(there, name).name) for name in vars(there) if name[0] != "_")
    assert len(interfaces.constants()) == 2
