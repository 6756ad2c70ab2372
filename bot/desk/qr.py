"""A QR code as an SVG path: one segment, error correction M, versions 1 to 20. After ISO/IEC 18004.

Text of capital letters and digits is written in the alphanumeric mode, which holds half as much again; any other as
bytes. Larger versions are left out: an old phone does not read them from paper.
"""

from __future__ import annotations

from collections.abc import Iterator

#: Per version, level M: error correction bytes in a block, and the number of blocks.
CORRECTION: tuple[tuple[int, int], ...] = (
    *((10, 1), (16, 1), (26, 1), (18, 2), (24, 2), (16, 4), (18, 4), (22, 4), (22, 5), (26, 5)),
    *((30, 5), (22, 8), (22, 9), (24, 9), (24, 10), (28, 10), (28, 11), (26, 13), (26, 14), (26, 16)),
)
ALPHANUMERIC = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"
QUIET_ZONE = 4

Grid = list[list[bool]]


class TooLongForQr(ValueError):
    """The text does not fit the largest version. Show it as text."""


def qr_path(text: str) -> tuple[int, str]:
    """Side length in modules, quiet zone included, and the `d` of one SVG path of all dark modules."""
    grid = qr_grid(text)
    size = len(grid) + 2 * QUIET_ZONE
    runs = []
    for y, row in enumerate(grid):
        x = 0
        while x < len(row):
            start = x
            while x < len(row) and row[x]:
                x += 1
            if x > start:
                runs.append(f"M{start + QUIET_ZONE},{y + QUIET_ZONE}h{x - start}v1h-{x - start}z")
            x += 1
    return size, "".join(runs)


def qr_grid(text: str) -> Grid:
    """The code as rows of modules, True for dark. Raises TooLongForQr."""
    version = _version_for(text)
    code = _interleaved(text, version)
    size = 17 + 4 * version
    dark: Grid = [[False] * size for _ in range(size)]
    taken: Grid = [[False] * size for _ in range(size)]
    _draw_patterns(dark, taken, version)
    _draw_data(dark, taken, code)
    return min((_masked(dark, taken, mask) for mask in range(8)), key=_penalty)


def alignment_marks(version: int) -> tuple[int, ...]:
    """Where the middles of the alignment patterns stand, along each side: evenly, from the far end."""
    if version == 1:
        return ()
    size, count = 17 + 4 * version, version // 7 + 2
    step = -(-(size - 13) // (2 * count - 2)) * 2
    return (6, *sorted(size - 7 - step * n for n in range(count - 1)))


def block_sizes(version: int) -> tuple[int, tuple[int, ...]]:
    """Error correction bytes in a block, and the data bytes of each block."""
    correction, blocks = CORRECTION[version - 1]
    count = len(alignment_marks(version))
    modules = (17 + 4 * version) ** 2 - 3 * 64 - 31 - 2 * (4 * version + 1)  # without finders, format and timing
    if count:
        modules -= 25 * (count * count - 3) - 5 * 2 * (count - 2)  # alignment, which crosses the timing
    if version >= 7:
        modules -= 36
    data = modules // 8 - correction * blocks
    return correction, (data // blocks,) * (blocks - data % blocks) + (data // blocks + 1,) * (data % blocks)


def _version_for(text: str) -> int:
    for version in range(1, len(CORRECTION) + 1):
        if len(_written(text, version)) <= 8 * sum(block_sizes(version)[1]):
            return version
    raise TooLongForQr(len(text))


def _written(text: str, version: int) -> str:
    """The one segment, as bits: mode, length, text."""
    if not set(text) <= set(ALPHANUMERIC):
        data = text.encode()
        return f"0100{len(data):0{8 if version < 10 else 16}b}" + "".join(f"{byte:08b}" for byte in data)
    values = [ALPHANUMERIC.index(each) for each in text]
    pairs = [f"{values[n] * 45 + values[n + 1]:011b}" for n in range(0, len(values) - 1, 2)]
    last = f"{values[-1]:06b}" if len(values) % 2 else ""
    return f"0010{len(values):0{9 if version < 10 else 11}b}" + "".join(pairs) + last


def _interleaved(text: str, version: int) -> bytes:
    correction, sizes = block_sizes(version)
    capacity = sum(sizes)
    bits = _written(text, version)
    bits += "0" * min(4, capacity * 8 - len(bits))
    bits += "0" * (-len(bits) % 8)
    padded = bytearray(int(bits[n : n + 8], 2) for n in range(0, len(bits), 8))
    padded.extend((0xEC, 0x11)[n % 2] for n in range(capacity - len(padded)))
    blocks, start = [], 0
    for size in sizes:
        blocks.append(bytes(padded[start : start + size]))
        start += size
    checks = [_remainder(block, correction) for block in blocks]
    mixed = [block[n] for n in range(max(sizes)) for block in blocks if n < len(block)]
    return bytes(mixed + [check[n] for n in range(correction) for check in checks])


def _multiply(left: int, right: int) -> int:
    """Product in the field of 256 elements modulo x⁸ + x⁴ + x³ + x² + 1."""
    product = 0
    for bit in range(7, -1, -1):
        product = (product << 1) ^ ((product >> 7) * 0x11D)
        product ^= (right >> bit & 1) * left
    return product


def _generator(degree: int) -> list[int]:
    result, root = [0] * (degree - 1) + [1], 1
    for _ in range(degree):
        for n in range(degree):
            result[n] = _multiply(result[n], root) ^ (result[n + 1] if n + 1 < degree else 0)
        root = _multiply(root, 2)
    return result


def _remainder(data: bytes, degree: int) -> list[int]:
    generator, result = _generator(degree), [0] * degree
    for byte in data:
        factor = byte ^ result[0]
        result = [*result[1:], 0]
        result = [value ^ _multiply(coefficient, factor) for value, coefficient in zip(result, generator, strict=True)]
    return result


def _draw_patterns(dark: Grid, taken: Grid, version: int) -> None:
    size = len(dark)

    def put(x: int, y: int, value: bool) -> None:
        if 0 <= x < size and 0 <= y < size:
            dark[y][x], taken[y][x] = value, True

    for n in range(size):
        put(6, n, n % 2 == 0)
        put(n, 6, n % 2 == 0)
    for centre_x, centre_y in ((3, 3), (size - 4, 3), (3, size - 4)):
        for dx in range(-4, 5):
            for dy in range(-4, 5):
                put(centre_x + dx, centre_y + dy, max(abs(dx), abs(dy)) not in (2, 4))
    marks = alignment_marks(version)
    for x in marks:
        for y in marks:
            if (x, y) in ((6, 6), (6, size - 7), (size - 7, 6)):
                continue
            for dx in range(-2, 3):
                for dy in range(-2, 3):
                    put(x + dx, y + dy, max(abs(dx), abs(dy)) != 1)
    for x, y, _ in _format_places(size, 0):
        put(x, y, False)
    put(8, size - 8, True)
    if version >= 7:
        rest = version
        for _ in range(12):
            rest = (rest << 1) ^ ((rest >> 11) * 0x1F25)
        for n in range(18):
            value = bool((version << 12 | rest) >> n & 1)
            put(size - 11 + n % 3, n // 3, value)
            put(n // 3, size - 11 + n % 3, value)


def _format_places(size: int, mask: int) -> Iterator[tuple[int, int, bool]]:
    """Where the format bits stand, twice. Level M is written as 00, so only the mask counts."""
    rest = mask
    for _ in range(10):
        rest = (rest << 1) ^ ((rest >> 9) * 0x537)
    bits = (mask << 10 | rest) ^ 0x5412
    first = [(8, n) for n in range(6)] + [(8, 7), (8, 8), (7, 8)] + [(14 - n, 8) for n in range(9, 15)]
    second = [(size - 1 - n, 8) for n in range(8)] + [(8, size - 15 + n) for n in range(8, 15)]
    for places in (first, second):
        for n, (x, y) in enumerate(places):
            yield x, y, bool(bits >> n & 1)


def _draw_data(dark: Grid, taken: Grid, code: bytes) -> None:
    size, n = len(dark), 0
    for right in range(size - 1, 0, -2):
        column = right if right > 6 else right - 1
        upwards = (column + 1) & 2 == 0
        for step in range(size):
            y = size - 1 - step if upwards else step
            for x in (column, column - 1):
                if not taken[y][x] and n < len(code) * 8:
                    dark[y][x] = bool(code[n // 8] >> (7 - n % 8) & 1)
                    n += 1


def _masked(dark: Grid, taken: Grid, mask: int) -> Grid:
    flips = (
        lambda x, y: (x + y) % 2,
        lambda x, y: y % 2,
        lambda x, y: x % 3,
        lambda x, y: (x + y) % 3,
        lambda x, y: (x // 3 + y // 2) % 2,
        lambda x, y: x * y % 2 + x * y % 3,
        lambda x, y: (x * y % 2 + x * y % 3) % 2,
        lambda x, y: ((x + y) % 2 + x * y % 3) % 2,
    )
    size = len(dark)
    result = [[dark[y][x] ^ (not taken[y][x] and flips[mask](x, y) == 0) for x in range(size)] for y in range(size)]
    for x, y, value in _format_places(size, mask):
        result[y][x] = value
    return result


def _penalty(grid: Grid) -> int:
    size, total = len(grid), 0
    lines = [*grid, *([row[x] for row in grid] for x in range(size))]
    finder = [True, False, True, True, True, False, True]
    light = [False] * 4
    for line in lines:
        run = 1
        for n in range(1, size + 1):
            if n < size and line[n] == line[n - 1]:
                run += 1
                continue
            total += run - 2 if run >= 5 else 0
            run = 1
        for n in range(size - 10):
            total += 40 * (line[n : n + 11] in (finder + light, light + finder))
    for y in range(size - 1):
        for x in range(size - 1):
            total += 3 * (grid[y][x] == grid[y][x + 1] == grid[y + 1][x] == grid[y + 1][x + 1])
    count = sum(map(sum, grid))
    return total + 10 * (abs(count * 20 - size * size * 10) // (size * size))
