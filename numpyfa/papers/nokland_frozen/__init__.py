"""Nokland's frozen layer: can direct feedback take up a net whose upper layers BP has trained? And the converse.

The paper (Figure 2, left): three hidden layers of 50 on MNIST, tanh. The first layer is frozen as it was drawn and BP
trains the others for 50 epochs, to a training error of about 5 %; then all layers learn, by BP or by DFA. Read off the
figure: both reach 0 % in about 50 epochs, DFA after a rise, and test errors of 3.2 to 3.6 %. Of the converse the paper
says that FA and DFA cannot improve a layer whose upper layers are frozen, since these have to align, and that BP can.

Open there: learning rate, batch and first weights of this figure. Ours are those of its tables: RMSprop at 1e-4 with
batches of 64, logistic outputs with cross-entropy, U(-1, 1) / sqrt(fan_in), biases of 0, feedback U(-1, 1) / sqrt(units
of the layer that receives it). RMSprop begins anew when the layers thaw. For the converse layer 1 alone learns, 20
epochs, below layers that were frozen as drawn or after BP had trained them. Shortened: 30,000 images, 3 seeds; training
errors are of the first 10,000 images.
"""

from ...lab.experiment import Experiment
from . import figure, verdict, work

EXPERIMENTS = (
    Experiment(
        name="nokland-frozen",
        minutes=3,
        settings=work.SETTINGS,
        quick={"examples": 3000, "epochs": 10, "alone_epochs": 5, "lr": 1e-3, "seeds": 1},
        jobs=work.jobs,
        work=work.work,
        draw=figure.draw,
        table=verdict.table,
        verdict=verdict.verdict,
        source="Nokland 2016 (arXiv 1609.01596)",
        place="Figure 2, left",
        published={
            "bp train_error": 0.0,
            "dfa train_error": 0.0,
            "bp test_error": (3.2, 3.6),
            "dfa test_error": (3.2, 3.6),
        },
        shortened="30,000 images, training errors of the first 10,000 of them",
        why={"": "Read off a figure; ours has half of the images, and the figure's learning rate is not printed."},
        question="does DFA take over from BP, and does it need the layers above to learn too?",
    ),
)
