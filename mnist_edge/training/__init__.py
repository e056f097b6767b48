"""Recipes, augmentation and the loop that trains (TensorFlow).

`training.recipes` imports nothing heavy; `training.loop` imports TensorFlow.
"""
