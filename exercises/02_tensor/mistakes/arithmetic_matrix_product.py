"""`mul` computes a matrix product: rows times columns, added up. Elementwise multiplication pairs the elements at the same place and adds nothing."""


def sub(a, b):
    return a - b


def mul(a, b):
    return a @ b


def div(a, b):
    return a / b
