# -*- coding: utf-8 -*-
"""Whatever the names are, a backup is good, they arrive as they are, and nothing is left."""
from __future__ import absolute_import, division, print_function, unicode_literals

import shutil
import tempfile

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.flows.helpers import Stage, small
from vibackup.names import safe_name

NAMES = st.text(st.characters(blacklist_categories=("Cs",), blacklist_characters="\0"), min_size=1, max_size=200) | \
    st.text("-./\\ $()`'\";=%{}<>&|\n*~", min_size=1, max_size=30)


@settings(max_examples=20)
@given(vs=NAMES, disk=NAMES, proxy=NAMES)
def test_a_backup_of_whatever_name_is_good(vs, disk, proxy):
    folder = tempfile.mkdtemp()
    stage = Stage(folder)
    try:
        proxy += "!" if proxy == vs else ""
        stage.open(small(vs=vs, disk=disk, proxy=proxy))
        before, content = stage.objects(), stage.content(disk)
        ran = stage.proxy_backup(vs=vs, proxy=proxy, agent="dd")
        assert ran.status == 0, ran.errors
        assert (ran.document["vs"], ran.document["backup"]["disks"][0]["name"]) == (vs, disk)
        assert ran.document["backup"]["disks"][0]["stored_as"] == safe_name(vs) + "/" + safe_name(disk)
        assert stage.image(ran.document["backup"], disk, proxy) == content
        assert len(stage.files()) == 1 and stage.objects() == before
    finally:
        stage.close()
        shutil.rmtree(folder)
