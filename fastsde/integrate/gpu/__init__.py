"""Trajectories on a GPU: resident there from snapshot to snapshot (`docs/gpu.md`, "What runs where")."""
