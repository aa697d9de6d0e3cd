"""Figures as text and pictures. Views read plain documents, never the algorithm."""
