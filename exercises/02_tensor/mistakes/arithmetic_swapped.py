"""`sub` has its arguments the wrong way round: it computes b - a. For + and * the order does not matter, for - and / it does."""


def sub(a, b):
    return b - a


def mul(a, b):
    return a * b


def div(a, b):
    return a / b
