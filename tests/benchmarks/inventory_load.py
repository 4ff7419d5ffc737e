"""How long a lab of ten thousand virtual servers takes to load, and how that grows with their number."""
import statistics

from common import interleaved, met, seconds_of, workspace, write_json
from fakes import opening

NAME = "loading an inventory of 10,000 virtual servers"
MANY, FEW = 10000, 1000
REPETITIONS = 3
GROWTH = 1.5


def figure():
    """Return the seconds of MANY, and what each costs beside one of FEW, as text."""
    with workspace() as folder:
        paths = [write_json(folder, "%d.json" % count, inventory(count)) for count in (MANY, FEW)]
        many, few = [statistics.median(each) for each in
                     interleaved([lambda path=path: _load(path) for path in paths], REPETITIONS)]
    growth = (many / MANY) / (few / FEW)
    return "%.2f s, %.3f ms each, of 1,000 %.3f ms each: %.2f times (goal: no growth but noise; %s)" % (
        many, 1000 * many / MANY, 1000 * few / FEW, growth, met(growth <= GROWTH))


def inventory(count):
    """Return the description of a lab with ``count`` virtual servers of one logical disk each."""
    numbers = range(count)
    nodes = max(1, count // 50)
    return {"data_centers": [{"name": "East", "nodes": [{"name": "node%d" % each} for each in range(nodes)],
                              "disk_groups": [{"name": "group", "bytes": 2 * count * 1024 ** 3}]}],
            "disks": [{"name": "disk%d" % each, "group": "group", "bytes": 1024 ** 3, "content": {"boot": True}}
                      for each in numbers],
            "servers": [{"name": "vs%d" % each, "node": "node%d" % (each % nodes), "devices": ["disk%d" % each]}
                        for each in numbers]}


def _load(path):
    """Return the seconds that it takes to open a lab in memory from the inventory at ``path``."""
    opened = []
    try:
        return seconds_of(lambda: opened.append(opening.open_lab(None, path)))
    finally:
        for each in opened:
            each.close()
