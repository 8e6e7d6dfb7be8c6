"""`add` puts one array behind the other. That is what `+` does to Python lists; arrays are added element by element, so the result has as many elements as each of them."""


def add(a, b):
    return np.concatenate([np.atleast_1d(a), np.atleast_1d(b)])
