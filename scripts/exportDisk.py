"""Export a logical disk to a VHD file."""
import sys

from vibackup.cli import main_and_exit

main_and_exit("export-disk", sys.argv)
