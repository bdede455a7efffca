"""What a cloud platform costs: dated list prices and the arithmetic on them. Measures nothing."""

from offload_sdk.pricing.bill import Bill, Line
from offload_sdk.pricing.platform import Platform
from offload_sdk.pricing.price_list import PriceList, platform_for, platforms
from offload_sdk.pricing.run import run_bill, run_cost_usd

__all__ = ["Bill", "Line", "Platform", "PriceList", "platform_for", "platforms", "run_bill", "run_cost_usd"]
