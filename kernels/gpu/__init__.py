"""The kernels where one trajectory is a block: copies of the same source with other primitives.

Nothing here is compiled for CPUs, and nothing here names a target: `fastsde.kernels.cuda` does.
"""
