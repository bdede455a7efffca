"""The version of the distribution; nothing else."""

__version__ = "0.1.0"
