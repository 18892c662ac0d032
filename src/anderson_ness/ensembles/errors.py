"""What can go wrong with an ensemble. Every message is one sentence that names the file, or the cluster."""


class SpecificationError(ValueError):
    """A specification is malformed, or does not go with the rows that exist: file, key and what is allowed."""


class TableError(ValueError):
    """A published table cannot be used or written."""


class StoreError(RuntimeError):
    """The store cannot be used. What was stored remains."""


class SweepError(RuntimeError):
    """The cluster cannot be used, or went away. What was stored remains."""
