"""Linear attention that regresses in context."""

from fastsde.kernels.lanes import broadcast, fma, load, store
from fastsde.kernels.options import inlined
from fastsde.kernels.surface import sample_surface


@sample_surface("linear-attention")
def linear_attention(m, net, data, i, weight, target):
    """``1/2 (sum_h v_h beta^T M_h x - y)^2``; `inputs` holds beta, then the query x, of one sequence.

    `table` has the shape heads x rank: ``M_h = K_h^T Q_h``, or with rank 0 a matrix U_h. The point is v, then
    K_h and Q_h (rank x size each), or U_h (size x size), of one head after the other.
    """
    heads, rank = data.table.shape
    size = data.inputs.shape[1] // 2
    scores = net.left
    output = broadcast(m, 0.0)
    for h in range(heads):
        if rank > 0:
            at = heads + 2 * h * rank * size
            score = _separate_score(m, net, data, i, at, h, rank, size)
        else:
            score = _merged_score(m, data, i, heads + h * size * size, size)
        store(m, scores + h, score)
        output = fma(load(m, h), score, output)
    miss = output - data.labels[i, 0]
    for h in range(heads):
        change = miss * weight
        store(m, target + h, fma(change, load(m, scores + h), load(m, target + h)))
        change = change * load(m, h)
        if rank > 0:
            at = 2 * h * rank * size + heads
            _add_separate(m, net, data, i, change, target + at, heads, h, rank, size)
        else:
            _add_outer(m, data, i, change, target + heads + h * size * size, size)
    return miss * miss * 0.5


@inlined
def _separate_score(m, net, data, i, at, h, rank, size):
    """Return ``beta^T K^T Q x`` of the head at place `at`; keeps ``K beta`` and ``Q x`` as workspace."""
    heads = data.table.shape[0]
    score = broadcast(m, 0.0)
    for r in range(rank):
        key, query = broadcast(m, 0.0), broadcast(m, 0.0)
        for k in range(size):
            key = fma(load(m, at + r * size + k), data.inputs[i, k], key)
            query = fma(load(m, at + (rank + r) * size + k), data.inputs[i, size + k], query)
        kept = net.left + heads + 2 * (h * rank + r)
        store(m, kept, key)
        store(m, kept + 1, query)
        score = fma(key, query, score)
    return score


@inlined
def _merged_score(m, data, i, at, size):
    """Return ``beta^T U x`` of the head at place `at`."""
    score = broadcast(m, 0.0)
    for j in range(size):
        row = broadcast(m, 0.0)
        for k in range(size):
            row = fma(load(m, at + j * size + k), data.inputs[i, size + k], row)
        score = fma(row, data.inputs[i, j], score)
    return score


@inlined
def _add_separate(m, net, data, i, change, target, heads, h, rank, size):
    """Add `change` times the gradients of the score by K and Q."""
    for r in range(rank):
        kept = net.left + heads + 2 * (h * rank + r)
        by_key, by_query = load(m, kept + 1) * change, load(m, kept) * change
        for k in range(size):
            key, query = target + r * size + k, target + (rank + r) * size + k
            store(m, key, fma(by_key, data.inputs[i, k], load(m, key)))
            store(m, query, fma(by_query, data.inputs[i, size + k], load(m, query)))


@inlined
def _add_outer(m, data, i, change, target, size):
    """Add `change` times the gradient of the score by U."""
    for j in range(size):
        row = change * data.inputs[i, j]
        for k in range(size):
            at = target + j * size + k
            store(m, at, fma(row, data.inputs[i, size + k], load(m, at)))
