from __future__ import annotations

import pytest
from study_files import changed, spoiled

from fastsde.study.models import GradientDescent, Sde, Sgd
from fastsde.study.study import Study
from fastsde.system.errors import StudyError

SDE = 'kind = "sde"\nnoise = "gradient"'


def sde(lines: str) -> Sde:
    model = changed((SDE, 'kind = "sde"\n' + lines)).models["sde"]
    assert isinstance(model, Sde)
    return model


def test_time_steps():
    assert Sgd().dt(0.5) == 0.5
    assert Sgd().substeps == GradientDescent().substeps == 1
    assert GradientDescent(substeps=4).dt(1.0) == 0.25
    assert sde('noise = "gradient"').substeps == 8
    assert sde('noise = "gradient"\nsubsteps = 5').dt(1.0) == 0.2
    assert sde('noise = "gradient"\ndt = "learning-rate"') == sde('noise = "gradient"\nsubsteps = 1')


def test_defaults_of_an_sde():
    gradient = sde('noise = "gradient"')
    assert (gradient.alpha, gradient.tempering) == (2.0, None)
    assert (gradient.temperature, gradient.match_at) == (None, None)
    isotropic = sde('noise = "isotropic"')
    assert (isotropic.temperature, isotropic.match_at) == ("matched", "minimum")
    assert sde('noise = "isotropic"\nmatch_at = "local"').match_at == "local"
    warm = sde('noise = "isotropic"\ntemperature = 0')
    assert (warm.temperature, warm.match_at) == (0.0, None)


@pytest.mark.parametrize(
    ("lines", "where", "expected"),
    [
        ('noise = "gradient"\ndt = 1e-4', "dt", '"learning-rate"'),
        ('noise = "gradient"\ndt = "learning-rate"\nsubsteps = 2', "substeps", "one of substeps and dt"),
        ('noise = "gradient"\ntemperature = 1.0', "temperature", "nothing"),
        ('noise = "gradient"\ntemperature = "matched"', "temperature", "nothing"),
        ('noise = "gradient"\nmatch_at = "start"', "match_at", "nothing"),
        ('noise = "isotropic"\ntemperature = 1\nmatch_at = "start"', "match_at", "nothing"),
        ('noise = "isotropic"\ntemperature = -1', "temperature", 'from 0 to 1e15, or "matched"'),
        ('noise = "isotropic"\ntemperature = "mached"', "temperature", 'from 0 to 1e15, or "matched"'),
        ('noise = "isotropic"\nmatch_at = "end"', "match_at", '"start", "minimum" or "local"'),
        ('noise = "gradient"\ntempering = 1.0', "tempering", "alpha below 2"),
        ('noise = "gradient"\nalpha = 1.5\ntempering = 0', "tempering", "above 0"),
        ('noise = "gradient"\nalpha = 0', "alpha", "at most 2"),
        ('noise = "gradient"\nalpha = 2.1', "alpha", "at most 2"),
        ('noise = "gradient"\nsubsteps = 0', "substeps", "from 1 to 2^53"),
        ('noise = "gradient"\nbatch = 0', "batch", "from 1 to 2^32"),
        ('noise = "gradient"\nsampling = "iid"', "sampling", '"replacement"'),
        ("", "noise", '"gradient", "isotropic" or "given"'),
    ],
)
def test_impossible_sdes(lines, where, expected):
    with pytest.raises(StudyError) as caught:
        Study.from_toml(spoiled((SDE, 'kind = "sde"\n' + lines)))
    (complaint,) = caught.value.complaints
    assert complaint.where == f"models.sde.{where}"
    assert expected in complaint.expected


def test_summaries_tell_the_models_apart():
    models = [
        Sgd(),
        Sgd(batch=4, sampling="fresh"),
        GradientDescent(),
        GradientDescent(substeps=8),
        Sde(noise="gradient"),
        Sde(noise="gradient", substeps=1),
        Sde(noise="gradient", alpha=1.5),
        Sde(noise="gradient", alpha=1.5, tempering=3.0),
        Sde(noise="isotropic"),
        Sde(noise="isotropic", match_at="local"),
        Sde(noise="isotropic", temperature=0.25),
    ]
    summaries = [model.summary() for model in models]
    assert len(set(summaries)) == len(models)
    assert all(text.endswith(".") and text.count(". ") == 0 for text in summaries)
    assert "Gaussianised" in summaries[5]
    assert "tempered 1.5-stable" in summaries[7]
    assert "temperature 0.25" in summaries[10]
