"""SSIM and block moments of pairs on a GPU in one pass: Triton kernels, both images read once.

Every lane owns a few columns that lie side by side and walks down the rows of its tile. Sums stay
in registers; pixels that neighbours need too come from the cache. A program is one warp. It writes
the results of its tile where no other does, so they do not depend on the order of programs.
"""

from __future__ import annotations

from math import prod

import torch
import triton
import triton.language as tl
from torch import Tensor

REACH = tl.constexpr(6)  # rows and columns of a window beyond its first
LANES = 32
ROWS = 64  # of windows in a tile: the most whose SSIM fits 32 bits in the unit below
COLUMNS = tl.constexpr(4)  # windows of a lane, as `_sevens` makes them
UNIT = tl.constexpr(2.0**24)  # SSIM is added up in integers: exact in any order
WARPS = 1


@triton.jit
def _pixels(a: tl.tensor, b: tl.tensor, column: tl.tensor, width: tl.tensor) -> tl.tuple:
    """Both pixels in one word, their squared difference, their product."""
    inside = column < width
    x = tl.load(a + column, mask=inside, other=0).to(tl.int32)
    y = tl.load(b + column, mask=inside, other=0).to(tl.int32)
    apart = x - y
    return x | (y << 16), apart * apart, x * y


@triton.jit
def _sevens(ten: tl.tuple, part: tl.constexpr) -> tl.tensor:
    """Sums (lanes, 2, 2) of seven neighbours out of ten; what the windows share is added once."""
    middle = (ten[3][part] + ten[4][part]) + (ten[5][part] + ten[6][part])
    left = ten[1][part] + ten[2][part] + middle
    right = middle + ten[7][part] + ten[8][part]
    even = tl.join(ten[0][part] + left, ten[2][part] + right)
    odd = tl.join(left + ten[7][part], right + ten[9][part])
    return tl.join(even, odd)


@triton.jit
def _row(a: tl.tensor, b: tl.tensor, column: tl.tensor, width: tl.tensor) -> tl.tuple:
    """Sums of seven pixels of a row, of each thing that `_pixels` gives.

    Over seven rows a word's halves hold 49 * 255 at most, the others 49 * 255**2.
    """
    ten = ()
    for k in tl.static_range(10):
        ten = ten + (_pixels(a, b, column + k, width),)
    return _sevens(ten, 0), _sevens(ten, 1), _sevens(ten, 2)


@triton.jit
def _down(pending: tl.tuple, row: tl.tensor) -> tl.tuple:
    """Sums of seven rows that end with `row`, and the six that still wait for rows."""
    waiting = ()
    for k in tl.static_range(1, REACH):
        waiting = waiting + (pending[k] + row,)
    return pending[0] + row, waiting + (row,)


@triton.jit
def _similarity(
    words: tl.tensor, squares: tl.tensor, products: tl.tensor, c1: tl.tensor, c2: tl.tensor
) -> tl.tuple:
    """SSIM from sums over windows: integers, and below 2**31, up to the quotient."""
    sum_a, sum_b = words & 0xFFFF, words >> 16
    means, apart = sum_a * sum_b, (sum_a - sum_b) * (sum_a - sum_b)
    both = (2 * (49 * products - means)).to(tl.float32) + c2
    variance = (49 * squares - apart).to(tl.float32)
    twice = (2 * means).to(tl.float32) + c1
    return (twice * both) / ((twice + apart.to(tl.float32)) * (both + variance))


@triton.jit
def ssim_tiles(
    images: tl.tensor,
    pairs: tl.tensor,
    sums: tl.tensor,
    height: tl.tensor,
    width: tl.tensor,
    c1: tl.tensor,
    c2: tl.tensor,
    rows: tl.constexpr,
    lanes: tl.constexpr,
) -> None:
    """One program a tile of windows: the sum of their SSIM in `UNIT`, int64."""
    across = tl.cdiv(width - REACH, lanes * COLUMNS)
    tiles = tl.cdiv(height - REACH, rows) * across
    program = tl.program_id(0)
    pair, tile = program // tiles, program % tiles
    size = height.to(tl.int64) * width
    first = tile // across * rows
    a = images + tl.load(pairs + 2 * pair) * size + first.to(tl.int64) * width
    b = images + tl.load(pairs + 2 * pair + 1) * size + first.to(tl.int64) * width

    column = (tile % across * lanes + tl.arange(0, lanes)) * COLUMNS
    columns = tl.join(tl.join(column, column + 2), tl.join(column + 1, column + 3))
    here = columns < width - REACH
    zero = tl.zeros([lanes, 2, 2], tl.int32)
    words, squares, products, total = (zero,) * REACH, (zero,) * REACH, (zero,) * REACH, zero
    for row in range(min(rows, height - REACH - first) + REACH):
        word, square, product = _row(a, b, column, width)
        word, words = _down(words, word)
        square, squares = _down(squares, square)
        product, products = _down(products, product)
        values = _similarity(word, square, product, c1, c2) * UNIT
        total += tl.where(here & (row >= REACH), values, 0).to(tl.int32)
        a += width
        b += width
    tl.store(sums + program, tl.sum(total.to(tl.int64)))


def ssim(images: Tensor, pairs: Tensor, *, c1: float, c2: float) -> Tensor:
    """Sum of the SSIM map of each pair (n,), float64.

    `images` are (m, h, w), uint8 and contiguous, h and w 7 or more; `pairs` (n, 2), int64 and
    contiguous, says which two are a pair. The constants are those of `windows.ssim_sum`.
    """
    count, height, width = len(pairs), *images.shape[1:]
    tiles = triton.cdiv(height - REACH.value, ROWS) * triton.cdiv(
        width - REACH.value, LANES * COLUMNS.value
    )
    sums = torch.empty((count, tiles), dtype=torch.int64, device=images.device)
    with torch.cuda.device_of(images):  # type: ignore[no-untyped-call]
        ssim_tiles[(count * tiles,)](
            images, pairs, sums, height, width, c1, c2, ROWS, LANES, num_warps=WARPS
        )
    total: Tensor = sums.sum(dim=1).double() / UNIT.value
    return total


@triton.jit
def _blurred(
    image: tl.tensor, column: tl.tensor, inside: tl.tensor, weights: tl.tuple, radius: tl.constexpr
) -> tl.tuple:
    """Weighted sums (lanes, 2) of a row, and the pixels in their middle."""
    pixels = ()
    for k in tl.static_range(2 * radius + 2):
        here = column + k
        value = tl.load(image + here, mask=here < inside, other=0)
        pixels = pixels + (value.to(tl.float32),)
    first, second = weights[radius] * pixels[radius], weights[radius] * pixels[radius + 1]
    for tap in tl.static_range(1, radius + 1):
        first += weights[radius - tap] * (pixels[radius - tap] + pixels[radius + tap])
        second += weights[radius - tap] * (pixels[radius + 1 - tap] + pixels[radius + 1 + tap])
    return tl.join(first, second), tl.join(pixels[radius], pixels[radius + 1])


@triton.jit
def _pass_on(
    pending: tl.tuple,
    blurred: tl.tensor,
    middle: tl.tensor,
    weights: tl.tuple,
    radius: tl.constexpr,
) -> tl.tuple:
    """The residual of the row that this one completes, and the rows that still wait for others.

    `pending` (2 * radius) are residuals of the rows around so far, from the oldest: a row of
    sums of one filter moves up by one as it receives its next tap.
    """
    waiting = ()
    for row in tl.static_range(1, 2 * radius):
        value = pending[row] - weights[row] * blurred
        if row == radius:
            value += middle
        waiting = waiting + (value,)
    newest = -weights[0] * blurred
    return pending[0] + newest, waiting + (newest,)


@triton.jit
def moments_of_blocks(
    images: tl.tensor,
    pairs: tl.tensor,
    kernel: tl.tensor,
    moments: tl.tensor,
    height: tl.tensor,
    width: tl.tensor,
    block: tl.constexpr,
    lanes: tl.constexpr,
    radius: tl.constexpr,
) -> None:
    """One program a block: sums of x, y, x * x, y * y and x * y of the residuals."""
    across = (width - 2 * radius) // block
    blocks = (height - 2 * radius) // block * across
    program = tl.program_id(0)
    pair, place = program // blocks, program % blocks
    size = height.to(tl.int64) * width
    corner = (place // across * block).to(tl.int64) * width + place % across * block
    a = images + tl.load(pairs + 2 * pair) * size + corner
    b = images + tl.load(pairs + 2 * pair + 1) * size + corner

    weights = ()
    for tap in tl.static_range(2 * radius + 1):
        weights = weights + (tl.load(kernel + tap),)
    column = 2 * tl.arange(0, lanes)
    inside = tl.join(column, column + 1) < block
    zero = tl.zeros([lanes, 2], tl.float32)
    pending_x, pending_y = (zero,) * (2 * radius), (zero,) * (2 * radius)
    sum_x, sum_y, sum_xx, sum_yy, sum_xy = zero, zero, zero, zero, zero
    for row in range(block + 2 * radius):
        blurred, middle = _blurred(a, column, block + 2 * radius, weights, radius)
        x, pending_x = _pass_on(pending_x, blurred, middle, weights, radius)
        blurred, middle = _blurred(b, column, block + 2 * radius, weights, radius)
        y, pending_y = _pass_on(pending_y, blurred, middle, weights, radius)
        whole = inside & (row >= 2 * radius)
        x, y = tl.where(whole, x, 0), tl.where(whole, y, 0)
        sum_x, sum_y = sum_x + x, sum_y + y
        sum_xx, sum_yy, sum_xy = sum_xx + x * x, sum_yy + y * y, sum_xy + x * y
        a += width
        b += width
    to = moments + program.to(tl.int64) * 5
    tl.store(to, tl.sum(sum_x.to(tl.float64)))
    tl.store(to + 1, tl.sum(sum_y.to(tl.float64)))
    tl.store(to + 2, tl.sum(sum_xx.to(tl.float64)))
    tl.store(to + 3, tl.sum(sum_yy.to(tl.float64)))
    tl.store(to + 4, tl.sum(sum_xy.to(tl.float64)))


def block_moments(images: Tensor, pairs: Tensor, *, block: int, half_kernel: Tensor) -> Tensor:
    """Sums (n, rows, columns, 5) of x, y, x * x, y * y and x * y over blocks of the residuals.

    As for `ssim`, but `images` have a margin around them as wide as the blur's radius, which is
    from 1 to `fusing.LARGEST_RADIUS`, and hold a block or more; `half_kernel` (radius + 1,) is
    float32, from the centre outwards.
    """
    radius = len(half_kernel) - 1
    height, width = images.shape[1:]
    shape = len(pairs), (height - 2 * radius) // block, (width - 2 * radius) // block
    moments = torch.empty((*shape, 5), dtype=torch.float64, device=images.device)
    kernel = torch.cat((half_kernel.flip(0), half_kernel[1:]))
    lanes = max(triton.next_power_of_2(block) // 2, 1)
    with torch.cuda.device_of(images):  # type: ignore[no-untyped-call]
        moments_of_blocks[(prod(shape),)](
            images, pairs, kernel, moments, height, width, block, lanes, radius, num_warps=WARPS
        )
    return moments
