"""Noise laws: those that the keys of an SDE describe, and one of a user's own."""

import math
from collections.abc import Iterator
from typing import Any, ClassVar, Literal

import numpy as np
import pytest
from studies import study

import fastsde
from fastsde.integrate.lowering import lower
from fastsde.study.fields import Fault, Positive
from fastsde.study.models import Sde
from fastsde.study.noise.law import NOISE_LAWS, NoiseLaw
from fastsde.study.study import Study
from fastsde.system.errors import StudyError

DESCRIBED = [
    ({}, {"kind": "gaussian"}, math.inf),
    ({"alpha": 1.5}, {"kind": "stable", "alpha": 1.5}, 1.5),
    ({"alpha": 1.5, "truncation": 9.0}, {"kind": "truncated-stable", "alpha": 1.5, "limit": 9.0}, math.inf),
    ({"alpha": 1.5, "by_component": True}, {"kind": "stable-components", "alpha": 1.5}, 1.5),
    (
        {"alpha": 1.5, "by_component": True, "truncation": 9.0},
        {"kind": "stable-components", "alpha": 1.5, "limit": 9.0},
        math.inf,
    ),
    ({"alpha": 1.5, "tempering": 3.0}, {"kind": "tempered-stable", "alpha": 1.5, "rate": 3.0}, math.inf),
    ({"jumps": {"rate": 3.0}}, {"kind": "jump-diffusion", "rate": 3.0, "share": 1.0}, math.inf),
]


@pytest.mark.parametrize(("keys", "law", "tail"), DESCRIBED)
@pytest.mark.parametrize("noise", ["gradient", "isotropic"])
def test_keys_describe_a_law_that_may_be_written_as_a_table(keys, law, tail, noise):
    """Both ways give the same law, the same words and the same numbers for the kernels."""
    by_keys = study(model={"kind": "sde", "noise": noise, **keys})
    by_table = study(model={"kind": "sde", "noise": noise, "law": law})
    one, other = by_keys.models["m"], by_table.models["m"]
    assert isinstance(one, Sde)
    assert isinstance(other, Sde)
    assert one.noise_law == other.noise_law
    assert one.noise_law.model_dump(exclude_none=True) == law
    assert one.summary() == other.summary()
    assert one.tail_index == tail
    assert one.noise_law.has_variance is (tail > 2)
    assert Study.from_toml(by_table.to_toml()) == by_table
    assert "law" not in by_keys.to_mapping()["models"]["m"]
    problem = fastsde.build_problem(by_keys)
    assert lower(by_keys, "m", problem).dynamics == lower(by_table, "m", problem).dynamics


def test_every_law_says_what_it_is():
    for name, law in NOISE_LAWS.items():
        assert law.name == name
        assert law.equation
        assert law.source or law.gaussian


@pytest.fixture
def steady() -> Iterator[type[NoiseLaw]]:
    """A law of a user's own: a share of the variance comes in jumps, one per unit time."""

    class Steady(NoiseLaw):
        """Normal increments of which a share comes in jumps."""

        equation: ClassVar[str] = "as jump-diffusion at rate 1"
        noises: ClassVar[tuple[str, ...]] = ("isotropic", "given")

        kind: Literal["steady"] = "steady"
        share: Positive

        def words(self) -> str:
            return f"steady ({self.share:g})"

        def faults(self, dt: float) -> Iterator[Fault]:
            if dt > 1:
                yield Fault(("share",), self.share, "steps of time 1 at most")

        def lower(self, dt: float) -> Any:
            from fastsde.kernels.noise import Jumps

            return Jumps(mean=dt, share=self.share)

    yield NOISE_LAWS.register(Steady)
    del NOISE_LAWS._declared["steady"]


OWN = {"kind": "sde", "noise": "isotropic", "temperature": 0.1, "law": {"kind": "steady", "share": 0.5}}


@pytest.mark.slow
def test_a_law_registered_later_is_read_written_and_integrated(steady):
    s = study(model=OWN)
    assert s.models["m"].noise_law == steady(share=0.5)
    assert "isotropic steady (0.5) noise" in s.models["m"].summary()
    assert Study.from_toml(s.to_toml()) == s
    assert s.fingerprint() != study(model=OWN | {"law": {"kind": "steady", "share": 0.6}}).fingerprint()
    same = study(model={**OWN, "law": {"kind": "jump-diffusion", "rate": 1.0, "share": 0.5}})
    ends = [fastsde.integrate(one, "m", 0, 8).parameters for one in (s, same)]
    np.testing.assert_array_equal(*ends)
    assert "cannot be shared" in s.models["m"].not_shared()


@pytest.mark.parametrize(
    ("change", "where", "words"),
    [
        ({"law": {"kind": "steddy", "share": 0.5}}, "models.m.law.kind", 'did you mean "steady"'),
        ({"law": {"kind": "steady", "shar": 0.5}}, "models.m.law.shar", 'did you mean "share"'),
        ({"law": {"kind": "steady", "share": -1.0}}, "models.m.law.share", "above 0"),
        ({"law": {"kind": "steady"}}, "models.m.law.share", "add it"),
        ({"law": {"share": 0.5}}, "models.m.law.kind", "add it"),
        ({"law": "steady"}, "models.m.law", "a table"),
        ({"alpha": 1.5}, "models.m.law", "remove law, or alpha"),
        ({"jumps": {"rate": 1.0}}, "models.m.law", "remove law, or jumps"),
        ({"noise": "gradient", "temperature": None}, "models.m.law", '"isotropic" or "given"'),
    ],
)
def test_mistakes_in_a_law_are_named(steady, change, where, words):
    with pytest.raises(StudyError) as caught:
        study(model={key: value for key, value in (OWN | change).items() if value is not None})
    (complaint,) = caught.value.complaints
    assert complaint.where == where
    assert words in f"{complaint.expected}; {complaint.fix}"


def test_a_law_checks_itself_against_the_time_step(steady):
    with pytest.raises(StudyError) as caught:
        study(model=OWN | {"substeps": 1}, time={"learning_rate": 2.0})
    assert [complaint.where for complaint in caught.value.complaints] == ["models.m.law.share"]
    with pytest.raises(StudyError) as caught:
        study(model={"kind": "sde", "noise": "gradient", "alpha": 1.5, "tempering": 1e9})
    assert [complaint.where for complaint in caught.value.complaints] == ["models.m.tempering"]


WHOLE_LAW = '''
"""A noise law in one file: fields, checks and words for studies, and its draw for the kernels."""

from typing import Literal, NamedTuple

from numba import uint64

from fastsde.kernels.elementary import exp64
from fastsde.kernels.noise_law import noise_law
from fastsde.kernels.box_muller import normals64
from fastsde.kernels.philox import SUBORDINATOR, draw_words
from fastsde.study.fields import Positive
from fastsde.study.noise.law import NOISE_LAWS, NoiseLaw


class Factor(NamedTuple):
    spread: float


@noise_law(Factor)
def factor(law, stream):
    w0, w1, w2, w3 = draw_words(stream, SUBORDINATOR, uint64(0))
    z, _ = normals64(w0, w1, w2, w3)
    return exp64((z - law.spread) * law.spread)


@NOISE_LAWS.register
class LogNormal(NoiseLaw):
    """Gaussian increments times a log-normal factor of unit second moment."""

    kind: Literal["log-normal"] = "log-normal"
    spread: Positive

    def words(self):
        return f"log-normal (spread {self.spread:g})"

    def lower(self, dt):
        return Factor(self.spread)
'''


@pytest.mark.slow
def test_a_law_in_one_file_that_a_study_names(tmp_path, monkeypatch):
    monkeypatch.setenv("FASTSDE_ALLOW_CODE", "1")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my_noise_law.py").write_text(WHOLE_LAW)
    own = OWN | {"law": {"kind": "log-normal", "spread": 0.5}}
    try:
        s = Study.from_mapping(
            {"extensions": ["my_noise_law.py"], **study(steps=2).to_mapping(), "models": {"m": own}}
        )
        assert "isotropic log-normal (spread 0.5) noise" in s.models["m"].summary()
        ends = fastsde.integrate(s, "m", 0, 8).parameters
        assert np.isfinite(ends).all()
        assert not np.array_equal(
            ends, fastsde.integrate(study(model=OWN | {"law": None}, steps=2), "m", 0, 8).parameters
        )
    finally:
        NOISE_LAWS._declared.pop("log-normal", None)
        NOISE_LAWS._file.pop("log-normal", None)
