"""The management API as Java's own types, on Jython with the jar made of ``fakes/contract`` on its class path.

What a script holds is then a ``java.lang.reflect.Proxy`` of an interface in that jar, behind which stands the handle
that it holds elsewhere: the model, the gate and the faults are the same.
"""
from __future__ import absolute_import, division, print_function, unicode_literals

import functools

from jarray import array
from java.lang import Boolean, Class, IllegalArgumentException, Integer, Long
from java.lang.reflect import InvocationHandler, Proxy

import com.virtualiron.vce.mgmt.api as api
import com.virtualiron.vce.mgmt.api.physical as physical
import com.virtualiron.vce.mgmt.api.virtual as virtual
from com.virtualiron.vce.mgmt.api import LabBackend
from com.virtualiron.vce.mgmt.api.virtual import VirtualServer_BootInfo
from fakes import dispatch, kinds
from fakes.model import VirtualizationManager
from vibackup import compat

_CLASSES = {}  # interface by kind
_CONSTANT = "VS_BOOT_DEVICE_%s"
_BOXES = {Long.TYPE: Long, Long: Long, Integer.TYPE: Integer, Integer: Integer}


def stand_behind():
    """Let the jar's ``VirtualizationManager`` answer with the lab that is open."""
    LabBackend.set(_Backend())


def add_to_text():
    """Let scripts add an object of the API to text, as the paper's script does: the Jython of its time could."""
    for kind in (api.ManagedObject, VirtualServer_BootInfo):
        kind.__radd__ = lambda thing, words: words + compat.text(thing)


class _Backend(LabBackend):

    def getConfigurationManager(self):
        return _proxy(VirtualizationManager.getConfigurationManager())


class _Object(InvocationHandler):
    """What answers for one Java object: ``handle``, which Python scripts hold."""

    def __init__(self, handle):
        self.handle = handle

    def invoke(self, _proxy_, method, arguments):
        given = [_from_java(each) for each in arguments or ()]
        name = method.getName()
        if name in _OF_EVERY_OBJECT:
            return _OF_EVERY_OBJECT[name](self.handle, *given)
        try:
            result = dispatch.call(self.handle._lab, self.handle, self.handle._kind.find(name), given)
        except TypeError as error:
            raise IllegalArgumentException(compat.message(error))
        return _to_java(result, method.getReturnType())


_OF_EVERY_OBJECT = {"equals": lambda handle, other: Boolean(handle == other),
                    "hashCode": lambda handle: Integer(hash(handle)),
                    "toString": compat.text}


# -- from Java, and to it

def _from_java(given):
    """Return an argument as the model takes it; numbers, text and None have arrived as Python's already."""
    if isinstance(given, Proxy):
        return Proxy.getInvocationHandler(given).handle
    if isinstance(given, Class):
        return kinds.BY_NAME.get(_last_word(given.__name__), given)
    if isinstance(given, VirtualServer_BootInfo):
        return getattr(kinds.VirtualServer_BootInfo, _CONSTANT % given)
    return given


def _to_java(result, wanted):
    """Return a result of the model as the Java type that the call declares."""
    if result is None:
        return None
    if Class.isArray(wanted):  # not wanted.isArray(): it may be Class itself
        each_wanted = Class.getComponentType(wanted)
        return array([_to_java(each, each_wanted) for each in result], each_wanted)
    if isinstance(result, dispatch.Handle):
        return _proxy(result)
    if isinstance(result, dispatch.Kind):
        return _class(result)
    if isinstance(result, kinds.Constant):
        return getattr(VirtualServer_BootInfo, _CONSTANT % result)
    return _BOXES.get(wanted, compat.text)(result)


def _class(kind):
    """Return the interface of a kind."""
    if kind not in _CLASSES:  # asking a package for a class that it has not is slow
        found = [getattr(package, kind.name, None) for package in (api, physical, virtual)]
        _CLASSES[kind] = [each for each in found if each is not None][0]
    return _CLASSES[kind]


def _last_word(name):
    return compat.text(name).rpartition(".")[2]


def _proxy(handle):
    interface = _class(handle._kind)
    made = Proxy.newProxyInstance(LabBackend.getClassLoader(), [interface], _Object(handle))
    _hide(type(made), handle._lab.missing)
    return made


# -- calls that this manager does not have

class _Hidden(object):
    """A method that is not there where the lab does not have it, as on an interface without it."""

    def __init__(self, name, method):
        self.name = name
        self.method = method

    def __get__(self, thing, kind):
        if thing is not None and self.name in Proxy.getInvocationHandler(thing).handle._lab.missing:
            raise AttributeError("%s has no method %s" % (kind.__name__, self.name))
        return self.method if thing is None else functools.partial(self.method, thing)


def _hide(java_class, names):
    for name in names:
        method = java_class.__dict__.get(name)
        if method is not None and not isinstance(method, _Hidden):
            setattr(java_class, name, _Hidden(name, method))
