"""Build `edge` in PyTorch and lower it to ExecuTorch with XNNPACK.

python to_executorch.py WEIGHTS.npz CALIBRATION.npy float32|int8 TARGET.pte
"""

import sys
from pathlib import Path

import numpy as np
import torch
from executorch.backends.xnnpack.partition.xnnpack_partitioner import XnnpackPartitioner
from executorch.exir import to_edge_transform_and_lower
from torch import nn

WEIGHTS, IMAGES, KIND, TARGET = sys.argv[1:]
first, second, third, last = 16, 32, 32, 64
network = nn.Sequential(
    nn.Conv2d(1, first, 5, 2), nn.ReLU(), nn.Conv2d(first, second, 3), nn.ReLU(),
    nn.Conv2d(second, third, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(third, last, 3), nn.ReLU(),
    nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(last, 10), nn.Softmax(1),
).eval()  # fmt: skip
with np.load(WEIGHTS) as stored:
    for parameter, name in zip(network.parameters(), stored.files, strict=True):
        parameter.data.copy_(torch.from_numpy(stored[name].copy()))
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
