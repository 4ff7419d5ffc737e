# -*- coding: utf-8 -*-
"""What is made to go wrong: at which call, before it or after, and how."""
from __future__ import absolute_import, division, print_function, unicode_literals

import pytest

from fakes import faults, kinds
from fakes.faults import ConnectionLost, Fault, ManagementException
from tests.labs import find, make_lab, refused
from vibackup import compat
from vibackup.errors import UsageError

SERVER = kinds.VIRTUAL_SERVER


def renaming(lab):
    """Rename web01 in a job; the calls are: 1 findObject, 2 createJob, 3 begin, 4 setName, 5 commit."""
    manager = lab.configuration_manager()
    web01 = manager.findObject(SERVER, "web01")
    made = manager.createJob("test")
    made.begin()
    web01.setName("renamed")
    made.commit()


def name_now(lab):
    """Return the name of web01, as far as it is committed."""
    return [each["name"] for each in lab.dump()["objects"] if each["kind"] == "VirtualServer"][0]


def test_an_error_of_the_manager_is_caught_as_what_java_throws():
    from java.lang import RuntimeException, Throwable
    for kind in (ManagementException, RuntimeException, Throwable):
        try:
            raise ManagementException("in words")
        except kind as error:
            assert compat.message(error) == "in words"
            assert error.getMessage() == "in words"


def test_an_error_of_the_manager_is_one_of_the_faults_to_catch():
    try:
        raise ManagementException("x")
    except compat.FAULTS:
        pass


def test_words_describe_a_fault():
    fault = faults.parse("12:after:throw")
    assert (fault.number, fault.phase, fault.action, fault.times) == (12, "after", "throw", 1)


@pytest.mark.parametrize("words", ["", "1", "1:before", "0:before:throw", "-1:before:throw", "x:before:throw",
                                   "1:during:throw", "1:before:explode", "1:before:throw:2", "1.5:before:hang",
                                   "1\n:before:throw", "9" * 400 + ":before:throw",
                                   "²:before:throw", "١٢:before:throw:"])
def test_words_that_describe_none_are_one_clear_line(words):
    with pytest.raises(UsageError) as caught:
        faults.parse(words)
    assert "--lab-fault=%s: give " % words in caught.value.message


def test_a_fault_before_the_call_has_no_effect_on_the_lab():
    lab = make_lab()
    lab.faults.append(faults.parse("4:before:throw"))
    with refused("VirtualServer.setName: injected fault before the call"):
        renaming(lab)
    assert name_now(lab) == "web01"


def test_a_fault_after_the_call_comes_when_it_took_effect():
    lab = make_lab()
    lab.faults.append(faults.parse("5:after:throw"))
    with refused("Job.commit: injected fault after the call"):
        renaming(lab)
    assert name_now(lab) == "renamed"


@pytest.mark.parametrize("phase, name", [("before", "web01"), ("after", "renamed")])
def test_a_call_that_hangs_comes_back_after_an_hour_with_an_error(phase, name):
    lab = make_lab()
    lab.faults.append(Fault(phase, "hang", method="commit"))
    with pytest.raises(ConnectionLost) as caught:
        renaming(lab)
    assert "Job.commit did not answer for 3600 seconds" in caught.value.getMessage()
    assert lab.clock.monotonic() == 3600
    assert name_now(lab) == name


def test_a_fault_strikes_one_call_alone():
    lab = make_lab()
    lab.faults.append(faults.parse("1:before:throw"))
    with refused("findObject"):
        renaming(lab)
    renaming(lab)


def test_a_fault_strikes_a_method_on_an_object_as_often_as_it_is_told():
    lab = make_lab()
    web01, pbh01 = find(lab, SERVER, "web01"), find(lab, SERVER, "pbh01")
    lab.faults.append(Fault("before", "throw", method="getStorageDevices", name="web01", times=2))
    pbh01.getStorageDevices()
    for _number in range(2):
        with refused("injected fault"):
            web01.getStorageDevices()
    web01.getStorageDevices()


def test_a_fault_without_an_end_strikes_always():
    lab = make_lab()
    web01 = find(lab, SERVER, "web01")
    lab.faults.append(Fault("before", "throw", method="getName", times=None))
    for _number in range(5):
        with refused("injected fault"):
            web01.getName()


def test_a_call_that_fails_by_itself_says_why_it_failed():
    lab = make_lab()
    lab.faults.append(Fault("after", "throw", method="setName"))
    with refused("no job is begun"):
        find(lab, SERVER, "web01").setName("x")


def test_a_manager_that_goes_away_answers_no_call_from_then_on():
    lab = make_lab()
    web01 = find(lab, SERVER, "web01")
    fault = Fault("before", "throw", first=lab.calls + 2, times=None)
    lab.faults.append(fault)
    web01.getName()
    for ask in (web01.getName, web01.getId, web01.getStorageDevices):
        with refused("injected fault"):
            ask()
    assert fault.struck == 3


def test_a_method_may_be_refused_from_a_call_on():
    lab = make_lab()
    web01 = find(lab, SERVER, "web01")
    lab.faults.append(Fault("before", "throw", method="getName", first=lab.calls + 3, times=None))
    web01.getName()
    web01.getId()
    for _number in range(2):
        with refused("injected fault"):
            web01.getName()
    web01.getId()
