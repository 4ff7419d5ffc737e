"""Say which servers have no good backup within their RPO, and what the last night has done."""
import sys

from vibackup.cli import main_and_exit

main_and_exit("report", sys.argv)
