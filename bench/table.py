"""The results as Markdown and as JSON, with machine, date and versions."""

import dataclasses

from bench import peers
from fastsde.kernels.lanes import VECTOR_BYTES
from fastsde.system.provenance import host, now, versions

__all__ = ["markdown", "plain"]


def plain(results, ratios, limits):
    """Return everything as plain data."""
    return {
        "machine": {**host(), "vector_bytes": VECTOR_BYTES},
        "created": now(),
        "versions": {**versions(), **_peer_versions()},
        "limits": [dataclasses.asdict(limit) for limit in limits],
        "peers": [dataclasses.asdict(result) for result in results],
        "own": [dataclasses.asdict(ratio) for ratio in ratios],
    }


def markdown(data):
    """Return the page for `plain` data."""
    machine = data["machine"]
    named = ", ".join(f"{name} {version}" for name, version in data["versions"].items())
    lines = [
        f"Measured on {data['created'].partition('T')[0]}: {machine['processor']}, {machine['cores']} cores, "
        f"vectors of {machine['vector_bytes']} bytes, {machine['system']}; {named}.",
        "",
        *_limits(data["limits"]),
        *_cases(data["peers"]),
        *_peers(data["peers"]),
        *_own(data["own"]),
    ]
    return "\n".join(lines)


def _peer_versions():
    peer_versions = {}
    for name in peers.NAMES:
        module = peers.load(name)
        if module is not None and name != "numpy":
            peer_versions[name] = module.VERSION
    return peer_versions


def _limits(limits):
    if not limits:
        return []
    rows = [
        (
            limit["resource"],
            limit["dtype"],
            f"{limit['one']['best'] / 1e9:.4g}",
            f"{limit['all']['best'] / 1e9:.4g}",
            f"10^9 {limit['unit']}",
        )
        for limit in limits
    ]
    return _table(("limit", "dtype", "one core", "all cores", "unit"), rows)


def _cases(results):
    """Return one row per case: the shortest time of fastsde, and the ratio to every peer."""
    if not results:
        return []
    names = list(dict.fromkeys(row["peer"] for row in results))
    cases = dict.fromkeys((row["title"], row["dtype"]) for row in results)
    rows = []
    for title, dtype in cases:
        by_peer = {row["peer"]: row for row in results if (row["title"], row["dtype"]) == (title, dtype)}
        ratios = [_ratio(by_peer[name]) if name in by_peer else "" for name in names]
        rows.append((title, dtype, _time(min(row["ours"] for row in by_peer.values())), *ratios))
    return _table(("case", "precision", "fastsde, us", *names), rows)


def _ratio(row):
    return f"**{_short(row['ratio'])}** ({_short(row['lowest'])} to {_short(row['highest'])})"


def _peers(results):
    if not results:
        return []
    rows = [
        (
            row["title"],
            row["dtype"],
            f"{row['peer']}: {row['variant']}",
            _time(row["theirs"]),
            _time(row["ours"]),
            _ratio(row),
            "" if row["asked"] is None else f"{row['asked']:,}x",
            f"{row['p_value']:.2g}",
        )
        for row in results
    ]
    head = (
        "case",
        "dtype",
        "library, fastest variant",
        "us per step",
        "fastsde, us per step",
        "ratio (range)",
        "target",
        "p, same law",
    )
    return _table(head, rows)


def _own(ratios):
    if not ratios:
        return []
    rows = [
        (
            row["title"],
            f"**{row['ratio']:.3g}** ({row['lowest']:.3g} to {row['highest']:.3g})",
            row["asked"],
            row["note"],
        )
        for row in ratios
    ]
    return _table(("fastsde alone", "ratio (range)", "target", "note"), rows)


def _time(seconds):
    return f"{seconds * 1e6:.3g}"


def _short(ratio):
    return f"{ratio:,.0f}" if ratio >= 100 else f"{ratio:.3g}"


def _table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    lines += ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows]
    return [*lines, ""]
