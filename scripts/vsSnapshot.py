"""Snapshot a virtual server, boot the snapshot from a device, wait until it stops, delete it."""
import sys

from vibackup.cli import main_and_exit

main_and_exit("snapshot-boot", sys.argv)
