# -*- coding: utf-8 -*-
"""What is still to be tried: every Try is handed out once at a time, whoever asks, also by real threads at once."""
from __future__ import absolute_import, division, print_function, unicode_literals

import collections
import threading

from tests import fleets
from vibackup.clock import SystemClock
from vibackup.fleet.kept import Kept
from vibackup.fleet.limits import Limits
from vibackup.fleet.turns import Turns
from vibackup.fleet.waiting import LATE_SECONDS, Waiting

LATER = 10 ** 6  # seconds of the night: all is late, and whoever has nothing to do helps


AGE = 4 * 3600  # seconds


def waiting_of(members, proxies, batch=3):
    found = fleets.make(members, proxies, batch=batch)
    return Waiting(found.batches, [None] + proxies, batch, AGE)


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
    [first, second] = waiting.next(one, LATER, LATER)
    assert waiting.next(one, LATER, LATER) == []
    waiting.over(first, False)
    waiting.over(second, True)
    [again] = waiting.next(one, LATER, LATER)
    assert (again.task, again.attempt) == (second.task, 2)
    waiting.over(again, False)
    assert waiting.next(one, LATER, LATER) is None and waiting.rest() == []


def test_what_failed_on_one_proxy_is_tried_by_another_one_while_there_is_one():
    one, two = fleets.proxy("pbh01"), fleets.proxy("pbh02", "node8")
    waiting = waiting_of(servers(2), [one, two], batch=1)
    [failed], [good] = waiting.next(one, LATER, LATER), waiting.next(two, LATER, LATER)
    waiting.over(failed, True)
    assert waiting.next(one, LATER, LATER) == []
    waiting.gone(two)
    assert [each.task for each in waiting.next(one, LATER, LATER)] in ([failed.task], [good.task])


def test_what_a_host_has_not_done_when_it_is_gone_is_taken_over_as_it_was():
    one, two = fleets.proxy("pbh01"), fleets.proxy("pbh02", "node8")
    waiting = waiting_of(servers(8), [one, two])
    mine = waiting.next(one, LATER, LATER)
    waiting.gone(one)
    found = []
    while True:
        tries = waiting.next(two, LATER, LATER)
        if tries is None:
            break
        found += tries
        for each in tries:
            waiting.over(each, False)
    assert names(found) == names([each for each in found if each.attempt == 1]) and len(found) == 8
    assert set(names(mine)) <= set(names(found))


# -- not too early, and not too late

def test_a_batch_is_not_begun_so_early_that_its_last_snapshots_would_get_too_old():
    """Two batches: the second is planned after 3 * 2 hours, and read for 6; its snapshots may live for 4."""
    one = fleets.proxy("pbh01")
    waiting = waiting_of([fleets.member("web%d" % number, 7200, "node1") for number in range(6)], [one])
    found = fleets.make([fleets.member("web%d" % number, 7200, "node1") for number in range(6)], [one], batch=3)
    ends = [max(start.at + 7200 for start in batch.starts) for batch in found.batches]
    for each in waiting.next(one, 0, 0):
        waiting.over(each, False)
    assert waiting.next(one, ends[1] - AGE - 1, 0) == []
    assert waiting.seconds_to_wait(one, ends[1] - AGE - 1, 0) == 1
    assert len(waiting.next(one, ends[1] - AGE, 0)) == len(found.batches[1].starts)


def test_who_has_nothing_to_do_looks_again_when_another_has_become_late():
    one, two = fleets.proxy("pbh01"), fleets.proxy("pbh02", "node8")
    waiting = waiting_of(servers(9), [one, two])
    while waiting.next(two, 0, 0):
        pass
    seconds = waiting.seconds_to_wait(two, 0, 0)
    assert LATE_SECONDS < seconds < LATE_SECONDS + 7200
    assert waiting.next(two, seconds, seconds) == [] and len(waiting.next(two, seconds + 1, seconds + 1)) > 0


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
            tries = waiting.next(host, LATER, LATER)
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
    tries = waiting.next(waiting.hosts[0], LATER, LATER)
    try:
        turns.take(tries, waiting.hosts[0], 2, read)
    except KeyError:
        pass
    assert len(done) == 4
