"""Which token has which number: what a folder says of it must be what is read here.

Two vocabularies of the same size load alike and give plausible nonsense, so a vocabulary that lies
beside the weights is compared, token by token, with the one that sequences are read with.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import product
from pathlib import Path
from typing import Any

from nucel_model import nt_tokenizer, tokenizer
from nucel_model.errors import FolderError
from nucel_model.files import read_json, read_text
from nucel_model.nt_config import NTConfig
from nucel_model.nt_tokenizer import Version

FILES = ("vocab.json", "vocab.txt", "tokenizer.json")
"""Where a vocabulary may stand; a folder's without any of them is taken for the published one."""
_DEFAULTS = {"pad": 50283, "cls": 50281}
"""What transformers' ModernBertConfig says if it is told nothing: ids of another vocabulary."""


def check_vocabulary(folder: Path, data: Mapping[str, Any], config: object) -> None:
    """Refuse a folder whose own vocabulary differs from what sequences are read with.

    Bases (and the Nucleotide Transformer's six-base words) must be there; special tokens, and
    NucEL's N, may be left out.

    Args:
        folder: The model's.
        data: Content of the folder's config.json.
        config: Configuration read from it, which says the family of tokens.

    Raises:
        FolderError: The first token that has another number, or none.
    """
    version = config.version if isinstance(config, NTConfig) else None
    bases, special = _nucel() if version is None else _nucleotide_transformer(version)
    for name in FILES:
        if not (folder / name).exists():
            continue
        said = _read(folder / name)
        for token, number in bases.items():
            if token not in said:
                raise FolderError(f"{folder / name} has no token {token}. {_ADVICE}")
            _compare(folder / name, token, said[token], number)
        for token, number in special.items():
            if token in said:
                _compare(folder / name, token, said[token], number)
    for token, number in special.items():
        for key in (f"{token.lower()}_token_id", *(["unknown_token_id"] * (token == "UNK"))):
            given = data.get(key)
            if given is not None and given != _DEFAULTS.get(token.lower()):
                _compare(folder / "config.json", key, given, number)


_ADVICE = (
    "Sequences would be read as other letters than the model was trained on; give a folder whose "
    "tokens are numbered as the published model's"
)


def _compare(path: Path, token: str, given: object, number: int) -> None:
    if isinstance(given, bool) or given != number:
        raise FolderError(f"{path} says {token} = {given!s:.40}, read here is {number}. {_ADVICE}")


def _nucel() -> tuple[dict[str, int], dict[str, int]]:
    """Bases, and the rest as far as it is used; N is read as an unknown token."""
    bases = dict(zip("ACGT", tokenizer.BASE_IDS, strict=True))
    return bases, {
        "PAD": tokenizer.PAD,
        "UNK": tokenizer.UNK,
        "CLS": tokenizer.CLS,
        "MASK": tokenizer.MASK,
        "N": tokenizer.UNK,
    }


def _nucleotide_transformer(version: Version) -> tuple[dict[str, int], dict[str, int]]:
    words = ("".join(w) for w in product(nt_tokenizer.LETTERS, repeat=nt_tokenizer.TOKEN_BP))
    bases = {w: nt_tokenizer.FIRST_WORD[version] + i for i, w in enumerate(words)}
    single = nt_tokenizer.first_base(version)
    bases |= {letter: single + i for i, letter in enumerate((*nt_tokenizer.LETTERS, "N"))}
    return bases, {
        "PAD": nt_tokenizer.PAD,
        "UNK": nt_tokenizer.UNK,
        "CLS": nt_tokenizer.CLS,
        "MASK": nt_tokenizer.MASK,
    }


def _read(path: Path) -> dict[str, object]:
    """Token to number; special tokens without their brackets, in upper case."""
    if path.suffix == ".txt":
        lines = read_text(path).splitlines()
        return dict(_named((line.strip(), i) for i, line in enumerate(lines)))
    data = read_json(path)
    if path.name != "tokenizer.json":
        return dict(_named(iter(data.items())))
    model = data.get("model")
    words = model.get("vocab") if isinstance(model, dict) else None
    if isinstance(words, list):  # with scores, in the order of their numbers
        words = {w[0]: i for i, w in enumerate(words) if isinstance(w, list) and w}
    if not isinstance(words, dict):
        raise FolderError(f"{path} holds no vocabulary (model.vocab)")
    added = data.get("added_tokens")
    more = [t for t in added if isinstance(t, dict)] if isinstance(added, list) else []
    found = dict(_named(iter(words.items())))
    return found | dict(_named((t.get("content"), t.get("id")) for t in more))


def _named(pairs: Iterator[tuple[Any, Any]]) -> Iterator[tuple[str, object]]:
    for token, number in pairs:
        if not isinstance(token, str) or not token:
            continue
        bracketed = len(token) > 2 and token[0] + token[-1] in ("[]", "<>")
        yield token[1:-1].upper() if bracketed else token, number
