"""QR codes, held against the grids of another encoder."""

from __future__ import annotations

import hashlib

import pytest

from bot.desk.qr import TooLongForQr, qr_grid, qr_path


@pytest.mark.parametrize(
    ("text", "side", "fingerprint"),
    [
        ("waymark", 21, "6de1574481eee82f"),
        ("https://t.me/waymark_bot?start=abcdefghijklmnopqrstuvwx", 33, "00afc5f2193f091e"),
        (
            "otpauth://totp/Waymark:amira?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=Waymark",
            37,
            "db5e1ec19c034194",
        ),
        ("x" * 213, 57, "f673820bb5ccd3f0"),
        ("A" * 360, 61, "f91b880ca5f8ced4"),
        ("7" * 700, 85, "7da758f5bfb523c1"),
        ("WAYMARK1:1:2:ABCD:" + "A2B3C4D5" * 70, 77, "73ec65dfbafa34d7"),
        ("X" * 970, 97, "e5fa66cb196cc0f0"),
    ],
)
def test_a_code_is_what_another_encoder_makes(text, side, fingerprint):
    grid = qr_grid(text)

    bits = "".join("1" if dark else "0" for row in grid for dark in row)
    assert len(grid) == side
    assert hashlib.sha256(bits.encode()).hexdigest()[:16] == fingerprint


def test_what_does_not_fit_is_refused():
    with pytest.raises(TooLongForQr):
        qr_grid("x" * 667)
    with pytest.raises(TooLongForQr):
        qr_grid("X" * 971)


def test_the_path_keeps_the_quiet_zone_free():
    size, path = qr_path("waymark")

    assert size == 21 + 8
    assert path.startswith("M4,4h7v1h-7z")
