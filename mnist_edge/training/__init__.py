"""Recipes, augmentation and the loop that trains (TensorFlow).

`training.recipe` and `training.recipes` import nothing heavy; `training.loop` imports TensorFlow.
"""
