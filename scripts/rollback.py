"""Protect a risky change of a virtual server: take a snapshot, revert to it, or discard it."""
import sys

from vibackup.cli import main_and_exit

main_and_exit("rollback", sys.argv)
