"""Run decoy cases by hand: python -m tests.decoys --cases=10000 --seed=1 [--only=K]."""
from __future__ import absolute_import, division, print_function, unicode_literals

import argparse
import sys

import fakes  # noqa: F401  the lab's packages come first on the path
from tests.decoys.case import play


def main(argv=None):
    """Play the cases; return the exit status: 1 where an object that is not ours was touched."""
    parser = argparse.ArgumentParser(prog=str("python -m tests.decoys"), description=__doc__)
    parser.add_argument("--cases", type=int, default=10000, metavar="COUNT", help="how many (default: %(default)s)")
    parser.add_argument("--seed", default="1", help="what decides them (default: %(default)s)")
    parser.add_argument("--only", type=int, metavar="NUMBER", help="this case alone")
    given = parser.parse_args(argv)
    numbers = range(given.cases) if given.only is None else [given.only]
    touched = 0
    for number in numbers:
        for words in play(given.seed, number):
            touched += 1
            print("case %d: %s" % (number, words))
            sys.stdout.flush()
    print("%d cases, %d foreign objects touched" % (len(numbers), touched))
    return 1 if touched else 0


if __name__ == "__main__":
    sys.exit(main())
