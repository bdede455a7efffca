"""Measuring the device and the links to its servers. Import the modules directly; nothing is loaded here."""
