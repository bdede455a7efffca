"""What a log says: local against cloud as a table, a page, a picture. Takes records, opens no log.

Importing this loads neither rich nor matplotlib.
"""

from __future__ import annotations

from offload_sdk.report.table import OptionStats, Report, Spread, summarise

__all__ = ["OptionStats", "Report", "Spread", "summarise"]
