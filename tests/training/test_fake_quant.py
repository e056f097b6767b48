import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from mnist_edge.errors import ModelError
from mnist_edge.training.fake_quant import (
    insert,
    learnt_ranges,
    nudged,
    plain,
    predict_int8,
)
from mnist_edge.training.fold import fold
from mnist_edge.training.placement import Placement, observed
from mnist_edge.training.rounding import Range, quantized_kernel
from mnist_edge.training.starting import narrow

IMAGES = np.random.default_rng(0).random((24, 28, 28, 1), np.float32)


def small():
    """Fused and separate rectifiers, pooling of each kind, a sum, a depthwise convolution."""
    keras.utils.set_random_seed(0)
    image = keras.Input((28, 28, 1), name="image")
    x = layers.Conv2D(4, 3, strides=2, use_bias=False, name="conv")(image)
    x = layers.ReLU()(layers.BatchNormalization()(x))
    x = layers.AveragePooling2D(2, name="mean_pool")(x)
    y = layers.DepthwiseConv2D(3, padding="same", activation="relu6", name="depthwise")(x)
    x = layers.ReLU()(layers.Add(name="sum")([x, y]))
    x = layers.Flatten(name="flat")(layers.MaxPooling2D(name="pool")(x))
    x = layers.Dropout(0.3, name="dropout")(layers.Dense(8, name="hidden")(x))
    return fold(keras.Model(image, layers.Dense(4, activation="softmax", name="answer")(x)))


@pytest.fixture(scope="module")
def folded():
    return small()


def test_a_range_is_where_a_converter_puts_a_tensor(folded):
    placement = Placement(folded)
    assert list(placement.ranged) == ["conv", "depthwise", "sum", "hidden", "answer"]
    assert placement.kept == {
        "mean_pool": "conv", "pool": "sum", "flat": "sum", "dropout": "hidden",
    }  # fmt: skip
    assert placement.fixed == {"image": (0, 1), "answer_softmax": (0, 255 / 256)}


def test_ranges_are_what_was_seen_and_hold_zero(folded):
    ranges = observed(folded, IMAGES, batch=7)
    sums = keras.Model(folded.input, folded.get_layer("hidden").output)(IMAGES)
    assert ranges["hidden"] == (float(np.min(sums)), float(np.max(sums)))
    assert ranges["conv"][0] == 0


def test_kernels_have_127_steps_each_way_a_channel_and_outputs_256(folded):
    kernel = folded.get_layer("hidden").get_weights()[0]
    rounded = np.asarray(quantized_kernel(kernel, (0,)))
    for channel in range(kernel.shape[1]):
        scale = np.abs(kernel[:, channel]).max() / np.float32(127)
        steps = rounded[:, channel] / scale
        np.testing.assert_allclose(steps, np.rint(steps), atol=1e-4)
        assert np.abs(steps).max() == pytest.approx(127)
        assert np.abs(rounded[:, channel] - kernel[:, channel]).max() <= scale / 2 * 1.0001
    per_tensor = np.asarray(quantized_kernel(kernel, (0, 1)))
    assert len(np.unique(per_tensor)) <= 255
    assert not np.array_equal(per_tensor, rounded)
    fake = insert(folded, observed(folded, IMAGES))
    held = keras.Model(fake.input, fake.get_layer("hidden_range").output)(IMAGES)
    low, high = learnt_ranges(fake)["hidden"]
    levels = (np.asarray(held) - low) / ((high - low) / 255)
    np.testing.assert_allclose(levels, np.rint(levels), atol=1e-3)


def test_halves_are_rounded_away_from_zero_and_a_dead_channel_stays_dead():
    kernel = np.array([[127, 0], [2.5, 0], [-2.5, 0], [0.5, 0]], np.float32)
    rounded = np.asarray(quantized_kernel(kernel, (0,)))
    assert rounded.tolist() == [[127, 0], [3, 0], [-3, 0], [1, 0]]


def test_gradients_reach_weights_and_both_ends_of_ranges(folded):
    ranges = {name: (low / 2, high / 2) for name, (low, high) in observed(folded, IMAGES).items()}
    fake = insert(folded, ranges)
    names = [weight.path for weight in fake.trainable_weights]
    assert sum("range/high" in name for name in names) == 5
    assert sum("range/low" in name for name in names) == 2  # those of rectified tensors stay 0
    with tf.GradientTape() as tape:
        loss = keras.losses.sparse_categorical_crossentropy(np.zeros(24, np.int32), fake(IMAGES))
    found = tape.gradient(loss, [weight.value for weight in fake.trainable_weights])
    for name, gradient in zip(names, found, strict=True):
        assert np.abs(np.asarray(gradient)).max() > 0, name


def test_the_ends_of_a_range_stay_on_their_side_of_zero_however_far_a_step_goes():
    layer = Range(-0.1, 0.1, learnt=True, name="range")
    layer(np.zeros((1, 4), np.float32))
    ends = [layer.low, layer.high]
    keras.optimizers.SGD(1.0).apply([np.float32(-5), np.float32(5)], ends)
    assert float(layer.low) == 0
    assert float(layer.high) == pytest.approx(1e-6)
    keras.optimizers.SGD(1.0).apply([np.float32(2), np.float32(-3)], ends)
    assert float(layer.low) == -2
    assert float(layer.high) == pytest.approx(3, rel=1e-5)


def test_trained_weights_come_back_in_a_plain_model(folded):
    fake = insert(folded, observed(folded, IMAGES))
    fake.compile("adam", "sparse_categorical_crossentropy", jit_compile=False)
    fake.fit(IMAGES, np.arange(24) % 4, epochs=2, verbose=0)
    trained = plain(fake, folded)
    assert [type(layer) for layer in trained.layers] == [type(layer) for layer in folded.layers]
    assert not np.array_equal(trained.get_weights()[0], folded.get_weights()[0])
    again = insert(trained, learnt_ranges(fake))
    assert np.array_equal(predict_int8(again, IMAGES), predict_int8(fake, IMAGES))


@pytest.mark.parametrize("ends", [(-1.0, 3.3), (-0.001, 5.0), (0.0, 2.0), (-7.0, 0.002)])
def test_a_nudged_range_has_zero_on_a_level_and_rounds_the_same(ends):
    values = np.linspace(-8, 8, 1001, dtype=np.float32)
    low, high = nudged(*ends)
    level = -low / ((high - low) / 255)
    assert level == pytest.approx(round(level), abs=1e-4)
    rounded = [
        tf.quantization.fake_quant_with_min_max_vars(values, *each) for each in (ends, (low, high))
    ]
    np.testing.assert_allclose(*rounded, atol=1e-5)


def test_answers_are_in_steps_of_256(folded):
    said = predict_int8(insert(folded, observed(folded, IMAGES)), IMAGES, batch=5)
    assert said.shape == (24, 4)
    assert said.dtype == np.float32
    assert np.array_equal(said * 256, np.rint(said * 256))
    assert said.max() <= 255 / 256


def test_a_range_that_one_channel_has_blown_up_is_narrowed():
    model = small()
    labels = np.asarray(model(IMAGES)).argmax(1)
    kernel, bias = model.get_layer("hidden").get_weights()
    kernel[:, 0] *= 4000
    model.get_layer("hidden").set_weights([kernel, bias])
    reader = model.get_layer("answer")
    reader.set_weights(
        [
            np.concatenate([reader.get_weights()[0][:1] / 4000, reader.get_weights()[0][1:]]),
            reader.get_weights()[1],
        ]
    )
    seen = observed(model, IMAGES)
    fake = insert(model, seen)
    found = narrow(fake, seen, IMAGES, labels)
    assert found["hidden"][1] < seen["hidden"][1] / 8
    assert found["conv"] == seen["conv"]
    assert learnt_ranges(fake)["hidden"] == nudged(*found["hidden"])


def test_what_has_no_known_quantized_form_is_refused():
    image = keras.Input((28, 28, 1))
    x = layers.Flatten()(layers.UnitNormalization(name="unit")(image))
    with pytest.raises(ModelError, match="layer unit is a UnitNormalization, whose quantized form"):
        Placement(fold(keras.Model(image, layers.Dense(4, activation="softmax")(x))))
    x = layers.Dense(4, name="raw")(layers.Flatten()(image))
    raw = fold(keras.Model(image, x))
    with pytest.raises(
        ModelError, match=r"layer raw of .* gives no probabilities: wanted a softmax"
    ):
        insert(raw, observed(raw, IMAGES))


def test_a_range_that_is_missing_is_named(folded):
    ranges = observed(folded, IMAGES)
    del ranges["sum"]
    with pytest.raises(ModelError, match="no range for sum: fine-tune the run anew"):
        insert(folded, ranges)


def test_biases_are_counted_in_steps_of_the_sums(folded):
    ranges = observed(folded, IMAGES)
    layer, held = folded.get_layer("hidden"), nudged(*ranges["sum"])
    kernel, bias = layer.get_weights()
    step = (held[1] - held[0]) / 255 * np.abs(kernel).max(0) / 127

    def answers(share):
        layer.set_weights([kernel, np.float32(share) * step])
        fake = insert(folded, ranges)
        return np.asarray(keras.Model(fake.input, fake.get_layer("hidden").output)(IMAGES))

    nothing, less, more = answers(0), answers(0.45), answers(0.55)
    layer.set_weights([kernel, bias])
    assert np.array_equal(less, nothing)
    np.testing.assert_allclose(more - nothing, np.broadcast_to(step, more.shape), rtol=0.01)
