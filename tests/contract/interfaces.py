"""The Java interfaces of ``fakes/contract``, read from their sources: any interpreter can, and nothing is compiled."""
from __future__ import absolute_import, division, print_function, unicode_literals

import io
import os
import re

import fakes

FOLDER = os.path.join(fakes.FOLDER, "contract")
API = "com.virtualiron.vce.mgmt.api"

_PACKAGE = re.compile(r"^package (\S+);$", re.M)
_INTERFACE = re.compile(r"^public interface (\w+)(?: extends (\w+))? \{  // (known|assumed)$", re.M)
_METHOD = re.compile(r"^    (\S+) (\w+)\(([^)]*)\)\s+throws ManagementException;  // (known|assumed)(?:; .*)?$", re.M)
_CONSTANT = re.compile(r"^    public static final (\w+) (\w+) = new \w+\(\"(\w+)\"\);  // known$", re.M)


class Interface(object):
    """One interface: ``package``, ``name``, ``parent`` (a name or None), ``mark`` (known or assumed), ``methods``."""

    def __init__(self, words):
        self.package = _PACKAGE.search(words).group(1)
        self.name, self.parent, self.mark = _INTERFACE.search(words).groups()
        self.methods = dict((name, Method(takes, gives, mark)) for gives, name, takes, mark in _METHOD.findall(words))
        if len(self.methods) != re.sub("//.*", "", words.partition(" {")[2]).count(";"):
            raise AssertionError("%s: a method that cannot be read, or one name twice" % self.name)


class Method(object):
    """One method: ``takes`` (the types of its arguments, in order), ``gives`` (the type of its result), ``mark``."""

    def __init__(self, takes, gives, mark):
        self.takes = [each.rpartition(" ")[0] for each in takes.split(", ")] if takes else []
        self.gives = gives
        self.mark = mark


def source(name):
    """Return the source of the Java class ``name``."""
    with io.open(os.path.join(FOLDER, name + ".java"), encoding="utf-8") as stream:
        return stream.read()


def all_of_them():
    """Return every interface, by its name."""
    sources = [source(each.partition(".")[0]) for each in os.listdir(FOLDER) if each.endswith(".java")]
    return dict((each.name, each) for each in map(Interface, filter(_INTERFACE.search, sources)))


def constants():
    """Return the constants of VirtualServer_BootInfo: what each is called, and what it prints."""
    return dict((name, words) for _type, name, words in _CONSTANT.findall(source("VirtualServer_BootInfo")))
