"""A Slurm in a folder: controller and one node on loopback, without authentication."""

from __future__ import annotations

import getpass
import os
import shutil
import socket
import subprocess
from contextlib import contextmanager

from by_hand import wait_for

PROGRAMS = ("slurmctld", "slurmd", "sbatch", "scancel", "squeue", "scontrol", "sinfo")
CONFIG = """\
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ctld}
SlurmdPort={slurmd}
AuthType=auth/none
CredType=cred/none
MpiDefault=none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerType=sched/backfill
SchedulerParameters=sched_interval=1,bf_interval=1
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SlurmUser={user}
SlurmdUser={user}
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
ReturnToService=2
SlurmctldParameters=enable_configless
SlurmdParameters=config_overrides
KillWait=2
CommunicationParameters=NoInAddrAny
NodeName={host} NodeAddr=127.0.0.1 CPUs=4 RealMemory=64000 State=UNKNOWN
PartitionName=images Nodes={host} Default=YES MaxTime=60 State=UP
"""


def missing():
    """The programs that are not installed."""
    return [name for name in PROGRAMS if shutil.which(name) is None]


def _ports(count):
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    found = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return found


class OwnSlurm:
    """Slurm that runs; `environment` makes its commands find it."""

    def __init__(self, folder):
        ctld, slurmd = _ports(2)
        self.config = folder / "slurm.conf"
        for name in ("state", "spool"):
            (folder / name).mkdir(parents=True)
        self.config.write_text(
            CONFIG.format(
                host=socket.gethostname().split(".")[0],
                user=getpass.getuser(),
                folder=folder,
                ctld=ctld,
                slurmd=slurmd,
            )
        )
        self.environment = {"SLURM_CONF": str(self.config)}

    def ask(self, *command):
        """What a command of Slurm says; empty where it fails."""
        done = subprocess.run(
            command, env=os.environ | self.environment, capture_output=True, text=True
        )
        return done.stdout.strip() if done.returncode == 0 else ""


@contextmanager
def running(folder):
    """A Slurm whose one node, with the queue `images`, takes jobs; None where it does not start."""
    slurm = OwnSlurm(folder)
    environment = os.environ | slurm.environment
    daemons = []

    def state():
        ended = any(daemon.poll() is not None for daemon in daemons)
        return "ended" if ended else slurm.ask("sinfo", "-h", "-o", "%T").replace("unknown", "")

    try:
        for command in (["slurmctld", "-D"], ["slurmd", "-D"]):
            with (folder / f"{command[0]}.out").open("w") as out:
                daemons.append(subprocess.Popen(command, env=environment, stdout=out, stderr=out))
        yield slurm if wait_for(state, "Slurm's node") == "idle" else None
    finally:
        slurm.ask("scancel", "--user", getpass.getuser())
        for daemon in reversed(daemons):
            daemon.terminate()
            daemon.wait()
