"""How does what happens reach those who listen in this process? Through its one hub."""

from api.live.delivery import Delivery
from api.live.hub import Hub
from api.live.subscription import Interrupted, ShuttingDown, SlowReader, Subscription

__all__ = ["Delivery", "Hub", "Interrupted", "ShuttingDown", "SlowReader", "Subscription"]
