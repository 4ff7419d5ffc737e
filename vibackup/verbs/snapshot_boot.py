"""snapshot-boot: the script in the paper's appendix."""
from __future__ import absolute_import, division, print_function, unicode_literals

from vibackup import arguments, verbs
from vibackup.flows import snapshot_boot

SUMMARY = "snapshot, boot it from a device, wait until it stops by itself, delete"
EXAMPLE = "vibackup snapshot-boot --lab --vs=web01 --boot-device=backup.iso"


def options(parser):
    """Add the verb's options to its parser."""
    arguments.add_vs(parser)
    parser.add_argument("--boot-device", "--bootDevice", required=True, metavar="NAME",
                        help="the device its snapshot boots from: a network block device, or a logical disk")


def prepare(run, given):
    """Return the plan, its check and its flow."""
    return snapshot_boot.Plan(run, given.vs, given.boot_device), snapshot_boot.check, snapshot_boot.snapshot_boot


def carry_out(session):
    """Do what the command line asks for; return the Result."""
    entry = session.carry_out(*prepare(session.run_, session.options))
    return entry and verbs.backed_up(entry)
