"""The numbers are right for arrays. The two lines that stood above `def`, each with an @, are gone: without them nobody turns a tensor into an array and records what happens. Put them back."""


def relu(x):
    return np.maximum(x, 0)
