"""From a trained run to a bundle that a device can use (TensorFlow).

`export.plan` imports nothing heavy; `export.exporter` imports TensorFlow.
"""
