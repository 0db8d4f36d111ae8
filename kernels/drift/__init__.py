"""Terms of the drift beside the gradient; `fastsde.kernels.steps.drifted` adds them up."""
