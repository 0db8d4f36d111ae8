"""The study file: what it may say, and its checks."""

from fastsde.study import messages as messages  # also for the tables of a study that are created in code
