import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

TESTS = Path(__file__).parents[1]


class Cluster:
    """A scheduler and a worker in processes of their own, talking over loopback, as a user would start them."""

    def __init__(self, folder):
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(TESTS), os.environ.get("PYTHONPATH", "")])}
        self.scheduler_file = folder / "scheduler.json"
        self.processes = [
            subprocess.Popen(
                [sys.executable, "-m", "dask", *arguments, "--scheduler-file", str(self.scheduler_file)],
                env=environment,
                stderr=subprocess.DEVNULL,
                cwd=folder,
            )
            for arguments in (
                ["scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard"],
                ["worker", "--nthreads", "1", "--host", "127.0.0.1", "--no-dashboard"],
            )
        ]

    @property
    def address(self):
        from distributed import Client

        with Client(scheduler_file=str(self.scheduler_file), timeout=60) as client:
            client.wait_for_workers(1, timeout=60)
            return client.scheduler.address

    def kill_worker(self):
        """kill -9 the process that computes; its nanny starts another."""
        for child in psutil.Process(self.processes[1].pid).children():
            if "resource_tracker" not in " ".join(child.cmdline()):
                child.send_signal(signal.SIGKILL)

    def close(self):
        for process in reversed(self.processes):
            process.terminate()
            process.wait(30)


@pytest.fixture(scope="session")
def cluster(tmp_path_factory):
    """One cluster for all tests; where tests run in several processes, one in each."""
    made = Cluster(tmp_path_factory.mktemp("cluster"))
    yield made
    made.close()


@pytest.fixture(scope="session")
def address(cluster):
    """The address of the cluster's scheduler."""
    return cluster.address


@pytest.fixture
def specify(tmp_path):
    """Write a specification and return its path."""

    def write(content, name="toy"):
        path = tmp_path / "ensembles" / f"{name}.toml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(content)
        return path

    return write
