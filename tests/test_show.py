"""The pictures of the course say what they are given."""

import numpy as np
import pytest

import numpyfa as fa
from numpyfa import show


@pytest.fixture(autouse=True)
def closed():
    """Figures are drawn without a window, and closed after each test."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    yield
    plt.close("all")


def images(figure):
    return [ax.images[0] for ax in figure.axes if ax.images and ax.get_title()]


def test_matrices_are_shown_as_they_are_one_a_panel_on_scales_symmetric_about_0():
    W, B = np.arange(6.0).reshape(2, 3), np.array([[-7.0, 2.0]])
    figure = show.matrices({"W": W, "B": B})
    shown = images(figure)
    np.testing.assert_array_equal(shown[0].get_array(), W)
    np.testing.assert_array_equal(shown[1].get_array(), B)
    assert [each.get_clim() for each in shown] == [(-5, 5), (-7, 7)]
    assert [ax.get_title() for ax in figure.axes] == ["W\n2 x 3", "B\n1 x 2"]
    assert [each.get_clim() for each in images(show.matrices({"W": W, "B": B}, same_scale=True))] == [(-7, 7)] * 2


@pytest.mark.parametrize("shape, written", [((8, 8), 64), ((8, 9), 0), ((1, 3), 3)])
def test_the_entries_of_a_matrix_of_at_most_8_by_8_are_written_out(shape, written):
    figure = show.matrices({"W": np.ones(shape)})
    assert len(figure.axes[0].texts) == written
    assert len(show.matrices({"W": np.ones(shape)}, numbers=True).axes[0].texts) == np.prod(shape)


def test_nan_and_a_matrix_of_zeros_are_drawn_too():
    figure = show.matrices({"NaN": np.array([[np.nan, 2.0]]), "0": np.zeros((2, 2))})
    assert [each.get_clim() for each in images(figure)] == [(-2, 2), (-1, 1)]


@pytest.mark.parametrize("panels, words", [({}, "found none"), ({"x": np.ones((2, 2, 2))}, "no matrix for x"),
                                           ({"x": np.ones((0, 2))}, "no matrix for x")])  # fmt: skip
def test_what_is_no_matrix_is_an_error_in_words(panels, words):
    with pytest.raises(fa.InputError, match=words):
        show.matrices(panels)


def test_a_dial_points_to_the_angle_of_its_layer_and_the_output_is_exact():
    net = fa.mlp("6-5-4-3")
    figure = show.angles(net, {1: 60.0, 2: 120.0})
    hands = [[text.xy for text in ax.texts if hasattr(text, "arrow_patch") and text.arrow_patch] for ax in figure.axes]
    np.testing.assert_allclose(hands[0][0], (0.5, 0.75**0.5))
    np.testing.assert_allclose(hands[1][0], (-0.5, 0.75**0.5))
    assert hands[2] == []
    words = [ax.texts[-1].get_text() for ax in figure.axes]
    assert words == ["60 degrees", "120 degrees", "exact"]
    with pytest.raises(fa.InputError, match="layers 1 to 3; found an angle for layer 7"):
        show.angles(net, {7: 3.0})


def test_a_strip_of_10_frames_has_two_rows_and_one_scale():
    strip = [np.full((2, 3), float(k)) for k in range(10)]
    figure = show.frames(strip, [f"step {k}" for k in range(10)])
    shown = images(figure)
    assert len(shown) == 10 and len(figure.axes) == 16
    assert {each.get_clim() for each in shown} == {(-9, 9)}
    assert images(show.frames(strip, ["t"] * 10, same_scale=False))[3].get_clim() == (-3, 3)


def test_a_vector_of_784_numbers_is_shown_as_an_image_of_28_by_28():
    x = np.arange(784.0)
    np.testing.assert_array_equal(images(show.frames([x], ["x"]))[0].get_array(), x.reshape(28, 28))


@pytest.mark.parametrize("strip, titles", [([], []), ([np.ones((2, 2))], []), ([np.ones(4)], ["a", "b"])])
def test_a_frame_without_a_title_is_an_error_in_words(strip, titles):
    with pytest.raises(fa.InputError, match=f"found {len(strip)} frames and {len(titles)} titles"):
        show.frames(strip, titles)
