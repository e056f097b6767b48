"""Damaged files and odd arrays, made from seeds, and what may come of them.

damage.py     bytes, knowing nothing of them     tflite_fields.py, onnx_fields.py  knowing fields
documents.py  manifests and golden samples       protobuf.py  ONNX taken apart and put together
models.py     one model file, no manifest        bundles.py   a whole bundle
arrays.py     calls with odd values              values.py    what may be handed over as images
pictures.py   image files                        running.py   workers and their limits
judging.py    answered, refused or failed
"""
