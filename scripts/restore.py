"""Restore a virtual server from a backup."""
import sys

from vibackup.cli import main_and_exit

main_and_exit("restore", sys.argv)
