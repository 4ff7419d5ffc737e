"""vibackup: back up and recover virtual servers under Virtual Iron.

What a script imports is here; everything else is where its name says.
"""

__version__ = "0.1.0"

from vibackup.agents import load as load_agents  # noqa: F401
from vibackup.errors import VibackupError  # noqa: F401
from vibackup.flows import proxy, reconcile, snapshot_boot  # noqa: F401
from vibackup.run import Run  # noqa: F401
from vibackup.site import connect, connect_lab  # noqa: F401
