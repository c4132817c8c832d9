"""Profile photos of the college's people: made up, as everybody in it is. Not everybody has one."""

from __future__ import annotations

import io
from functools import lru_cache

SIZES = ("48x48", "64x64", "96x96", "120x120", "240x240", "360x360", "432x432", "504x504", "648x648")
"""The sizes that Graph offers (https://learn.microsoft.com/graph/api/profilephoto-get)."""
_WITHOUT = 5  # one in so many has none


def has_portrait(number: int) -> bool:
    """Tell whether a user has a photo."""
    return number % _WITHOUT != 0


@lru_cache(maxsize=64)
def portrait(number: int, size: str) -> bytes:
    """Return a user's photo as JPEG: a head and shoulders in colours of its own."""
    from PIL import Image, ImageDraw

    edge = int(size.partition("x")[0])
    picture = Image.new("RGB", (edge, edge), _colour(number, 200))
    draw = ImageDraw.Draw(picture)
    third = edge // 3
    draw.ellipse((third, edge // 5, 2 * third, edge // 5 + third), fill=_colour(number * 7 + 3, 120))
    draw.ellipse((edge // 6, edge * 3 // 5, edge * 5 // 6, edge * 6 // 5), fill=_colour(number * 13 + 5, 90))
    content = io.BytesIO()
    picture.save(content, "JPEG", quality=80)
    return content.getvalue()


def _colour(seed: int, bright: int) -> tuple[int, int, int]:
    return (seed * 53 % 56 + bright, seed * 31 % 56 + bright, seed * 17 % 56 + bright)
