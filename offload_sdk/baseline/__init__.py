"""The same images to every target, one at a time, several times: what is measured, in which order, and its sums.

Targets are this device and servers. Nothing is drawn here but in `report/`.
"""
