"""`*` multiplies the elements at the same place. A matrix product pairs each row of `a` with each column of `b`, multiplies in pairs and adds up."""


def matmul(a, b):
    return a * b
