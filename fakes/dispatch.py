"""The one gate: every call of the management API passes here, and is counted, traced, checked and struck by faults."""
from __future__ import absolute_import, division, print_function, unicode_literals

import array

from fakes import faults
from fakes.faults import ManagementException
from vibackup import compat

TEXT = "text"
TEXTS = "array of text"
NUMBER = "number"
ANY = "any"
KIND = "kind"


class Kind(object):
    """A type of the management API, as ``getKind`` answers it and scripts import it by name."""

    def __init__(self, name, parent=None):
        self.name = name
        self.parent = parent
        self.children = []
        self.operations = {}
        if parent is not None:
            parent.children.append(self)

    def isAssignableFrom(self, other):
        """Tell whether ``other`` is this kind or one below it."""
        while other is not None:
            if other is self:
                return True
            other = other.parent
        return False

    def getName(self):
        """Return the kind's name."""
        return self.name

    def find(self, method):
        """Return the operation called ``method`` of this kind or one above it, or None."""
        kind = self
        while kind is not None:
            if method in kind.operations:
                return kind.operations[method]
            kind = kind.parent
        return None

    def names(self):
        """Return the names of this kind and all below it."""
        names = {self.name}
        for child in self.children:
            names |= child.names()
        return names

    def __str__(self):
        return str(self.name)

    __repr__ = __str__


class Operation(object):
    """One method of a kind: what it takes, whether it changes anything, and the function that does it."""

    def __init__(self, name, takes, changes, outlives, function):
        self.name = name
        self.outlives = outlives
        self.takes = takes
        self.changes = changes
        self.function = function


def operation(kind, name, takes=(), changes=False, outlives=False):
    """Register the decorated ``function(lab, target, *arguments)`` as method ``name`` of ``kind``.

    ``takes`` gives each argument's type: TEXT, TEXTS, NUMBER, ANY, KIND, or a Kind, whose objects arrive
    as records. One that ``changes`` needs a begun job, which it gets as the keyword ``job``. One that
    ``outlives`` its object can be asked after the object was deleted.
    """
    def register(function):
        kind.operations[name] = Operation(name, takes, changes, outlives, function)
        return function
    return register


class Handle(object):
    """What a script holds of an object: the kind, the id, and the lab. It has no state of its own."""

    def __init__(self, lab, kind, identity):
        self._lab = lab
        self._kind = kind
        self._identity = identity

    def __getattr__(self, method):
        found = None if method in self._lab.missing else self._kind.find(method)
        if found is None:
            raise AttributeError("%s has no method %s" % (self._kind.name, method))
        return lambda *arguments: call(self._lab, self, found, arguments)

    def __eq__(self, other):
        return isinstance(other, Handle) and self._identity == other._identity and self._lab is other._lab

    def __ne__(self, other):
        return not self == other

    def __hash__(self):
        return hash(self._identity)

    def __str__(self):
        words = self._lab.describe(self._identity, self._kind)
        return words if compat.PYTHON3 else words.encode("utf-8")

    def __unicode__(self):
        return self._lab.describe(self._identity, self._kind)

    def __radd__(self, words):
        return words + compat.text(self)

    def __repr__(self):
        return str("<%s %s>" % (self._kind.name, self._identity))


def call(lab, handle, operation_, arguments):
    """Pass one call through the gate."""
    with lab.gate:
        lab.refresh()
        lab.check_interrupt()
        number = lab.count_call(handle, operation_.name, arguments)
        name = "%s.%s" % (handle._kind.name, operation_.name)
        fault = lab.fault_for(number, operation_.name, handle)
        if fault is not None and fault.phase == "before":
            faults.strike(lab, fault, name)
        lab.losing_events = fault is not None and fault.action == "lose"
        try:
            result = _carry_out(lab, handle, operation_, arguments)
        finally:
            lab.losing_events = False
        if fault is not None and fault.phase == "after":
            faults.strike(lab, fault, name)
        return result


def _carry_out(lab, handle, operation_, arguments):
    taken = _check(lab, handle, operation_, arguments)
    target = lab.target(handle._kind, handle._identity, gone=operation_.outlives)
    if operation_.changes:
        result = operation_.function(lab, target, *taken, job=lab.current_job())
    else:
        result = operation_.function(lab, target, *taken)
    return lab.hand_out(result)


def _check(lab, handle, operation_, arguments):
    if len(arguments) != len(operation_.takes):
        raise TypeError("%s.%s takes %d arguments (%d given)" % (
            handle._kind.name, operation_.name, len(operation_.takes), len(arguments)))
    return [_take(lab, operation_, wanted, given) for wanted, given in zip(operation_.takes, arguments)]


def _take(lab, operation_, wanted, given):
    if wanted == TEXT and isinstance(given, (compat.text_type, compat.byte_type)):
        return compat.text(given)
    if wanted == TEXTS and isinstance(given, (list, tuple, array.array)):  # the last: what Java's arrays are on Jython
        return [_take(lab, operation_, TEXT, each) for each in given]
    if wanted == NUMBER and isinstance(given, compat.number_types) and not isinstance(given, bool):
        return int(given)
    if wanted == KIND and isinstance(given, Kind):
        return given
    if wanted == ANY:
        return given
    if isinstance(wanted, Kind) and isinstance(given, Handle) and wanted.isAssignableFrom(given._kind):
        if given._lab is not lab:
            raise ManagementException("%s: the object belongs to another manager" % operation_.name)
        return lab.target(given._kind, given._identity)
    raise TypeError("%s: cannot take %r as %s" % (operation_.name, given, wanted))
