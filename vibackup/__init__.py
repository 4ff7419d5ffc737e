"""vibackup: back up and recover virtual servers under Virtual Iron.

What a script imports is here; everything else is where its name says.
"""

from vibackup.agents import load as load_agents  # noqa: F401
from vibackup.errors import VibackupError  # noqa: F401
from vibackup.flows import proxy, reconcile, snapshot_boot  # noqa: F401
from vibackup.run import Run  # noqa: F401
from vibackup.site import connect, connect_lab  # noqa: F401
from vibackup.version import __version__  # noqa: F401
