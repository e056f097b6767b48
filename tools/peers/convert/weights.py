"""Take the weights of the float32 ONNX file of `edge`, in the order in which they are used.

python weights.py EDGE.onnx WEIGHTS.npz: w0, b0 ... of each convolution [out,in,h,w], then of the
last layer [out,in].
"""

import sys

import numpy as np
import onnx
from onnx.numpy_helper import to_array

SOURCE, TARGET = sys.argv[1:]
graph = onnx.load(SOURCE).graph
constants = {each.name: to_array(each) for each in graph.initializer}
found = []
for node in graph.node:
    if node.op_type == "Conv":
        found += [constants[name] for name in node.input[1:]]
    elif node.op_type == "MatMul":
        found.append(constants[node.input[1]].T)
    elif node.op_type == "Add":
        found.append(constants[node.input[1]])
np.savez(TARGET, *found)
