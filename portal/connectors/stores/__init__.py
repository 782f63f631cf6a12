"""Places off the portal's machine that hold copies of sealed archives. docs/adr/0012-copies-and-encryption.md"""

from portal.connectors.stores.store import Held, HeldSource, Progress, Space, Store, StoreFailed, prove

__all__ = ["Held", "HeldSource", "Progress", "Space", "Store", "StoreFailed", "prove"]
