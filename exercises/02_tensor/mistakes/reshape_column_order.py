"""The numbers are filled in column by column (`order="F"`, or transposes around the reshape). The order here is row-major: fill the first row, then the next."""


def reshape(a, shape):
    return np.reshape(a, shape, order="F")
