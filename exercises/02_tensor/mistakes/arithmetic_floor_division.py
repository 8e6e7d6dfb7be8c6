"""`div` drops what comes after the decimal point: 7 divided by 2 gives 3. That is `//`, division rounded down. Elements divide into fractions here."""


def sub(a, b):
    return a - b


def mul(a, b):
    return a * b


def div(a, b):
    return a // b
