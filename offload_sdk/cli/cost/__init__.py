"""`offload-sdk cost`: what a server in the cloud would cost, on what, and from which rate on on what else."""

from offload_sdk.cli.cost.command import cost

__all__ = ["cost"]
