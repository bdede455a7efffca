"""Plans without a program of all devices: least cost at every size, little delay for large fleets, with bounds.

Every device against every server stands in one dense matrix, so memory is devices × servers × 4 bytes. All devices
must ask for the same capacity, which makes a server so many slots.
"""
