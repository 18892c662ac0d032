"""Ensembles: from a TOML file to a table of samples.

A *specification* (`read_specification`) names sizes, disorder strengths, biases, leads and sample counts, and which
quantity is computed: the mutual coherence of the driven part, or the information in the full steady state. A *sweep*
(`sweep`) computes what is missing on Dask workers and keeps it in one SQLite *store* for all ensembles; each ensemble
is then published as one *table* (`read_table`), a Parquet file that carries its specification. `status` says how far
an ensemble has come and how many samples a target error needs.

**On a cluster.** The embedded default is a local cluster, one process a core. Any other Dask cluster serves as well,
by its scheduler's address; the code is the same. Under Slurm, with dask-jobqueue (``pip install dask-jobqueue``), on
a node that may submit jobs::

    from dask_jobqueue import SLURMCluster

    cluster = SLURMCluster(cores=1, processes=1, memory="8GB", walltime="24:00:00")
    cluster.scale(jobs=64)
    print(cluster.scheduler_address)
    input("Enter ends the workers")

and in another shell, with the address it printed::

    anderson-ness sweep data/ensembles/fig2b.toml --scheduler tcp://10.0.0.1:34567

Workers need this package installed. They return rows to the sweep, which alone writes; a worker that ends before its
job's time is up costs only what it was computing.
"""

from anderson_ness.ensembles.errors import SpecificationError, StoreError, SweepError, TableError
from anderson_ness.ensembles.information import InformationRow
from anderson_ness.ensembles.plan import Part
from anderson_ness.ensembles.quantities import compute_sample
from anderson_ness.ensembles.running import RunningMean
from anderson_ness.ensembles.samples import Point, Row, Task, sample_seed
from anderson_ness.ensembles.specification import CRITICAL_DISORDER, Specification, Wanted, read_specification
from anderson_ness.ensembles.status import PointStatus, status
from anderson_ness.ensembles.store import Store
from anderson_ness.ensembles.sweep import Summary, sweep
from anderson_ness.ensembles.table import read_row, read_table

__all__ = [
    "CRITICAL_DISORDER",
    "InformationRow",
    "Part",
    "Point",
    "PointStatus",
    "Row",
    "RunningMean",
    "Specification",
    "SpecificationError",
    "Store",
    "StoreError",
    "Summary",
    "SweepError",
    "TableError",
    "Task",
    "Wanted",
    "compute_sample",
    "read_row",
    "read_specification",
    "read_table",
    "sample_seed",
    "status",
    "sweep",
]
