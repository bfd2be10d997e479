"""Learning of code suggestions from CodiEsp, and its measurement; needs scikit-learn and SciPy, which no box has."""
