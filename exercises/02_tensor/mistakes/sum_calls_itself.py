"""Inside this function, the name `sum` is the function itself and no longer Python's, so it calls itself without end. Use NumPy's sum by its full name, or the method of the array."""


def sum(a, dim=None, keepdim=False):
    return sum(a, dim, keepdim)
