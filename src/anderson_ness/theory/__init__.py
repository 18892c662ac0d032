"""What the paper predicts in closed form: a leaf that needs only NumPy and SciPy."""
