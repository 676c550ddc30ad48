"""What images become, by other code than the package's, in double precision."""

import numpy as np


def softened(x, factor):
    """Images (..., H, W) brought to 1/factor of their pixels and back.

    A new pixel is the mean under a triangle around its centre, whose half width is one
    pixel of the coarser grid.
    """

    def lines(old, new):  # (new, old)
        centres = (np.arange(new) + 0.5) * old / new
        away = np.abs(np.arange(old) + 0.5 - centres[:, None]) / max(old / new, 1)
        weights = np.clip(1 - away, 0, None)
        return weights / weights.sum(1, keepdims=True)

    rows, columns = (
        lines(side // factor, side) @ lines(side, side // factor)
        for side in x.shape[-2:]
    )
    return rows @ x @ columns.T
