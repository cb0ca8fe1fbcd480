"""Weight mirrors and Kolen-Pollack on CIFAR-10, after the code and logs of Akrout et al. 2019. Not run here.

The protocol is that of `akrout`, whose first lines say what differs, on 3072-1000-10 at the full length of 400 epochs:
logistic units, logistic cross-entropy, batch 128, learning rates 0.2 (BP, FA) and 0.3 (KP), pixels 0 to 1, weights and
feedback N(0, 1/(fan_in + fan_out)). Their WM has 0.05 beside a B that grows without bound, ours 0.2. Which rates their
logs of CIFAR-10 are of is not said: those of their example on MNIST are taken. Their logs are of one run, seed 1111.

All of theirs over-fit: the logs' errors at epoch 400 are above the lowest on the way, which are 48.03, 50.46, 49.33 and
47.60 %. The last epoch stands beside ours.
"""

from ..lab.protocol import Protocol
from ..lab.training import training

EXPERIMENTS = (
    training(
        name="akrout-cifar10",
        minutes=1600,
        protocol=Protocol(
            net="3072-1000-10",
            rules=("bp", "fa", "kp", "wm"),
            data="cifar-10",
            activation="logistic",
            loss="logistic",
            lr=0.2,
            lr_of=(("kp", 0.3),),
            batch_size=128,
            epochs=400,
            seeds=3,
            init="akrout",
            feedback="akrout",
        ),
        source="Akrout et al. 2019 (arXiv 1904.05391)",
        place="the authors' logs, epoch 400",
        published={
            "bp": 51.82,
            "fa": 57.04,
            "kp": 52.43,
            "wm": 53.80,
            "fa weight_angle_2": 46.5,
            "kp weight_angle_2": 2.0,
            "wm weight_angle_2": 9.7,
        },
        not_run="CIFAR-10 is not part of the package",
        question="Do Kolen-Pollack and weight mirrors close the gap between FA and BP?",
        quick={"epochs": 1, "seeds": 1, "examples": 2000},
    ),
)
