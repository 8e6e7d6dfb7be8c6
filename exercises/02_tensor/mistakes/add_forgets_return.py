"""The function computes but gives nothing back: without `return`, Python returns None."""


def add(a, b):
    a + b
