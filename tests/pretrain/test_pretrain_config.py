"""A run's configuration: TOML that reads back, and every mistake in one line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from nucel_pretrain.config import PretrainConfig, SizeConfig, as_dict, build, read_config
from nucel_pretrain.data import EnrichConfig
from nucel_pretrain.errors import PretrainError

SHIPPED = {"mini": 6, "mini-long": 6, "small": 12, "base": 22}
ENRICH = """
[[data.enrich]]
regions = ["tss.bed", "chr1:5-9"]
flank = 200
share = 0.25
[[data.enrich]]
regions = ["islands.bed.gz"]
share = 0.1
"""
TOML = """
[data]
fasta = ["genome.fa"]
[discriminator]
hidden = 16
layers = 2
heads = 2
intermediate = 24
[generator]
hidden = 8
layers = 1
heads = 2
intermediate = 12
[loop]
steps = 5
"""


@pytest.fixture
def toml(tmp_path):
    def write(text: str) -> Path:
        path = tmp_path / "run.toml"
        path.write_text(text)
        return path

    return write


def test_a_configuration_reads_back_from_its_resolved_form(toml):
    config = read_config(toml(TOML))
    assert config.generator == SizeConfig(hidden=8, layers=1, heads=2, intermediate=12)
    assert config.data.fasta == ("genome.fa",)
    assert as_dict(config)["optim"]["beta2"] == 0.98
    assert json.loads(json.dumps(as_dict(config))) == as_dict(config)


def test_enriched_regions_are_tables_that_read_back(toml, tmp_path):
    config = read_config(toml(TOML.replace("[discriminator]", f"{ENRICH}[discriminator]")))
    assert config.data.enrich == (
        EnrichConfig(regions=("tss.bed", "chr1:5-9"), flank=200, share=0.25),
        EnrichConfig(regions=("islands.bed.gz",), share=0.1),
    )
    plain = as_dict(config)
    assert plain["data"]["enrich"][1] == {"regions": ["islands.bed.gz"], "share": 0.1, "flank": 0}
    assert build(PretrainConfig, plain) == config


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        (
            "share = 0.1",
            "sare = 0.1",
            r"\[\[data\.enrich\]\] number 2: .* data\.enrich\.sare; did.*'share'",
        ),
        ("share = 0.25", "", r"\[\[data\.enrich\]\] number 1: the configuration lacks .*share"),
        ("share = 0.25", "share = 2", r"number 1: data\.enrich\.share must be above 0"),
        ("flank = 200", "flank = 1.5", r"data\.enrich\.flank must be a whole number; got 1\.5"),
        (
            '["islands.bed.gz"]',
            '"islands.bed.gz"',
            r"number 2: data\.enrich\.regions must be a list",
        ),
        ("share = 0.1", "share = 0.8", r"shares of \[\[data\.enrich\]\] .* add up to 1\.05"),
        ("[[data.enrich]]", "[[data.enrch]]", r"no key data\.enrch; did you mean 'enrich'"),
        (
            ENRICH,
            "enrich = 5\n",
            r"data\.enrich must be tables, one \[\[data\.enrich\]\] each; got 5",
        ),
        (ENRICH, "[data.enrich]\nshare = 0.5\n", r"data\.enrich must be tables, one"),
    ],
)
def test_bad_enriched_regions_in_one_line(toml, before, after, words):
    text = TOML.replace("[discriminator]", f"{ENRICH}[discriminator]".replace(before, after))
    with pytest.raises(PretrainError, match=words) as caught:
        read_config(toml(text))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_configurations_read(name):
    config = read_config(name)
    encoder = config.discriminator.encoder(config.data.window + 1)
    assert encoder.num_hidden_layers == SHIPPED[name]
    # the generator: half as deep and half as wide, as in the paper
    assert config.generator.layers * 2 == config.discriminator.layers
    assert config.generator.hidden * 2 == config.discriminator.hidden


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ("hidden = 16", "hiden = 16", r"no key discriminator\.hiden; did you mean 'hidden'"),
        ("[loop]", "[lop]", r"no key lop; did you mean 'loop'"),
        ("steps = 5", "xyz = 5", r"no key loop\.xyz; known are .*seed.*steps"),
        ("steps = 5", "", r"lacks loop\.steps"),
        ("[generator]\nhidden = 8", "[generator]", r"lacks generator\.hidden"),
        ("steps = 5", 'steps = "5"', r"loop\.steps must be a whole number; got '5'"),
        ("steps = 5", "steps = true", r"loop\.steps must be a whole number; got True"),
        ("steps = 5", "steps = 0", r"loop\.steps must be at least 1; got 0"),
        ("steps = 5", "steps = 5\nlog_every = 0", r"loop\.log_every must be at least 1"),
        ("steps = 5", "steps = 5\nkeep_checkpoints = 0", r"keep_checkpoints must be at least 1"),
        (
            "steps = 5",
            'steps = 5\nprecision = "fp8"',
            r"loop\.precision must be bf16 or fp16 or fp32",
        ),
        ("steps = 5", 'steps = 5\nparallel = "tp"', r"loop\.parallel must be ddp or fsdp"),
        ("steps = 5", "steps = 5\naccumulate = 0", r"loop\.accumulate must be at least 1"),
        ("[data]", 'objective = "clm"\n[data]', r"objective must be electra or mlm; got 'clm'"),
        ("[loop]", '[tokens]\nkind = "4mer"\n[loop]', r"tokens\.kind must be one of base, 6mer"),
        ("[loop]", "[tokens]\nvocabulary = 4\n[loop]", r"tokens\.vocabulary must be at least 8"),
        ("[loop]", "[masking]\nratio = 1.5\n[loop]", r"masking\.ratio must lie between 0 and 1"),
        (
            "[loop]",
            '[electra]\nembeddings = "shared"\n[loop]\nparallel = "fsdp"',
            r'"shared" does not go with loop\.parallel = "fsdp".*use ddp',
        ),
        ("steps = 5", "steps = 5\nseed = -1", r"loop\.seed must be 0 or more"),
        ('["genome.fa"]', '"genome.fa"', r"data\.fasta must be a list"),
        ("hidden = 16", "hidden = 15", r"discriminator: hidden_size 15 is not divisible"),
        ("[loop]\nsteps = 5", "", r"lacks loop"),
        (TOML, "loop = 5", r"loop must be a section, \[loop\]; got 5"),
        (TOML, "[data", r"is not TOML"),
    ],
)
def test_a_bad_configuration_in_one_line(toml, before, after, words):
    assert before in TOML
    with pytest.raises(PretrainError, match=words) as caught:
        read_config(toml(TOML.replace(before, after)))
    assert "\n" not in str(caught.value)


def test_a_configuration_that_is_not_there():
    with pytest.raises(
        PretrainError, match=r"cannot read mimi as a configuration \(TOML\): there is no"
    ):
        read_config("mimi")
