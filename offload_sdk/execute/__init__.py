"""Running what was decided: the interpreter here, an endpoint there, and the circuit that spares a dead one."""

from offload_sdk.execute.circuit import Circuit
from offload_sdk.execute.local import LocalExecutor
from offload_sdk.execute.remote import RemoteExecutor

__all__ = ["Circuit", "LocalExecutor", "RemoteExecutor"]
