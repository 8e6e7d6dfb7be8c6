"""`a.T` turns round *all* dimensions and `dim0` and `dim1` are not used. For a table that is the same; for a stack of tables it is not. Swap only the two that were asked for."""


def transpose(a, dim0, dim1):
    return a.T
