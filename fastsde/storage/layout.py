"""The names of all files and folders of a run, a sweep and a job array."""

ENSEMBLE_FILE = "ensemble.h5"


PARTS_FOLDER = "parts"


UNFINISHED_FOLDER = "unfinished"


STATES_FILE = "start.h5"


STUDY_FILE = "study.toml"


PARTIAL_FILE = "partial.h5"


SWEEP_FILE = "sweep.h5"


ANALYSIS_FILE = "analysis.h5"


ARRAY_FILE, MERGE_FILE, LOG_FOLDER = "array.sh", "merge.sh", "logs"
