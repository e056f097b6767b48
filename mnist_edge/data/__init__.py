"""Datasets: verified by SHA-256, cached, split the same way every time.

dataset = load("mnist")              # or "fashion-mnist", or a path to one's own
dataset.train.images                 # uint8 [60000,28,28]
load("pictures/", shape=(96, 96, 3))   # class folders of pictures, brought to that size
training, validation = stratified_split(dataset.train.labels, share=0.1, seed=0)
"""

from mnist_edge.data.datasets import Dataset, Split, load
from mnist_edge.data.splits import stratified_sample, stratified_split

__all__ = ["Dataset", "Split", "load", "stratified_sample", "stratified_split"]
