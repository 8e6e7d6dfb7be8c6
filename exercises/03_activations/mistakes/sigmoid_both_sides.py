"""`np.where` chooses between two results that both exist already: each of your two formulas was computed for every x, and each overflows on the side where it is not wanted. Is there one power that is safe for all x?"""


@tensor_method
@array_operation
def sigmoid(x):
    return np.where(x >= 0, 1 / (1 + np.exp(-x)), np.exp(x) / (1 + np.exp(x)))
