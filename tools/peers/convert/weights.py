"""Take the weights of the float32 ONNX file of `edge`, in the order in which they are used.

python weights.py EDGE.onnx WEIGHTS.npz: arr_0, arr_1 ... are kernel and bias of each convolution
[out,in,h,w], then of the last layer [out,in]; strides, of each convolution, are [N,2]. A network
that is more than convolutions without padding, a ReLU after each, the mean and one dense layer
cannot be told so: exit code 1, and a line.
"""

import re
import sys

import numpy as np
import onnx
from onnx.helper import get_node_attr_value
from onnx.numpy_helper import to_array

CHAIN = (
    "(Reshape |Transpose )?(Conv Relu )+GlobalAveragePool (Squeeze |Flatten )?MatMul Add Softmax"
)
PLAIN = {"pads": 0, "dilations": 1, "group": 1, "auto_pad": b"NOTSET"}

SOURCE, TARGET = sys.argv[1:]
graph = onnx.load(SOURCE).graph
operators = " ".join(node.op_type for node in graph.node)
if not re.fullmatch(CHAIN, operators):
    sys.exit(f"{SOURCE} is no chain of convolutions, a mean and a dense layer: {operators}")
constants = {each.name: to_array(each) for each in graph.initializer}
found, strides = [], []
for node in graph.node:
    if node.op_type == "Conv":
        settings = {each.name: get_node_attr_value(node, each.name) for each in node.attribute}
        for name, wanted in PLAIN.items():
            if np.any(np.array(settings.get(name, wanted)) != wanted):
                sys.exit(
                    f"{SOURCE} has a convolution with {name} {settings[name]}; wanted {wanted}"
                )
        strides.append(settings.get("strides", [1, 1]))
        found += [constants[name] for name in node.input[1:]]
    elif node.op_type == "MatMul":
        found.append(constants[node.input[1]].T)
    elif node.op_type == "Add":
        found.append(constants[node.input[1]])
np.savez(TARGET, *found, strides=np.array(strides))
