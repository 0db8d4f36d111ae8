"""The part of the page on generalisation."""

from __future__ import annotations

from fastsde.analysis import Analysis
from fastsde.report.generalisation import figures, text
from fastsde.report.spec import FigureSpec, register_figure


def _recorded(name: str, analysis: Analysis) -> bool:
    models = analysis.sections["generalisation"].models.values()
    return all(name in model.quantiles for model in models)


register_figure(
    FigureSpec(
        name="accuracy",
        section="generalisation",
        order=62,
        answers=True,
        title="Accuracy on training and test examples",
        caption=(
            "First panel: share of trajectories that predict every test example, with 95&nbsp;% intervals. "
            "Others: accuracy of each model, on its training examples and on test examples that it has not "
            "seen. Lines are medians over trajectories; the band contains 90&nbsp;% of them."
        ),
        source=(
            "<code>ensemble.h5 /MODEL/train_accuracy, test_accuracy</code>: share of examples whose class is "
            "the largest output, or whose sign is that of the output. A trajectory that has "
            "diverged predicts nothing. Intervals by Wilson's score."
        ),
        draw=figures.accuracies,
        condition=lambda analysis: _recorded("test_accuracy", analysis),
        finding=text.accuracy_finding,
        beside=text.times,
    )
)

register_figure(
    FigureSpec(
        name="test_loss",
        section="generalisation",
        order=64,
        detail=True,
        title="Loss on training and test examples",
        caption=(
            "Loss of each model on its training examples and on test examples that it has not seen. Lines "
            "are medians over trajectories; the band contains 90&nbsp;% of them."
        ),
        source="<code>ensemble.h5 /MODEL/loss, test_loss</code>, in the convention of the study.",
        draw=figures.losses,
        condition=lambda analysis: _recorded("test_loss", analysis),
        finding=text.loss_finding,
    )
)
