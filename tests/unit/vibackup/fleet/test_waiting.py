# -*- coding: utf-8 -*-
"""What is still to be tried: every Try is handed out once at a time, whoever asks, also by real threads at once."""
from __future__ import absolute_import, division, print_function, unicode_literals

import collections
import threading

import pytest

from tests import fleets
from tests.fleets import Section
from vibackup.clock import SystemClock
from vibackup.fleet.kept import Kept
from vibackup.fleet.limits import Limits
from vibackup.fleet.schedule import Batch, Start
from vibackup.fleet.tasks import task_of
from vibackup.fleet.turns import Turns
from vibackup.fleet.waiting import LATE_SECONDS, VERY_LATE_SECONDS, Waiting



AGE = 4 * 3600  # seconds


class Night(object):
    """How far a night has come, in seconds: all is late, and whoever has nothing to do helps, where nothing is said."""

    def __init__(self, moment=10 ** 6, loaded=()):
        self.at = moment
        self.loaded = loaded  # managed nodes that have servers to be backed up

    def moment(self):
        return self.at

    seconds = moment

    def over(self, each):
        pass

    def has_any(self, key):
        assert key[0] == "node"
        return key[1] in self.loaded


def waiting_of(members, proxies, batch=3, night=None):
    found = fleets.make(members, proxies, batch=batch)
    return Waiting(found.batches, [None] + proxies, batch, AGE, night or Night())


def turns_of(clock, most, is_over):
    """Return Turns of a plan that has nothing come next, within the limits ``most``, by kind."""
    limits = Limits(dict(fleets.LIMITS, **most))
    return Turns(clock, limits, Kept([], clock, limits), is_over)


def servers(count):
    return [fleets.member("web%02d" % number, 100 + number, "node%d" % (number % 5)) for number in range(count)]


def names(tries):
    return sorted(each.task.member.server.name for each in tries)


def test_a_host_waits_while_something_may_come_back_and_goes_when_nothing_can():
    one = fleets.proxy("pbh01")
    waiting = waiting_of(servers(2), [one])
    [first, second] = waiting.next(one)
    assert waiting.next(one) == []
    waiting.over(first, False)
    waiting.over(second, True)
    [again] = waiting.next(one)
    assert (again.task, again.attempt) == (second.task, 2)
    waiting.over(again, False)
    assert waiting.next(one) is None and waiting.rest() == []


def test_what_failed_on_one_proxy_is_tried_by_another_one_while_there_is_one():
    one, two = fleets.proxy("pbh01"), fleets.proxy("pbh02", "node8")
    waiting = waiting_of(servers(2), [one, two], batch=1)
    [failed], [good] = waiting.next(one), waiting.next(two)
    waiting.over(failed, True)
    assert waiting.next(one) == []
    waiting.gone(two)
    assert [each.task for each in waiting.next(one)] in ([failed.task], [good.task])


def test_what_a_host_has_not_done_when_it_is_gone_is_taken_over_as_it_was():
    one, two = fleets.proxy("pbh01"), fleets.proxy("pbh02", "node8")
    waiting = waiting_of(servers(8), [one, two])
    mine = waiting.next(one)
    waiting.gone(one)
    found = []
    while True:
        tries = waiting.next(two)
        if tries is None:
            break
        found += tries
        for each in tries:
            waiting.over(each, False)
    assert names(found) == names([each for each in found if each.attempt == 1]) and len(found) == 8
    assert set(names(mine)) <= set(names(found))


def test_what_has_failed_is_tried_again_by_the_fewer_at_once_the_more_often_it_has():
    """One of them may be the one to blame for all."""
    one = fleets.proxy("pbh01")
    waiting = waiting_of(servers(8), [one], batch=8)
    counts = []
    while waiting.rest():
        tries = waiting.next(one)
        counts.append(len(tries))
        for each in tries:
            waiting.over(each, each.attempt < 3)
    assert counts == [8] + [2] * 4 + [1] * 8


def test_no_more_spare_proxies_are_called_than_what_is_left_has_batches_and_none_that_cannot_do_it():
    """A proxy that is called is rebooted twice."""
    one, far = fleets.proxy("pbh01"), fleets.proxy("far", data_center="West")
    spare = [fleets.proxy("pbh%02d" % number) for number in range(2, 7)]
    waiting = Waiting(fleets.make(servers(7), [one], batch=3).batches, [one, far] + spare, 3, AGE, Night())
    waiting.gone(one)
    assert waiting.call_spare() == spare[:3]


def late(proxy, *members):
    """Return a batch of a plan that is late whenever it is looked at."""
    return Batch(1, proxy, 0, [Start(task_of(each, AGE), 0) for each in members])


def test_nobody_helps_with_a_batch_of_which_the_section_gives_one_to_another_proxy():
    one, two = fleets.proxy("pbh01"), fleets.proxy("pbh02")
    his = fleets.member("web02", section=Section("his", "proxy-backup", "image", ("pbh01",), 0))
    waiting = Waiting([late(one, fleets.member("web01"), his)], [one, two], 3, AGE, Night())
    assert not waiting.next(two) and names(waiting.rest()) == ["web01", "web02"]


def test_nobody_helps_with_a_batch_in_which_there_is_a_proxy_that_has_work_itself():
    """L6."""
    one, two, three = [fleets.proxy("pbh%02d" % number) for number in (1, 2, 3)]
    own = fleets.member("web03", section=Section("own", "proxy-backup", "image", ("pbh03",), 0))
    batches = [late(one, fleets.member("web01"), fleets.member("pbh03")), late(three, own)]
    waiting = Waiting(batches, [one, two, three], 3, AGE, Night())
    assert waiting.next(two) == [] and names(waiting.rest()) == ["pbh03", "web01", "web03"]


# -- not too early, and not too late

def test_a_batch_is_not_begun_so_early_that_its_last_snapshots_would_get_too_old():
    """Each is read for an hour, on a managed node that has two at once; a snapshot may live for four."""
    one, members = fleets.proxy("pbh01"), [fleets.member("web%d" % number, 3600) for number in range(8)]
    night = Night(0)
    waiting = waiting_of(members, [one], batch=4, night=night)
    for each in waiting.next(one):
        waiting.over(each, False)
    [_first, second] = fleets.make(members, [one], batch=4).batches
    earliest = max(start.at for start in second.starts) + 3600 - AGE
    night.at = earliest - 1
    assert waiting.next(one) == [] and waiting.seconds_to_wait(one) == 1
    night.at = earliest
    assert len(waiting.next(one)) == len(second.starts) == 4


def test_a_batch_is_begun_when_the_plan_says_also_where_its_server_takes_longer_than_a_snapshot_may_live():
    """It waits for no better moment: there is none."""
    one, night = fleets.proxy("pbh01"), Night(0)
    found = fleets.make([fleets.member("web1", AGE + 3600)], [one])
    waiting = Waiting(found.batches, [one], 3, AGE, night)
    night.at = found.batches[0].starts[0].at
    assert names(waiting.next(one)) == ["web1"]


@pytest.mark.parametrize("loaded, seconds", [((), LATE_SECONDS), (("node8",), VERY_LATE_SECONDS)])
def test_who_has_nothing_to_do_helps_who_is_late_later_where_that_loads_a_managed_node_in_use(loaded, seconds):
    one, two = fleets.proxy("pbh01"), fleets.proxy("pbh02", "node8")
    night = Night(0, loaded)
    found = fleets.make(servers(24), [one, two], batch=3)
    [mine, his] = [[batch for batch in found.batches if batch.proxy is proxy] for proxy in (one, two)]
    waiting = Waiting(found.batches, [one, two], 3, AGE, night)
    for _batch in his:
        for each in waiting.next(two):
            waiting.over(each, False)
    night.at = mine[0].starts[0].at + seconds - 1
    assert waiting.next(two) == []
    night.at += 1
    assert names(waiting.next(two)) == names(mine[-1].starts)


def test_who_has_nothing_to_do_looks_again_at_the_moment_when_another_is_late():
    """Nothing but the clock tells it so."""
    one, two = fleets.proxy("pbh01"), fleets.proxy("pbh02", "node8")
    found = fleets.make(servers(24), [one, two], batch=3)
    waiting = Waiting([batch for batch in found.batches if batch.proxy is one], [one, two], 3, AGE, Night(0))
    assert waiting.seconds_to_wait(two) == found.batches[0].starts[0].at + LATE_SECONDS
    waiting = Waiting([batch for batch in found.batches if batch.proxy is one], [one, two], 3, AGE,
                      Night(waiting.seconds_to_wait(two)))
    assert len(waiting.next(two)) > 0


def test_real_threads_at_once_try_everything_as_often_as_it_is_to_be_and_keep_the_limits():
    """On a site nothing makes them take turns."""
    clock = SystemClock()
    proxies = [fleets.proxy("pbh%02d" % number, "node%d" % (10 + number)) for number in range(4)]
    waiting = waiting_of(servers(40), proxies)
    turns = turns_of(clock, {"in all": 3}, lambda: False)
    lock, now, peak, tried = threading.Lock(), collections.Counter(), [0], collections.Counter()

    def read(each):
        with lock:
            now["in all"] += 1
            peak[0] = max(peak[0], now["in all"])
            tried[each.task.member.server.name] += 1
        with lock:
            now["in all"] -= 1
        waiting.over(each, each.attempt == 1 and each.task.member.server.name.endswith("3"))

    def work(host):
        while True:
            changes = waiting.changes
            tries = waiting.next(host)
            if tries is None:
                return
            if tries:
                turns.take(tries, host, 2, read)
                waiting.idle(host)
            else:
                clock.wait_for(lambda: waiting.changes != changes, 20)
    clock.together([lambda host=host: work(host) for host in proxies])
    assert tried == dict(("web%02d" % number, 2 if number % 10 == 3 else 1) for number in range(40))
    assert 1 <= peak[0] <= 3 and waiting.rest() == []


def test_a_thread_that_dies_gives_its_place_to_what_waits():
    """L7: or the others would wait for ever."""
    clock, done = SystemClock(), []
    waiting = waiting_of(servers(4), [fleets.proxy("pbh01")], batch=4)
    end = clock.monotonic() + 5
    turns = turns_of(clock, {"in all": 1}, lambda: clock.monotonic() > end)

    def read(each):
        done.append(each)
        if len(done) == 1:
            raise KeyError("a bug")
    tries = waiting.next(waiting.hosts[0])
    with pytest.raises(KeyError):
        turns.take(tries, waiting.hosts[0], 2, read)
    assert len(done) == 4
