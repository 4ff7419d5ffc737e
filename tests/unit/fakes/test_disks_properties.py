# -*- coding: utf-8 -*-
"""The disk store beside the plainest model of it: one bytearray for each disk."""
from __future__ import absolute_import, division, print_function, unicode_literals

import hashlib
import os
import shutil
import tempfile

import pytest
from hypothesis import given, strategies as st

from fakes import disks
from fakes.disks import PAGE

SIZE = 2 * PAGE + 1024

_offsets = st.one_of(st.integers(0, SIZE), st.sampled_from([0, PAGE - 1, PAGE, 2 * PAGE - 1, 2 * PAGE, SIZE - 1]))
_writes = st.tuples(st.just("write"), st.integers(0, 5), _offsets,
                    st.binary(min_size=1, max_size=3), st.sampled_from([1, 2, 700, PAGE, PAGE + 1]))
_actions = st.lists(st.one_of(_writes, _writes,
                              st.tuples(st.just("snapshot"), st.integers(0, 5)),
                              st.tuples(st.just("release"), st.integers(0, 5)),
                              st.tuples(st.just("program"), st.integers(0, 5), _offsets, st.binary(max_size=9))),
                    max_size=14)


class Store(object):
    """Disks as the lab keeps them, each beside its model."""

    def __init__(self, pages):
        self.pages = pages
        self.layers = 0
        self.chains = [[self._layer()]]
        self.models = [bytearray(SIZE)]
        self.snapshots = []  # (parent, snapshot), the newest last

    def _layer(self):
        self.layers += 1
        return "layer-%d" % self.layers

    def write(self, which, offset, data, times):
        data = (data * times)[:SIZE - offset]
        disk = which % len(self.chains)
        disks.write(self.pages, self.chains[disk], offset, data)
        self.models[disk][offset:offset + len(data)] = data

    def snapshot(self, which):
        disk = which % len(self.chains)
        if any(disk in pair for pair in self.snapshots):
            return  # one snapshot for each disk, and none of a snapshot
        frozen = self.chains[disk]
        self.chains[disk] = [self._layer()] + frozen
        self.chains.append([self._layer()] + frozen)
        self.models.append(bytearray(self.models[disk]))
        self.snapshots.append((disk, len(self.chains) - 1))

    def release(self, _which):
        if not self.snapshots or self.snapshots[-1][1] != len(self.chains) - 1:
            return
        parent, _snapshot = self.snapshots.pop()
        self.pages.drop(self.chains.pop()[0])
        self.models.pop()
        self.pages.move(self.chains[parent][0], self.chains[parent][1])

    def program(self, which, offset, data):
        """A program in a guest writes to the device file."""
        disk = which % len(self.chains)
        data = data[:SIZE - offset]
        folder = tempfile.mkdtemp()
        try:
            path = os.path.join(folder, "device")
            was = disks.copy_out(self.pages, self.chains[disk], SIZE, path)
            with open(path, "r+b") as stream:
                stream.seek(offset)
                stream.write(data)
            disks.copy_in(self.pages, self.chains[disk], SIZE, path, was)
        finally:
            shutil.rmtree(folder)
        self.models[disk][offset:offset + len(data)] = data

    def check(self):
        for chain, model in zip(self.chains, self.models):
            assert b"".join(disks.stream(self.pages, chain, SIZE)) == bytes(model)
            assert disks.sha256(self.pages, chain, SIZE) == hashlib.sha256(bytes(model)).hexdigest()
            for offset, length in ((0, 1), (PAGE - 3, 7), (PAGE + 5, PAGE), (SIZE - 2, 2)):
                assert disks.read(self.pages, chain, offset, length) == bytes(model[offset:offset + length])


@pytest.mark.parametrize("kind", ["memory", "folder"])
@given(actions=_actions)
def test_every_disk_reads_as_its_model_whatever_is_done_to_the_others(kind, actions):
    folder = tempfile.mkdtemp()
    try:
        store = Store(disks.MemoryPages() if kind == "memory" else disks.FolderPages(folder))
        for action in actions:
            getattr(store, action[0])(*action[1:])
        store.check()
    finally:
        shutil.rmtree(folder)
