"""How a model does on images that are worse than those it learnt from, and on none of its kind."""
