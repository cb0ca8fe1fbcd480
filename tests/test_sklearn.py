"""The classifier for scikit-learn keeps scikit-learn's contract, and is numpyfa's own training to the last bit."""

import copy
import pickle
import subprocess
import sys

import numpy as np
import pytest

import numpyfa as fa
from numpyfa.lab import spelling
from numpyfa.rules import VARIANTS

pytest.importorskip("sklearn")

from sklearn.datasets import load_digits
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from numpyfa.sklearn import FeedbackAlignmentClassifier

NAMES = [*fa.RULES, *VARIANTS]


@pytest.fixture(scope="module")
def digits():
    """(X, y): 8 x 8 images of digits in rows of numbers from 0 to 1, the first 500 of scikit-learn's 1797."""
    X, y = load_digits(return_X_y=True)
    return X[:500] / 16, y[:500]


def weights(model):
    return model.net_.parameters() | model.rule_.arrays()


def assert_same(mine, its):
    assert mine.keys() == its.keys()
    for name in its:
        np.testing.assert_array_equal(mine[name], its[name], err_msg=name)


CHECKS = parametrize_with_checks([FeedbackAlignmentClassifier()])


@pytest.mark.parametrize(CHECKS.args[0], list(CHECKS.args[1]), **CHECKS.kwargs)  # older releases give pytest no list
def test_every_check_of_scikit_learns_passes_and_none_is_expected_to_fail(estimator, check):
    check(estimator)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("rule", ["fa", "kp", "wm", "dfa", "pfa:expansion=3"])
def test_fit_is_the_librarys_fit_to_the_last_bit(digits, rule, dtype):
    X, y = digits[0].astype(dtype), digits[1]
    model = FeedbackAlignmentClassifier(rule, (20, 15), epochs=3, decay=1e-4, random_state=5).fit(X, y)
    net = fa.mlp("64-20-15-10", seed=5, dtype=dtype)
    name, options = spelling.read(rule)
    own, data = fa.make_rule(name, net, seed=5, **options), fa.Dataset("digits", X, y, X[:1], y[:1], 10)
    optimizer = fa.SGD(0.1, decay=1e-4)
    history = fa.fit(net, own, fa.SoftmaxCrossEntropy(), optimizer, data, epochs=3, batch_size=64, seed=5)
    assert_same(weights(model), net.parameters() | own.arrays())
    np.testing.assert_array_equal(model.angles_, [[row["angle_1"], row["angle_2"]] for row in history[1:]])
    assert len(model.loss_curve_) == model.n_iter_ == 3


def test_a_rule_takes_options_as_on_the_command_line_and_refuses_those_it_has_not(digits):
    model = FeedbackAlignmentClassifier("pfa:expansion=3", epochs=1, decay=1e-4).fit(*digits)
    assert model.rule_.name == "pfa" and model.rule_.expansion == 3
    with pytest.raises(fa.InputError, match="rule 'fa' has no option 'expansion'"):
        FeedbackAlignmentClassifier("fa:expansion=3").fit(*digits)


def test_3_partial_fits_are_3_epochs_of_fit_to_the_last_bit_and_a_fit_begins_anew(digits):
    once = FeedbackAlignmentClassifier("wm", 20, epochs=3, random_state=1).fit(*digits)
    bit_by_bit = FeedbackAlignmentClassifier("wm", 20, random_state=1)
    for classes in (range(10), None, range(10)):
        bit_by_bit.partial_fit(*digits, classes=classes)
    assert_same(weights(bit_by_bit), weights(once))
    assert bit_by_bit.loss_curve_ == once.loss_curve_ and bit_by_bit.n_iter_ == 3
    assert_same(weights(bit_by_bit.set_params(epochs=3).fit(*digits)), weights(once))


def test_what_bears_mlp_classifiers_names_means_the_same_to_12_digits(digits):
    """By backpropagation, whole batches and from one start, both take the same 5 steps."""
    shared = {"hidden_layer_sizes": (20, 15), "activation": "tanh", "learning_rate_init": 0.3, "batch_size": 500}
    ours = FeedbackAlignmentClassifier("bp", **shared, random_state=0).partial_fit(*digits, classes=range(10))
    theirs = MLPClassifier(**shared, solver="sgd", momentum=0, alpha=0).partial_fit(*digits, classes=range(10))
    for layer, W, b in zip(ours.net_.layers, theirs.coefs_, theirs.intercepts_):
        W[...], b[...] = layer.W, layer.b
    for _ in range(5):
        ours.partial_fit(*digits)
        theirs.partial_fit(*digits)
    for layer, W, b in zip(ours.net_.layers, theirs.coefs_, theirs.intercepts_):
        np.testing.assert_allclose(layer.W, W, rtol=0, atol=1e-12)
        np.testing.assert_allclose(layer.b, b, rtol=0, atol=1e-12)
    np.testing.assert_allclose(ours.predict_proba(digits[0]), theirs.predict_proba(digits[0]), rtol=0, atol=1e-12)
    np.testing.assert_allclose(ours.loss_curve_[-5:], theirs.loss_curve_[-5:], rtol=0, atol=1e-12)


def test_bps_angles_are_0_fas_are_not_and_a_layer_that_is_told_nothing_has_none(digits):
    bp, rule, none = (FeedbackAlignmentClassifier(name, (20, 15), epochs=2, random_state=0).fit(*digits).angles_
                      for name in ("bp", "fa", "shallow"))  # fmt: skip
    assert bp.shape == rule.shape == none.shape == (2, 2)
    assert (bp < 1e-5).all() and (rule > 30).all() and np.isnan(none).all()
    assert FeedbackAlignmentClassifier("fa", (), epochs=2).fit(*digits).angles_.shape == (2, 0)


def test_a_grid_search_over_the_names_of_all_rules_leaves_no_rule_at_chance(digits):
    model = FeedbackAlignmentClassifier(epochs=10, decay=1e-4, random_state=0)
    search = GridSearchCV(model, {"rule": NAMES}, cv=2, error_score="raise").fit(*digits)
    scores = dict(zip(NAMES, search.cv_results_["mean_test_score"]))
    assert min(scores.values()) > 0.2, scores
    assert len(set(scores.values())) > 15, "one rule is not another"


def test_in_a_pipeline_with_words_for_labels_the_probabilities_of_10_classes_sum_to_1(digits):
    X, words = digits[0], np.array([f"digit {k}" for k in digits[1]])
    model = make_pipeline(StandardScaler(), FeedbackAlignmentClassifier(random_state=0))
    model.set_params(feedbackalignmentclassifier__rule="dfa").fit(X, words)
    probabilities = model.predict_proba(X)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=0, atol=1e-12)
    assert (model.classes_[probabilities.argmax(axis=1)] == model.predict(X)).all()
    assert model.score(X, words) > 0.95


def test_log_probabilities_are_the_logs_and_stay_finite_where_a_probability_is_0(digits):
    model = FeedbackAlignmentClassifier("fa", 20, epochs=2, random_state=0).fit(*digits)
    expected = np.log(model.predict_proba(digits[0]))
    np.testing.assert_allclose(model.predict_log_proba(digits[0]), expected, rtol=0, atol=1e-12)
    model.net_[2].W[...] *= 1e4
    assert (model.predict_proba(digits[0]) == 0).any()
    assert np.isfinite(model.predict_log_proba(digits[0])).all() and (model.predict_log_proba(digits[0]) <= 0).all()


@pytest.fixture(scope="module")
def scores_by(digits):
    """The scores of a grid of 2 rules and 2 folds, as they come in the order of the jobs."""

    def search(n_jobs):
        model = FeedbackAlignmentClassifier(hidden_layer_sizes=(20,), epochs=2, random_state=0)
        grid = GridSearchCV(model, {"rule": ["fa", "dfa"]}, cv=2, n_jobs=n_jobs, error_score="raise").fit(*digits)
        return [grid.cv_results_[f"split{fold}_test_score"].tolist() for fold in range(2)]

    return search


def test_2_processes_of_joblib_find_the_scores_of_one(scores_by):
    assert scores_by(2) == scores_by(1)


@pytest.mark.filterwarnings("ignore")  # Dask's own
def test_dask_finds_the_scores_of_one_process(scores_by):
    distributed = pytest.importorskip("distributed", reason="Dask is not installed: pip install distributed")
    joblib = pytest.importorskip("joblib")
    cluster = distributed.LocalCluster(n_workers=1, threads_per_worker=2, processes=False, dashboard_address=None)
    with cluster, distributed.Client(cluster), joblib.parallel_config(backend="dask"):
        found = scores_by(None)
    assert found == scores_by(1)


def test_a_pickled_model_and_a_copy_go_on_to_the_same_bits(digits):
    model = FeedbackAlignmentClassifier("kp", 20, epochs=2, decay=1e-4, random_state=0).fit(*digits)
    others = [pickle.loads(pickle.dumps(model)), copy.deepcopy(model)]
    model.partial_fit(*digits)
    for other in others:
        assert other.rule_.net is other.net_
        assert_same(weights(other.partial_fit(*digits)), weights(model))
        assert (other.predict(digits[0]) == model.predict(digits[0])).all()


def test_no_random_state_gives_two_nets_and_a_generator_gives_one_each_time_it_stands_the_same(digits):
    def first_weight(random_state):
        return FeedbackAlignmentClassifier(epochs=1, random_state=random_state).fit(*digits).net_[1].W[0, 0]

    assert first_weight(None) != first_weight(None)
    assert first_weight(np.random.RandomState(3)) == first_weight(np.random.RandomState(3))


@pytest.mark.parametrize(
    "options, words",
    [
        ({"rule": "fb"}, "unknown rule 'fb': did you mean 'fa'?"),
        ({"activation": "tan"}, "unknown activation 'tan': did you mean 'tanh'?"),
        ({"hidden_layer_sizes": (20, 0)}, "each of hidden_layer_sizes must be a whole number from 1, found 0"),
        ({"hidden_layer_sizes": "20"}, "each of hidden_layer_sizes must be a whole number from 1, found '20'"),
        ({"epochs": 0}, "epochs must be a whole number from 1, found 0"),
        ({"batch_size": 0.5}, "batch_size must be a whole number from 1, found 0.5"),
        ({"learning_rate_init": 0}, "the learning rate must be a number above 0"),
        ({"random_state": -1}, "random_state must be a whole number from 0, found -1"),
    ],
)
def test_a_wrong_parameter_is_named_with_what_was_found(digits, options, words):
    with pytest.raises(fa.InputError, match=words.replace("?", r"\?").replace("(", r"\(")):
        FeedbackAlignmentClassifier(**options).fit(*digits)


# -- What fails ------------------------------------------------------------------------------------------------------


TOO_MUCH = {"activation": "relu", "learning_rate_init": 1e200, "batch_size": 10**6, "epochs": 1, "random_state": 0}


@pytest.mark.parametrize("rule", ["bp", "fa"])
def test_a_net_that_is_broken_by_its_last_step_is_an_error_that_names_the_rate(digits, rule):
    """The loss of the only batch, taken before the step of 1e200, is finite."""
    model = FeedbackAlignmentClassifier(rule, **TOO_MUCH)
    with pytest.raises(fa.Diverged, match=r"not finite at step 1, .* learning rate too large .*now 1e\+200"):
        model.fit(*digits)
    with pytest.raises(NotFittedError):
        model.predict(digits[0])


def test_a_partial_fit_that_breaks_the_net_is_an_error_in_the_first_call_and_in_a_later_one(digits):
    with pytest.raises(fa.Diverged, match="at step 1"):
        FeedbackAlignmentClassifier("bp", **TOO_MUCH).partial_fit(*digits, classes=range(10))
    model = FeedbackAlignmentClassifier("bp", activation="relu", random_state=0).fit(*digits)
    model.net_[2].W[...] = np.inf
    with pytest.raises(fa.Diverged):
        model.partial_fit(*digits)
    assert model.n_iter_ == 20 and len(model.loss_curve_) == 20


@pytest.mark.parametrize("options", [{"rule": "nope"}, {"batch_size": 0}, {"epochs": 0}])
def test_after_a_first_fit_that_failed_there_is_no_fitted_model(digits, options):
    model = FeedbackAlignmentClassifier(**options)
    with pytest.raises(fa.InputError):
        model.fit(*digits)
    for ask in (model.predict, model.predict_proba, model.predict_log_proba):
        with pytest.raises(NotFittedError):
            ask(digits[0])
    assert not [name for name in vars(model) if name.endswith("_")]


def test_a_first_partial_fit_that_failed_makes_no_net_and_the_next_may_name_other_classes(digits):
    X, y = digits
    model = FeedbackAlignmentClassifier(batch_size=0)
    with pytest.raises(fa.InputError, match="batch_size"):
        model.partial_fit(X[:, :10], y, classes=range(10))
    with pytest.raises(fa.InputError, match="y holds the class 9"):
        model.set_params(batch_size=64).partial_fit(X[:, :10], y, classes=range(9))
    assert not [name for name in vars(model) if name.endswith("_")]
    assert model.partial_fit(X, y, classes=range(10)).n_features_in_ == 64


@pytest.mark.parametrize("options", [{"epochs": 0}, {"batch_size": 0}, {"rule": "nope"}, TOO_MUCH | {"rule": "bp"}])
def test_a_fit_that_failed_leaves_the_fitted_model_as_it_was(digits, options):
    X, y = digits
    model = FeedbackAlignmentClassifier("fa", 20, epochs=2, random_state=0).fit(X, y)
    before, answers = copy.deepcopy(weights(model)), model.predict_proba(X)
    with pytest.raises((fa.InputError, fa.Diverged)):
        model.set_params(**options).fit(X[:, :10], y % 3)
    assert_same(weights(model), before)
    np.testing.assert_array_equal(model.predict_proba(X), answers)
    assert model.n_features_in_ == 64 and len(model.classes_) == 10 and model.n_iter_ == 2


@pytest.mark.parametrize("rule", ["fa", "kp", "pfa"])
def test_a_later_partial_fit_that_diverges_or_is_interrupted_leaves_the_model_as_it_was(digits, rule, monkeypatch):
    """To the bit: weights, feedback, answers; and the next partial_fit does what it would have done at once."""
    X, y = digits
    model, other = (
        FeedbackAlignmentClassifier(rule, 20, "relu", epochs=2, random_state=0, decay=1e-4).fit(X, y) for _ in range(2)
    )
    before = copy.deepcopy(weights(model))
    broken = X.copy()
    broken[-2:] = 1e200  # a 2 and a 7 that are alike: one of them is wrong, and breaks the net
    with pytest.raises(fa.Diverged):
        model.partial_fit(broken, y)
    assert_same(weights(model), before)

    def stop(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("numpyfa.sklearn.measure_alignment", stop)
        with pytest.raises(KeyboardInterrupt):
            model.partial_fit(X, y)
    assert model.n_iter_ == 2
    assert_same(weights(model.partial_fit(X, y)), weights(other.partial_fit(X, y)))


def test_a_later_partial_fit_that_is_refused_trains_nothing(digits):
    X, y = digits
    model = FeedbackAlignmentClassifier("kp", 20, decay=1e-4, random_state=0).partial_fit(X, y, classes=range(10))
    before = copy.deepcopy(weights(model))
    for options, labels in (({"batch_size": 0}, y), ({"batch_size": 64}, y + 1)):
        with pytest.raises(fa.InputError):
            model.set_params(**options).partial_fit(X, labels)
    assert_same(weights(model), before)
    assert model.n_iter_ == len(model.loss_curve_) == len(model.angles_) == 1


def test_a_fit_on_rows_without_names_forgets_the_names_of_the_fit_before(digits):
    pandas = pytest.importorskip("pandas")
    X, y = digits
    model = FeedbackAlignmentClassifier(epochs=1).fit(pandas.DataFrame(X).add_prefix("pixel "), y)
    assert model.feature_names_in_[0] == "pixel 0"
    assert not hasattr(model.fit(X, y), "feature_names_in_")


@pytest.mark.parametrize(
    "classes",
    [[], 10, {0, 1}, "ab", [1, "a"], np.array([1, "a"], object), [0, np.nan], [0, np.inf], [0.5, 1.5], [[0, 1], [1, 0]],
     [0, None]],
    ids=repr,
)  # fmt: skip
def test_classes_that_are_no_list_of_labels_are_refused_in_words_with_what_was_found(digits, classes):
    with pytest.raises(fa.InputError, match="classes must list every label once or more, .*, found") as told:
        FeedbackAlignmentClassifier().partial_fit(*digits, classes=classes)
    assert repr(classes) in str(told.value)


def test_numbers_written_as_words_are_not_the_classes_they_spell(digits):
    X, y = digits
    with pytest.raises(fa.InputError, match="y holds the class '0'"):
        FeedbackAlignmentClassifier().partial_fit(X, y.astype(str), classes=range(10))


def test_partial_fit_says_which_classes_it_misses(digits):
    X, y = digits
    with pytest.raises(fa.InputError, match="the first partial_fit makes the net: name all classes"):
        FeedbackAlignmentClassifier().partial_fit(X, y)
    with pytest.raises(fa.InputError, match=r"y holds the class 9, which is not one of \[0 1 2 3 4 5 6 7 8\]"):
        FeedbackAlignmentClassifier().partial_fit(X, y, classes=range(9))
    model = FeedbackAlignmentClassifier().partial_fit(X, y, classes=range(10))
    with pytest.raises(fa.InputError, match="classes must be those of the first call"):
        model.partial_fit(X, y, classes=range(9))


def test_numpyfa_does_not_import_scikit_learn_and_without_it_says_what_to_install():
    code = "import sys; sys.modules['sklearn'] = None; import numpyfa, numpyfa.cli; import numpyfa.sklearn"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert found.returncode == 1
    assert "numpyfa.sklearn needs scikit-learn 1.6 or newer: pip install 'numpyfa[sklearn]'" in found.stderr
