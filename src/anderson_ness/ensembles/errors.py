"""What can go wrong with an ensemble. Every message is one sentence that names the file, or the cluster."""


class SpecificationError(ValueError):
    """A specification is malformed, or does not go with the rows that exist: file, key and what is allowed.

    Examples
    --------
    >>> from anderson_ness.ensembles import SpecificationError, read_specification
    >>> try:
    ...     read_specification("data/ensembles/absent.toml")
    ... except SpecificationError as error:
    ...     print("absent.toml" in str(error))
    True
    """


class TableError(ValueError):
    """A published table cannot be used or written.

    Examples
    --------
    >>> from anderson_ness.ensembles import TableError, read_table
    >>> try:
    ...     read_table("absent")
    ... except TableError as error:
    ...     print(str(error).startswith("no table absent"))
    True
    """


class StoreError(RuntimeError):
    """The store cannot be used. What was stored remains.

    Examples
    --------
    >>> from pathlib import Path
    >>> from anderson_ness.ensembles import Store, StoreError
    >>> try:
    ...     Store(Path("README.md"))
    ... except StoreError:
    ...     print("no store")
    no store
    """


class SweepError(RuntimeError):
    """The cluster cannot be used, or went away. What was stored remains.

    Examples
    --------
    >>> from anderson_ness.ensembles import SweepError
    >>> try:
    ...     raise SweepError("no Dask scheduler answers at tcp://10.0.0.1:34567")
    ... except RuntimeError as error:
    ...     print(error)
    no Dask scheduler answers at tcp://10.0.0.1:34567
    """
