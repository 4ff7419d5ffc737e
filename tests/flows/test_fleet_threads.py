# -*- coding: utf-8 -*-
"""Nights in real time with real threads, which nothing makes take turns: as on a site, and not as in a lab."""
from __future__ import absolute_import, division, print_function, unicode_literals

import collections
import os
import threading

import pytest

from tests.flows import fleets
from tests.flows.helpers import compat, write_words
from tests.threaded_manager import Refused, Site
from vibackup import catalog, clock, errors, events, run
from vibackup.fleet import journal, night, policy
from vibackup.guest import Completed
from vibackup.run import Run

SERVERS, PROXIES, NODES = 30, 4, 6
LONGEST_SECONDS = 30  # then it hangs
MOST = {"in all": 3, "node": 1, "proxy": 2, "disk group": 2, "agent server": 8}
POLICY = """
[fleet]
window = always
retries = {retries}
batch = 4
speed = 1GiB
at-once = 3
at-once-per-node = 1
at-once-per-disk-group = 2
[servers all]
names = web*
agent = model
proxies = pbh*
"""


class Nights(object):
    """Nights of one Site."""

    def __init__(self, folder):
        self.site = Site(SERVERS, PROXIES, NODES)
        self.before = self.site.state()
        self.folder = compat.text(str(folder))
        self.stop = None
        self.is_urgent = False
        self.told = []

    def pass_(self, retries=1):
        """Let a night pass on a thread of its own; returns its counts, and fails where it hangs."""
        path = write_words(os.path.join(self.folder, "nightly.ini"), POLICY.format(retries=retries))
        threads, found = set(threading.enumerate()), []

        def work():
            with Run(self.site.connect(), os.path.join(self.folder, "state"), "fleet",
                     stop_status=lambda: self.stop) as whole:
                prepared = night.prepare(whole, policy.read(path))
                found.append(prepared.carry_out(self._start_run(whole), self._tell,
                                                prepared.ending(lambda: self.is_urgent)))
                self.leftovers = whole.leftovers
        thread = threading.Thread(target=work)
        thread.daemon = True
        thread.start()
        thread.join(LONGEST_SECONDS)
        assert not thread.is_alive(), "the night hangs"
        assert [each for each in threading.enumerate() if each not in threads and each.is_alive()] == []
        self.last = journal.nights(os.path.join(self.folder, "state"))[-1]
        return found[0]

    def _start_run(self, whole):
        return lambda verb, stop_status, show=None: Run(whole.manager.for_thread(), whole.folder, verb, show,
                                                        stop_status=stop_status)

    def _tell(self, kind, facts):
        self.told.append((kind, facts))

    def judge(self, outcomes):
        """Check what must hold after any night; outcomes: ``{server: [of each try]}``, of those not tried none."""
        assert self.site.wrong == []
        assert fleets.outcomes(self.last) == outcomes
        assert self.site.state() == self.before and self.leftovers == []
        for key, most in self.site.peaks.items():
            assert most <= MOST[key[0]], key
        good = sorted(vs for vs, tries in outcomes.items() if tries[-1] == "ok")
        entries = catalog.Catalog(os.path.join(self.folder, "state")).entries()
        assert sorted(entry["vs"] for entry in entries) == good
        tries = collections.Counter((facts["vs"], facts["attempt"]) for facts in self.last.of("backup"))
        assert set(tries.values()) <= {1}, "one was settled twice"
        assert os.listdir(compat.native(os.path.join(self.folder, "state", "locks"))) == []
        assert os.listdir(compat.native(os.path.join(self.folder, "state", "ledger"))) == []


@pytest.fixture
def nights(tmpdir, monkeypatch):
    monkeypatch.setattr(os, "fsync", lambda _file: None)
    monkeypatch.setattr(clock, "POLL_SECONDS", 0.002)
    monkeypatch.setattr(run, "RELEASE_PAUSE_SECONDS", 0.002)
    for name in ("SETTLE_SECONDS", "PAUSE_SECONDS"):
        monkeypatch.setattr(events, name, 0.01)
    return Nights(tmpdir)


def test_a_night_of_thirty_servers_on_four_proxies_is_done_once_and_keeps_its_limits(nights):
    counts = nights.pass_()
    assert counts["without"] == [] and counts["outcomes"] == {"ok": SERVERS}
    nights.judge(fleets.all_good(SERVERS))
    assert sorted(vs for vs, _disk, _proxy in nights.site.reads) == fleets.names(SERVERS)
    assert len(set(proxy for _vs, _disk, proxy in nights.site.reads)) == PROXIES
    assert nights.site.peaks["in all", None] > 1, "what never runs at once proves nothing"


def striking(*wanted):
    """Return what strikes each of ``wanted``, pairs of (call, name of the thing), once, and refuses the change."""
    left, lock = list(wanted), threading.Lock()

    def strike(call, thing):
        with lock:
            if (call, thing.name) in left:
                left.remove((call, thing.name))
                raise Refused("%s of %s is refused" % (call, thing.name))
    return strike, left


def test_faults_here_and_there_cost_a_try_each_and_nobody_is_lost(nights):
    """L1, L3: refused snapshots and attachments, agents that fail, and a clean-up that is refused at first."""
    nights.site.strike, left = striking(
        ("snapshot", "web03"), ("snapshot", "web19"), ("deleteSnapshot", "web08"), ("deleteLogicalDisk",
                                                                                  "Snapshot of web09-disk"))
    failing, lock = collections.Counter({"web05": 1, "web12": 1, "web26": 9}), threading.Lock()

    def answer(_server, argv):
        vs = fleets.agent_of(argv)
        with lock:
            if failing[vs]:
                failing[vs] -= 1
                return Completed(1, "", "it broke")
        return None
    nights.site.answer = answer
    counts = nights.pass_()
    assert left == [] and counts["without"] == ["web26"]
    once = dict((name, ["failed", "ok"]) for name in ("web03", "web19", "web05", "web12"))
    nights.judge(dict(fleets.all_good(SERVERS), web26=["failed", "failed"], **once))


def test_a_proxy_that_cannot_be_rebooted_any_more_leaves_its_servers_to_the_others(nights):
    """L3, L6."""
    lock, refused = threading.Lock(), []

    def strike(call, thing):
        if (call, thing.name) == ("reboot", "pbh02") and len(refused) < 8:
            with lock:
                refused.append(call)
            raise Refused("no power")
    nights.site.strike = strike
    nights.pass_(retries=2)
    assert len(refused) >= 2
    last = dict((vs, tries[-1]) for vs, tries in fleets.outcomes(nights.last).items())
    left = set(each["vs"] for each in nights.last.of("backup") if each["leftovers"])
    assert sorted(last) == fleets.names(SERVERS)
    assert all(outcome == "ok" for vs, outcome in last.items() if vs not in left), last
    assert nights.site.wrong == []


@pytest.mark.parametrize("is_urgent", [False, True])
def test_a_stop_in_the_middle_ends_all_threads_and_leaves_nothing(nights, is_urgent):
    """L3, L7: what agents read goes on, or is cancelled at once."""
    lock, begun = threading.Lock(), []

    def answer(_server, argv):
        if fleets.agent_of(argv):
            with lock:
                begun.append(argv)
                if len(begun) == 10:
                    nights.stop, nights.is_urgent = errors.TERMINATED, is_urgent
        return None
    nights.site.answer = answer
    nights.pass_()
    outcomes = fleets.outcomes(nights.last)
    skipped = [each["vs"] for each in nights.last.of("skipped")]
    assert sorted(list(outcomes) + skipped) == fleets.names(SERVERS) and skipped
    assert set(sum(outcomes.values(), [])) <= {"ok", "stopped"} and nights.last.end["outcome"] == "stopped"
    nights.judge(outcomes)
