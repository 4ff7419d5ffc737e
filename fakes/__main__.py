"""``python -m fakes``: make a lab, look into it, write to its disks, run a script in it."""
from __future__ import absolute_import, division, print_function, unicode_literals

import argparse
import json
import sys

from fakes import disks, runner, saved, storage
from fakes.opening import open_lab
from vibackup import compat, errors

EXAMPLE = """example:
  python -m fakes init mylab
  python -m fakes dump mylab
  python -m fakes read mylab web01-system > web01.img
"""


def main(argv):
    """Do what the command line ``argv`` says and return the exit status."""
    if argv[:1] == ["run"]:
        return runner.run(argv[1:])
    options = _parser().parse_args(argv)
    try:
        options.function(options)
        return errors.DONE
    except errors.VibackupError as error:
        compat.write_text(sys.stderr, "fakes: %s\n" % error.message)
        return error.exit_status
    except (IOError, OSError) as error:
        compat.write_text(sys.stderr, "fakes: %s\n" % compat.message(error))
        return errors.FAILED


def _parser():
    parser = argparse.ArgumentParser(prog=str("python -m fakes"), epilog=EXAMPLE,
                                     formatter_class=argparse.RawDescriptionHelpFormatter,
                                     description="Make a lab in a folder, and look into it.")
    verbs = parser.add_subparsers(dest="verb", metavar="VERB")
    verbs.required = True
    _add(verbs, "init", _init, "make a new lab in DIR").add_argument(
        "--inventory", metavar="FILE", help="what the lab holds (JSON; default: the demo)")
    _add(verbs, "dump", _dump, "print the lab's state as JSON")
    _add(verbs, "read", _read, "write a disk's bytes to standard output").add_argument("disk")
    write = _add(verbs, "write", _write, "write standard input to a disk at OFFSET, as its guest would")
    write.add_argument("disk")
    write.add_argument("offset", type=int)
    verbs.add_parser("run", help="run a script in a lab: run --inputfile=SCRIPT --lab[=DIR] options")
    return parser


def _add(verbs, name, function, words):
    verb = verbs.add_parser(name, help=words, description=words)
    verb.add_argument("folder", metavar="DIR")
    verb.set_defaults(function=function)
    return verb


def _text(word):
    return compat.arguments([word])[0]


def _init(options):
    folder = _text(options.folder)
    opened = None
    if not saved.is_in(folder):
        opened = open_lab(folder, options.inventory and _text(options.inventory))
        opened.close()
    if opened is None or not opened.made_here:
        raise errors.UsageError("%s: there is a lab already" % folder)


def _open(options):
    folder = _text(options.folder)
    if not saved.is_in(folder):
        raise errors.UsageError("%s: no lab there; make one with: python -m fakes init %s" % (folder, folder))
    return open_lab(folder)


def _dump(options):
    opened = _open(options)
    compat.write_text(sys.stdout, json.dumps(opened.dump(), indent=1, sort_keys=True) + "\n")
    opened.close()


def _disk(opened, options):
    name = _text(options.disk)
    found = [record for record in opened.world.objects.values()
             if "layers" in record and name in (record["name"], record["id"])]
    if len(found) != 1:
        raise errors.UsageError("%s disk called %s in this lab%s" % (
            "no" if not found else "more than one", name, "; give its id instead" if found else ""))
    return found[0]


def _read(options):
    opened = _open(options)
    disk = _disk(opened, options)
    if disk.get("lost"):
        raise errors.UsageError("%s is lost: its group ran out of space" % disk["name"])
    target = getattr(sys.stdout, "buffer", sys.stdout)
    for data in disks.stream(opened.pages, disk["layers"], disk["bytes"]):
        target.write(data)
    target.flush()
    opened.close()


def _write(options):
    opened = _open(options)
    data = getattr(sys.stdin, "buffer", sys.stdin).read()
    with opened.exclusive():
        disk = _disk(opened, options)
        if options.offset < 0 or options.offset + len(data) > disk["bytes"]:
            raise errors.UsageError("%s: %d bytes at %d do not fit in its %d bytes" % (
                disk["name"], len(data), options.offset, disk["bytes"]))
        storage.write(opened, disk, options.offset, data)
    opened.close()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
