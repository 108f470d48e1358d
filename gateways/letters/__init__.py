"""How does a message read? As an e-mail, as a text message and as a push message.

The words are English; dates, times and sums are written as is usual where the reader lives.
"""

from __future__ import annotations

from gateways.letters.renderer import Letter, Renderer

__all__ = ["Letter", "Renderer"]
