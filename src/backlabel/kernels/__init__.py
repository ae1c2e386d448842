"""Compiled loops for one core.

Every loop over columns is contiguous, without branches, and in the narrowest type that holds its
values, so that LLVM turns it into SIMD for the machine it runs on. All release the GIL. The plain
versions stand beside the functions that call these kernels.
"""

ROW_BITS = 48
"""A neighbour is one number: its distance, and below it these bits with its row."""


def compile_all() -> None:
    """Make all kernels ready, for workers; numba is imported only now."""
    from backlabel.kernels import compiled  # noqa: PLC0415

    compiled.compile_all()
