"""From a study to numbers: what each model is to the kernels, on CPU and GPU, and what is measured."""
