"""A classifier for scikit-learn: `fit` and `predict` around numpyfa's own training step. The extra `sklearn`.

from numpyfa.sklearn import FeedbackAlignmentClassifier

model = FeedbackAlignmentClassifier(rule="dfa", hidden_layer_sizes=(100, 50), random_state=0)
model.fit(X_train, y_train).score(X_test, y_test)
"""

import copy
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from .backend import Streams
from .errors import InputError, check_whole
from .lab import spelling
from .learn import PROBE, explain_divergence, measure_alignment, one_hot, run_epoch
from .losses import SoftmaxCrossEntropy, softmax
from .models import mlp
from .optim import SGD
from .rules import make_rule

try:
    from sklearn.base import BaseEstimator, ClassifierMixin
    from sklearn.utils import check_random_state
    from sklearn.utils.multiclass import check_classification_targets, unique_labels
    from sklearn.utils.validation import check_is_fitted, validate_data
except ImportError as error:
    remedy = "numpyfa.sklearn needs scikit-learn 1.6 or newer: pip install 'numpyfa[sklearn]'"
    raise ImportError(f"{remedy} ({error})") from error


class FeedbackAlignmentClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """A multi-layer perceptron for classes, trained by any rule of numpyfa: softmax, cross-entropy and plain SGD.

    A parameter has the name that scikit-learn's `MLPClassifier` has for it where the two mean the same. `epochs` is not
    called `max_iter`, since training goes through the data exactly so often and never stops before, and `decay` is not
    called `alpha`, which `MLPClassifier` divides by the batch's examples and keeps from the biases.

    What is not here: `sample_weight`; `loss_`, which is `loss_curve_[-1]`; and other optimisers, early stopping and
    further options, for which there is `numpyfa.fit`.

    A `fit` or `partial_fit` that raises an error leaves the model as it was, fitted or not. `numpyfa.Diverged` says
    that the numbers of the net were no longer finite.

    With a whole number as `random_state`, `fit` gives the same net to the last bit as `numpyfa.fit` with that seed.

    Parameters
    ----------
    rule : str, default="fa"
        A name of `numpyfa.RULES` or `numpyfa.rules.VARIANTS`, such as "bp", "fa", "dfa" or "kp", with options as on the
        command line, if any: "pfa:expansion=5,orthogonal=true".
    hidden_layer_sizes : sequence of int, or int, default=(100,)
        The number of units of each hidden layer; () for none.
    activation : str, default="tanh"
        Of the hidden layers: "identity", "tanh", "logistic", "relu", "leakyrelu", "softplus" or "erf". The default is
        numpyfa's, as are those of the next three.
    learning_rate_init : float, default=0.1
        SGD's learning rate; it stays, as in `MLPClassifier(solver="sgd", learning_rate="constant")`.
    epochs : int, default=20
        How often `fit` goes through the data; `partial_fit` does so once.
    batch_size : int, default=64
        Examples in a batch; the last of an epoch may be smaller.
    decay : float, default=0
        SGD's pull of W, b and learned feedback towards 0. The laws of "kp", "pfa", "sparse-pfa" and "dkp" ask for one,
        such as 1e-4; without it these rules warn.
    random_state : int, RandomState or None, default=None
        Where weights, feedback and the order of the examples come from.

    Attributes
    ----------
    classes_ : array of shape (classes,)
        The labels, in order.
    loss_curve_ : list of float
        Each epoch's mean loss over the training examples, each as it was before its batch's step.
    angles_ : array of shape `(n_iter_, hidden layers)`
        After each epoch, each hidden layer's mean angle between the rule's delta and backpropagation's, in degrees, on
        the first 1000 training examples (`numpyfa.metrics.delta_angle`). NaN where the rule tells a layer nothing.
    n_iter_ : int
        The number of epochs so far.
    net_ : numpyfa.Network
        The trained net, float32 where the data are and float64 otherwise.
    rule_ : numpyfa.Rule
        The rule bound to it, with its feedback.
    n_features_in_, feature_names_in_
        What `fit` was given, as of any estimator.
    """

    def __init__(
        self,
        rule: str = "fa",
        hidden_layer_sizes: Sequence[int] | int = (100,),
        activation: str = "tanh",
        *,
        learning_rate_init: float = 0.1,
        epochs: int = 20,
        batch_size: int = 64,
        decay: float = 0.0,
        random_state: Any = None,
    ) -> None:
        self.rule = rule
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.learning_rate_init = learning_rate_init
        self.epochs = epochs
        self.batch_size = batch_size
        self.decay = decay
        self.random_state = random_state

    def fit(self, X: Any, y: Any) -> "FeedbackAlignmentClassifier":
        """Train a new net for `epochs` epochs. X is (examples, features), taken as it is: scale it first."""
        epochs = check_whole("epochs", self.epochs, 1)
        fresh = copy.copy(self)  # what fails leaves `self` as it was
        X, y = fresh._check(X, y, first=True)
        fresh._start(X, np.unique(y))
        fresh._train(X, y, epochs)
        self.__dict__ = fresh.__dict__
        return self

    def partial_fit(self, X: Any, y: Any, classes: Any = None) -> "FeedbackAlignmentClassifier":
        """Train for one epoch on these examples, from where the net is. The first call must name all `classes`.

        Net, rule and optimiser are made by the first call, or by `fit`. Of the parameters only `batch_size` is obeyed
        when it is changed between calls; the others, `learning_rate_init` among them, wait for the next `fit`.
        """
        first = not hasattr(self, "net_")
        if first and classes is None:
            raise InputError("the first partial_fit makes the net: name all classes, partial_fit(X, y, classes=[...])")
        named = self.classes_ if classes is None else distinct(classes)
        if not first and not np.array_equal(named, self.classes_):
            raise InputError(f"classes must be those of the first call, {self.classes_}; found {named}")
        fresh = copy.copy(self)
        X, y = fresh._check(X, y, first)
        if first:
            fresh._start(X, named)
        before, step = {name: array.copy() for name, array in fresh._arrays().items()}, fresh._optimizer.step
        try:
            fresh._train(X, y, 1)
        except BaseException:
            for name, array in fresh._arrays().items():
                array[...] = before[name]
            fresh._optimizer.step = step
            raise
        self.__dict__ = fresh.__dict__
        return self

    def predict(self, X: Any) -> np.ndarray:
        """The most probable class of each example."""
        answers = self._logits(X).argmax(axis=1)
        return self.classes_[answers]

    def predict_proba(self, X: Any) -> np.ndarray:
        """softmax of the net's output, (examples, classes), in the order of `classes_`."""
        return softmax(self._logits(X))

    def predict_log_proba(self, X: Any) -> np.ndarray:
        """log softmax, finite where `predict_proba` rounds to 0."""
        logits = self._logits(X)
        shifted = logits - logits.max(axis=1, keepdims=True)  # keeps exp from overflowing
        return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))

    def _check(self, X: Any, y: Any, first: bool) -> tuple[np.ndarray, np.ndarray]:
        X, y = validate_data(self, X, y, dtype=(np.float64, np.float32), reset=first)
        check_classification_targets(y)
        return X, y

    def _start(self, X: np.ndarray, classes: np.ndarray) -> None:
        """A new net, its rule and its optimiser."""
        several: Any = self.hidden_layer_sizes
        several = [several] if np.ndim(several) == 0 else several
        hidden = [check_whole("each of hidden_layer_sizes", units, 1) for units in several]
        sizes = "-".join(map(str, [X.shape[1], *hidden, len(classes)]))
        seed = self._seed()
        net = mlp(sizes, self.activation, seed=seed, dtype=X.dtype)
        name, options = spelling.read(str(self.rule))
        rule = make_rule(name, net, seed=seed, **options)
        self._streams, self._loss = Streams(seed), SoftmaxCrossEntropy()
        self._optimizer = SGD(self.learning_rate_init, decay=self.decay)
        rule.check_loss(self._loss)
        rule.check_optimizer(self._optimizer)
        self.net_, self.rule_, self.classes_ = net, rule, classes
        self.n_iter_, self.angles_ = 0, np.empty((0, len(hidden)))
        self.loss_curve_: list[float] = []

    def _arrays(self) -> dict[str, np.ndarray]:
        """All that a step changes, but for the optimiser's count of them: plain SGD has no memory."""
        return self.net_.parameters() | self.rule_.arrays()

    def _seed(self) -> int:
        """The whole number itself, so that `fit` does what `numpyfa.fit` does; else one drawn from the generator."""
        if isinstance(self.random_state, (int, np.integer)):
            return check_whole("random_state", self.random_state, 0)
        return int(check_random_state(self.random_state).randint(np.iinfo(np.int32).max))

    def _train(self, X: np.ndarray, y: np.ndarray, epochs: int) -> None:
        batch_size = check_whole("batch_size", self.batch_size, 1)
        known = set(self.classes_.tolist())  # NumPy would take the word '1' for the number
        unknown = [label for label in np.unique(y).tolist() if label not in known]
        if unknown:
            raise InputError(f"y holds the class {unknown[0]!r}, which is not one of {self.classes_}")
        X = X.astype(self.net_.dtype, copy=False)
        target = one_hot(np.searchsorted(self.classes_, y), len(self.classes_), self.net_.dtype)
        for _ in range(epochs):
            epoch = self.n_iter_ + 1
            order = self._streams("order", epoch).permutation(len(X))
            mean = run_epoch(self.net_, self.rule_, self._loss, self._optimizer, X, target, order, batch_size)
            with np.errstate(all="ignore"):  # as in `numpyfa.fit`: what goes wrong with numbers is told by Diverged
                self._check_finite(X[:PROBE], target[:PROBE])
                found = measure_alignment(self.rule_, self._loss, X, target, None, self._optimizer.step)
            angles = [found.get(f"angle_{number}", np.nan) for number in range(1, len(self.net_.layers))]
            self.n_iter_, self.angles_ = epoch, np.vstack([self.angles_, angles])
            self.loss_curve_.append(mean)

    def _check_finite(self, X: np.ndarray, target: np.ndarray) -> None:
        """Raise Diverged if the last step broke the net: each loss of the epoch is from before its step."""
        traces = self.net_.forward(X)
        logits = traces[self.net_.last.number].h
        if not (np.isfinite(logits).all() and np.isfinite(self._loss(logits, target)[0])):
            explain_divergence(self.net_, self._optimizer, self._optimizer.step, traces, target, math.nan)

    def _logits(self, X: Any) -> np.ndarray:
        check_is_fitted(self, "net_")
        return self.net_.predict(validate_data(self, X, dtype=(np.float64, np.float32), reset=False))


def distinct(classes: Any) -> np.ndarray:
    """The distinct labels, in order. Raises InputError for what is no list of labels."""
    problem: Exception | None = None
    try:
        with np.errstate(invalid="ignore"):  # NaN is refused, not cast
            if np.ndim(classes) == 1 and np.size(classes):
                return unique_labels(classes)
    except (TypeError, ValueError) as error:
        problem = error
    wanted = "all of them finite whole numbers or all of them words"
    raise InputError(f"classes must list every label once or more, {wanted}, found {classes!r:.80}") from problem
