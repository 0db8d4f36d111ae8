"""Transposes on a device: between its arrays, trajectories fastest, and rows as the host has them.

`fastsde.kernels.gpu.arrays` compiles and starts them. A block of threads moves square tiles through shared
memory, so that neighbours read neighbours and write neighbours.
"""

from numba import cuda

__all__ = ["rows_from", "rows_into"]


def rows_from(real, tile):
    """Return a kernel that copies some columns of `source`, from a row on, to the rows of `target`.

    `source` has the first axis fastest, `target` the second.
    """
    padded = tile + 1  # constants of the code only: an array in shared memory takes no computed size

    def rows_from_kernel(source, first, place, target):
        part = cuda.shared.array((tile, padded), real)
        across, down = cuda.threadIdx.x, cuda.threadIdx.y
        row, column = cuda.blockIdx.x * tile, cuda.blockIdx.y * tile
        for k in range(down, tile, cuda.blockDim.y):
            if row + across < target.shape[0] and column + k < target.shape[1]:
                part[k, across] = source[first + row + across, place + column + k]
        cuda.syncthreads()
        for k in range(down, tile, cuda.blockDim.y):
            if row + k < target.shape[0] and column + across < target.shape[1]:
                target[row + k, column + across] = part[across, k]

    return rows_from_kernel


def rows_into(real, tile):
    """Return a kernel that copies the rows of `source` into `target`, from a row on.

    Columns of `target` that `source` does not have become 0.
    """
    padded = tile + 1

    def rows_into_kernel(source, target, first):
        part = cuda.shared.array((tile, padded), real)
        across, down = cuda.threadIdx.x, cuda.threadIdx.y
        row, column = cuda.blockIdx.x * tile, cuda.blockIdx.y * tile
        for k in range(down, tile, cuda.blockDim.y):
            if row + k < source.shape[0]:
                part[across, k] = 0
                if column + across < source.shape[1]:
                    part[across, k] = source[row + k, column + across]
        cuda.syncthreads()
        for k in range(down, tile, cuda.blockDim.y):
            if row + across < source.shape[0] and column + k < target.shape[1]:
                target[first + row + across, column + k] = part[k, across]

    return rows_into_kernel
