"""Import a VHD file as a logical disk."""
import sys

from vibackup.cli import main_and_exit

main_and_exit("import-disk", sys.argv)
