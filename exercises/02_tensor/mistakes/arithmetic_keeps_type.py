"""`div` turns its result back into the type of the first array, so dividing integers cuts off the fraction: 7 / 2 becomes 3. Two integers may have a fraction between them: leave the type to the division."""


def sub(a, b):
    return a - b


def mul(a, b):
    return a * b


def div(a, b):
    return (a / b).astype(a.dtype)
