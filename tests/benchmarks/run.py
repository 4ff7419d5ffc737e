"""Print the figures that say whether the tool is fast enough: a line or a few each, in some minutes.

No figure is a test: a goal that is missed is printed like one that is met. Run it with
``sh tests/run.sh --bench``, or with the names of some of the modules.
"""
import sys

import common  # noqa: F401  # puts the checkout on the path
import calls
import disk_reading
import fleet_night
import fleet_plan
import flow_time
import import_time
import inventory_load
import snapshot_size
import vhd_speed

FIGURES = (calls, flow_time, snapshot_size, inventory_load, import_time, disk_reading, vhd_speed, fleet_plan,
           fleet_night)


def main(names):
    """Print the figures of the modules called ``names``, or of all; return the exit status."""
    known = [module.__name__ for module in FIGURES]
    unknown = [name for name in names if name not in known]
    if unknown:
        print("run.py: no figure is called %s; there are: %s" % (unknown[0], ", ".join(known)), file=sys.stderr)
        return 2
    for module in FIGURES:
        if not names or module.__name__ in names:
            print("%s: %s" % (module.NAME, module.figure()), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
