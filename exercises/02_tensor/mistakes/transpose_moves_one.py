"""One dimension was taken out and put in at another place, and those between moved up. To swap, both have to change places and the others stay: compare `np.moveaxis` with what you need on three dimensions."""


def transpose(a, dim0, dim1):
    return np.moveaxis(a, dim0, dim1)
