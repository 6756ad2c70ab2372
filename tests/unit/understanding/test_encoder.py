"""The arithmetic of the encoder: what rounding costs, and that no processor's own ways change what is said."""

from __future__ import annotations

import numpy as np
import pytest

from dialogues.understanding import encoder
from dialogues.understanding.adapter import Adapter
from dialogues.understanding.e5 import E5, largest
from dialogues.understanding.eight_bits import EightBits, Rows
from dialogues.understanding.encoder import Exact, Rounded
from dialogues.understanding.weights import INNER, WIDTH, Weights

SOME = [
    "my uncle took my passport",
    "¿dónde puedo dormir esta noche? somos cuatro, el más chico tiene 5 años",
    "x",
    "وين المدرسة",
    "comment déclarer la naissance d'un bébé né sur le bateau",
]


@pytest.fixture(scope="module")
def adapter() -> Adapter:
    return Adapter.read()


@pytest.fixture(scope="module")
def rounded(adapter: Adapter) -> np.ndarray:
    return E5(Rounded(Weights(), adapter)).query(SOME)


@pytest.fixture(scope="module")
def exact(adapter: Adapter) -> np.ndarray:
    return E5(Exact(Weights(), adapter)).query(SOME)


def test_a_vector_of_whole_numbers_is_nearly_the_exact_one(rounded: np.ndarray, exact: np.ndarray):
    assert (rounded * exact).sum(axis=1).min() > 0.998


def test_without_what_was_measured_it_would_not_be(adapter: Adapter, exact: np.ndarray):
    even = {name: np.ones_like(sizes) for name, sizes in adapter.largest.items()}
    uneven = E5(Rounded(Weights(), Adapter(adapter.products, even, adapter.sentences))).query(SOME)

    assert (uneven * exact).sum(axis=1).min() < 0.998


def test_a_processor_that_loses_what_does_not_fit_into_sixteen_bits_says_the_same(
    adapter: Adapter, rounded: np.ndarray, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(encoder, "adds_up_exactly", lambda: False)

    assert np.allclose(E5(Rounded(Weights(), adapter)).query(SOME), rounded, atol=1e-4)


def test_it_is_measured_how_large_each_number_gets(adapter: Adapter):
    one, all_of_them = largest(adapter, SOME[:1]), largest(adapter, SOME)

    assert one.keys() == adapter.largest.keys()
    assert {sizes.shape for sizes in one.values()} == {(WIDTH,), (INNER,)}
    assert all((one[name] <= all_of_them[name]).all() for name in one)
    assert any((one[name] < all_of_them[name]).any() for name in one)


@pytest.mark.parametrize("width", [1, 127, 128, 384])
def test_a_matrix_in_eight_bits_multiplies_as_the_numbers_it_stands_for(width: int):
    random = np.random.default_rng(width)
    matrix = EightBits.of(random.normal(size=(40, width)).astype(np.float32))
    vectors = random.normal(size=(3, width)).astype(np.float32)

    products = Rows(matrix).products_with(vectors)

    exact = vectors @ matrix.values().T
    assert np.abs(products - exact).max() < 0.02 * np.abs(vectors).max() * width**0.5
    assert np.allclose(EightBits.of(matrix.values()).values(), matrix.values(), atol=1e-6)
