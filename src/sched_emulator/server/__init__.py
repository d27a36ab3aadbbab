"""The edge: aiohttp, the validator, the driver of clocks and the sender. The only code that awaits."""
