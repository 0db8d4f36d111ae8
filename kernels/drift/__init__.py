"""Terms of the drift besides the gradient; `fastsde.kernels.steps.drifted` adds them up."""
