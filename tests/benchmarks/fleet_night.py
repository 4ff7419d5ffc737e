"""How close a night comes to what no night could be shorter than, on seeded random fleets carried out in a lab."""
import collections
import contextlib
import resource
import time

import py

from common import met, workspace
from tests import fleets

NAME = "nights of 100, 1,000 and 10,000 virtual servers"
FLEETS = ((100, 5), (1000, 5), (10000, 1))
GOAL = 1.05  # at 1,000 and above
SPREAD = 0.3  # by which managed nodes read faster or slower than the policy says, where that is looked at


def figure():
    """Return for each size the makespan over its lower bound, the naive run's, reboots, and what it took here."""
    lines = [_of_size(count, seeds) for count, seeds in FLEETS]
    return "\n    ".join([""] + lines + [_of_wrong_speeds(1000, 5), "peak memory of all: %d MiB" % _peak_mebibytes()])


def _of_wrong_speeds(count, seeds):
    ratios = [_night(count, seed, SPREAD).ratio for seed in range(seeds)]
    return ("%6d servers, %d seeds, on managed nodes up to %d %% faster or slower than planned: %.3f at worst, "
            "%.3f on average (no goal)" % (count, seeds, 100 * SPREAD, max(ratios), _mean(ratios)))


def _of_size(count, seeds):
    nights = [_night(count, seed) for seed in range(seeds)]
    worst = max(night.ratio for night in nights)
    return ("%6d servers, %d seeds: makespan / lower bound %.3f at worst, %.3f on average (%s); naive %.2f; "
            "%.3f reboots a server; limits exceeded: %d; %.1f s here each" % (
                count, seeds, worst, _mean(night.ratio for night in nights),
                "goal: 1.05; %s" % met(worst <= GOAL) if count >= 1000 else "no goal",
                _mean(night.naive for night in nights), _mean(night.reboots for night in nights),
                sum(night.exceeded for night in nights), _mean(night.took for night in nights)))


Figures = collections.namedtuple("Figures", "ratio naive reboots exceeded took")


def _night(count, seed, spread=0.0):
    fleet = fleets.Fleet(count, seed)
    with workspace() as folder, contextlib.closing(fleets.Night(fleet, py.path.local(folder), spread)) as night:
        begun = time.monotonic()
        night.prepare()
        counts = night.carry_out()
        took = time.monotonic() - begun
        assert counts["without"] == [], counts
        bound = lower_bound(night.journal, fleet)
        return Figures(night.seconds / bound, naive(night.journal, fleet) / bound,
                       len(night.journal.of("reboot")) / count, len(fleets.exceeded(night.intervals(), fleet.limits)),
                       took)


def lower_bound(journal, fleet):
    """Return the seconds that no night could be shorter than in which each takes as long: see ``fleet.bound``."""
    took = dict((each["vs"], each["seconds"]) for each in journal.of("backup") if each["seconds"])
    members = [each._replace(seconds=took[each.server.name]) for each in fleet.members]
    return fleets.make(members, fleet.proxies, fleet.limits,
                       reboot_seconds=journal.of("reboot")[0]["seconds"]).lower_bound


def naive(journal, fleet):
    """Return how long the same proxies take with one server at a time and two reboots for each, in the best order."""
    two = 2 * journal.of("reboot")[0]["seconds"]
    used = set(each["proxy"] for each in journal.of("reboot"))
    proxies = [each for each in fleet.proxies if each.server.name in used]
    return fleets.make(fleet.members, proxies, dict(fleet.limits, proxy=1), 1, reboot_seconds=two).seconds


def _mean(values):
    values = list(values)
    return sum(values) / len(values)


def _peak_mebibytes():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
