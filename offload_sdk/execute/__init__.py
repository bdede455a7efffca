"""Running what was decided: the interpreter here, an endpoint there, and the circuit that spares a dead one.

Import the modules directly: a device without an endpoint never loads an HTTP library.
"""
