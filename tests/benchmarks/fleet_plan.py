"""How long it takes to plan a night, how that grows with the number of virtual servers, and how good the plan is."""
import statistics

from common import met, seconds_of
from tests import fleets

NAME = "planning a night"
MANY, FEW = 10000, 1000
SEEDS = range(6)
GOAL_SECONDS = 3
FLEETS, GOAL_RATIO = 100, 1.05


def figure():
    """Return the seconds for MANY at worst and in the middle, and what each server costs beside one of FEW, as text."""
    many, few = ([seconds_of(fleets.Fleet(count, seed).plan) for seed in SEEDS] for count in (MANY, FEW))
    growth = (statistics.median(many) / MANY) / (statistics.median(few) / FEW)
    return ("10,000 servers in %.2f s at worst and %.2f s in the middle of %d seeds (goal: 3 s; %s), 1,000 in %.2f s: "
            "%.1f times as long for each (goal: close to 1)\n    %s" % (
                max(many), statistics.median(many), len(many), met(max(many) <= GOAL_SECONDS), statistics.median(few),
                growth, _quality()))


def _quality():
    plans = [fleets.Fleet(FEW, seed).plan() for seed in range(FLEETS)]
    ratios = sorted(made.seconds / made.lower_bound for made in plans)
    return "%d plans of %d servers: %.3f of the lower bound at worst, %.3f on average, %d of them above %.2f" % (
        FLEETS, FEW, ratios[-1], statistics.mean(ratios), sum(ratio > GOAL_RATIO for ratio in ratios), GOAL_RATIO)
