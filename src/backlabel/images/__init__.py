"""What lies in a folder, what a file really is, and any TIFF or JPEG -> 8-bit grey.

Only this package imports Pillow, tifffile, imagecodecs and simplejpeg. Modules are imported when
something of theirs is used: who only lists files needs no decoders.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
