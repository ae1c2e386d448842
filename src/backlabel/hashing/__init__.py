"""Standardising, perceptual hashes, the quality gate and the cache of both.

Modules are imported when something of theirs is used: who only looks hashes up needs no kernels.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
