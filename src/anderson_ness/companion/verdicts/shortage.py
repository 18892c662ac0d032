"""What an evaluator raises where the stored data cannot decide its claim yet."""


class NotEnoughData(ValueError):
    """A table lacks points or samples that a claim needs; the message says which, in one sentence."""
