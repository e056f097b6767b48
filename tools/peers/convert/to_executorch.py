"""Build `edge` in PyTorch and lower it to ExecuTorch with XNNPACK.

python to_executorch.py WEIGHTS.npz CALIBRATION.npy float32|int8 TARGET.pte; see weights.py for what
is in the first.
"""

import sys
from pathlib import Path

import numpy as np
import torch
from executorch.backends.xnnpack.partition.xnnpack_partitioner import XnnpackPartitioner
from executorch.exir import to_edge_transform_and_lower
from torch import nn

WEIGHTS, IMAGES, KIND, TARGET = sys.argv[1:]
with np.load(WEIGHTS) as stored:
    strides = stored["strides"].tolist()
    weights = [stored[f"arr_{place}"] for place in range(len(stored.files) - 1)]
layers = []
for kernel, stride in zip(weights[:-2:2], strides, strict=True):
    count, taken, *window = kernel.shape
    layers += [nn.Conv2d(taken, count, tuple(window), tuple(stride)), nn.ReLU()]
classes, features = weights[-2].shape
layers += [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(features, classes), nn.Softmax(1)]
network = nn.Sequential(*layers).eval()
for parameter, values in zip(network.parameters(), weights, strict=True):
    parameter.data.copy_(torch.from_numpy(values.copy()))
images = torch.from_numpy(np.load(IMAGES)[:, None] / np.float32(255))
example = (images[:1],)
if KIND == "int8":
    from executorch.backends.xnnpack.quantizer import xnnpack_quantizer as xnnpack
    from torchao.quantization.pt2e.quantize_pt2e import convert_pt2e, prepare_pt2e

    settings = xnnpack.get_symmetric_quantization_config(is_per_channel=True)
    quantizer = xnnpack.XNNPACKQuantizer().set_global(settings)
    network = prepare_pt2e(torch.export.export(network, example).module(), quantizer)
    for image in images:
        network(image[None])
    network = convert_pt2e(network)
exported = torch.export.export(network, example)
lowered = to_edge_transform_and_lower(exported, partitioner=[XnnpackPartitioner()])
Path(TARGET).write_bytes(lowered.to_executorch().buffer)
