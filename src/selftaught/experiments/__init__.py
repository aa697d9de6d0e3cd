"""The paper's experiments, and the questions it left open, by name: each a plan that can be read before it is run."""
