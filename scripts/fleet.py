"""Prove that a backup restores and boots."""
import sys

from vibackup.cli import main_and_exit

main_and_exit("fleet", sys.argv)
