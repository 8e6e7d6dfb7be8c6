"""`if` asks one question of the whole array, and `x >= 0` has one answer for each element. Compute what both cases need, and let `np.where` choose place by place."""


@tensor_method
@array_operation
def sigmoid(x):
    small = np.exp(-np.abs(x))
    if x >= 0:
        return 1 / (1 + small)
    return small / (1 + small)
