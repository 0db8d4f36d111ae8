"""The study file: what it may say, and its checks."""
