"""Tokens a second in pre-training: our step beside the same step built from transformers' classes.

Both sides take one ELECTRA step after another on windows of random bases: mask, fill in, corrupt,
judge, both losses, backward, clip, AdamW (torch's fused one). Shapes, vocabulary, batch, mask ratio
and precision are the same; the parameter counts are printed. The peer is ModernBertForMaskedLM as
generator (untied; logits at every position, as transformers computes them by default) and
ModernBertModel with a linear token head as discriminator, attention by torch's fused kernel.

Every side runs in a process of its own, because the allocator's setting is a process's: one of the
sides is the peer with our setting. Blocks of steps alternate between the sides, which idle in
between; medians over blocks are compared. On a CPU that others use too, tokens per second of CPU
time are the steadier figure, and stand beside those per second.

    python -m benchmarks.pretrain_speed --config mini --threads 2
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import IO, Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from nucel_model import tokenizer
from nucel_pretrain.config import PretrainConfig, read_config
from nucel_pretrain.memory import keep_freed_memory
from nucel_pretrain.optim import make_optimizer

SIDES = ("ours", "transformers", "transformers, our allocator setting")
WARM_UP, BLOCKS = 3, 5
DENSE_BF16_TFLOPS = {"A100": 312.0, "H100 PCIe": 756.0, "H100": 989.4, "H200": 989.4}
"""Without sparsity, from the makers' data sheets; the first name found in the device's counts."""

Step = Callable[[int], object]


def random_windows(config: PretrainConfig, batch: int, seed: int) -> Tensor:
    """(batch, tokens) ids: [CLS] and random bases."""
    generator = torch.Generator().manual_seed(seed)
    shape = (batch, config.data.window + 1)
    ids = torch.randint(tokenizer.A, tokenizer.T + 1, shape, generator=generator)
    ids[:, 0] = tokenizer.CLS
    return ids


def random_mask(config: PretrainConfig, input_ids: Tensor, seed: int) -> tuple[Tensor, Tensor]:
    """Masked positions, the same number in every row, and the draws for sampling at them."""
    generator = torch.Generator().manual_seed(seed)
    rows, bases = input_ids.shape[0], input_ids.shape[1] - 1
    per_row = round(bases * config.masking.ratio)
    chosen = torch.rand(rows, bases, generator=generator).topk(per_row, dim=1).indices + 1
    masked = torch.zeros(input_ids.shape, dtype=torch.bool).scatter_(1, chosen, True)
    return masked, torch.rand(rows * per_row, 4, generator=generator)


def our_step(
    config: PretrainConfig, batch: int, device: torch.device, precision: str
) -> tuple[nn.Module, Step]:
    """The package's own training step; whatever its interface becomes, only this function knows."""
    from nucel_pretrain.objectives import Batch
    from nucel_pretrain.step import train_step
    from nucel_pretrain.tokens import BaseTokens
    from nucel_pretrain.train import build_model

    keep_freed_memory()
    model = build_model(config, BaseTokens(), device).train()
    optimizer = make_optimizer(model, config.optim)

    def step(number: int) -> None:
        ids = random_windows(config, batch, number)
        train_step(
            model,
            optimizer,
            [Batch(ids.to(device), *(x.to(device) for x in random_mask(config, ids, number)))],
            electra=config.electra,
            clip=config.optim.clip,
            learning_rate=config.optim.learning_rate,
            precision=precision,
        )

    return model, step


def their_step(
    config: PretrainConfig, batch: int, device: torch.device, precision: str
) -> tuple[nn.Module, Step]:
    """The same step as somebody who knows transformers would write it."""
    import transformers
    from transformers import ModernBertForMaskedLM, ModernBertModel

    configuration: Any = transformers.ModernBertConfig  # whose type does not name all it takes

    def shape(size: Any) -> Any:
        ours = size.encoder(config.data.window + 1)
        return configuration(
            vocab_size=ours.vocab_size,
            hidden_size=ours.hidden_size,
            num_hidden_layers=ours.num_hidden_layers,
            num_attention_heads=ours.num_attention_heads,
            intermediate_size=ours.intermediate_size,
            layer_types=list(ours.layer_types),
            local_attention=ours.local_attention,
            max_position_embeddings=ours.max_position_embeddings,
            pad_token_id=tokenizer.PAD,
            cls_token_id=tokenizer.CLS,
            bos_token_id=None,
            eos_token_id=None,
            sep_token_id=None,
            tie_word_embeddings=False,
            attn_implementation="sdpa",
        )

    generator = ModernBertForMaskedLM(shape(config.generator))
    discriminator = ModernBertModel(shape(config.discriminator))
    head = nn.Linear(config.discriminator.hidden, 1)
    model = nn.ModuleList([generator, discriminator, head]).to(device).train()
    optimizer = torch.optim.AdamW(
        model.parameters(),
        lr=config.optim.learning_rate,
        betas=(config.optim.beta1, config.optim.beta2),
        eps=config.optim.eps,
        weight_decay=config.optim.weight_decay,
        fused=True,
    )

    def step(number: int) -> tuple[float, float]:
        ids = random_windows(config, batch, number)
        masked, noise = (x.to(device) for x in random_mask(config, ids, number))
        ids = ids.to(device)
        with torch.autocast(device.type, dtype=torch.bfloat16, enabled=precision == "bf16"):
            logits = generator(input_ids=ids.masked_fill(masked, tokenizer.MASK)).logits
            at_masked = logits[masked].float()
            generator_loss = F.cross_entropy(at_masked, ids[masked])
            choices = at_masked.detach()[:, tokenizer.A : tokenizer.T + 1]
            gumbel = -torch.log(-torch.log(noise.clamp(1e-9, 1 - 1e-7)))
            sampled = tokenizer.A + (choices / config.electra.temperature + gumbel).argmax(dim=-1)
            corrupted = ids.masked_scatter(masked, sampled)
            hidden = discriminator(input_ids=corrupted).last_hidden_state
            judged = head(hidden).squeeze(-1)[:, 1:].float()
            replaced = (corrupted != ids)[:, 1:].float()
            discriminator_loss = F.binary_cross_entropy_with_logits(judged, replaced)
            loss = generator_loss + config.electra.discriminator_weight * discriminator_loss
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        norm = nn.utils.clip_grad_norm_(model.parameters(), config.optim.clip)
        optimizer.step()
        return loss.item(), norm.item()  # what a loop logs

    return model, step


def serve(side: str, args: argparse.Namespace, answers: IO[str]) -> None:
    """A side's process: say what was built, then run as many steps as each line of stdin asks."""
    config, device = read_config(args.config), torch.device(args.device)
    torch.manual_seed(0)
    torch.set_num_threads(args.threads)
    if side == SIDES[2]:
        keep_freed_memory()
    build = our_step if side == SIDES[0] else their_step
    model, step = build(config, args.batch or config.data.batch, device, "bf16")
    for number in range(WARM_UP):
        step(number)
    with FlopCounterMode(display=False) as counter:
        step(WARM_UP)
    about = {
        "parameters": sum(p.numel() for p in model.parameters()),
        "flops": counter.get_total_flops(),
    }
    print(json.dumps(about), file=answers, flush=True)
    number = WARM_UP + 1
    for line in sys.stdin:
        wait = torch.cuda.synchronize if device.type == "cuda" else (lambda: None)
        wait()
        begun, begun_cpu = time.perf_counter(), time.process_time()
        for _ in range(int(line)):
            step(number)
            number += 1
        wait()
        took = [time.perf_counter() - begun, time.process_time() - begun_cpu]
        print(json.dumps(took), file=answers, flush=True)


@contextlib.contextmanager
def started(side: str) -> Iterator[Callable[[int | None], Any]]:
    """A side's process; the function given asks for a block (None: for what was built)."""
    command = [sys.executable, "-m", "benchmarks.pretrain_speed", *sys.argv[1:], "--side", side]
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=os.environ
    )
    assert process.stdin is not None
    assert process.stdout is not None

    def ask(steps: int | None) -> Any:
        assert process.stdin is not None
        assert process.stdout is not None
        if steps is not None:
            process.stdin.write(f"{steps}\n")
            process.stdin.flush()
        answer = process.stdout.readline()
        if not answer:
            raise SystemExit(f"the side {side!r} stopped; its error stands above")
        return json.loads(answer)

    try:
        yield ask
    finally:
        process.terminate()
        process.wait()


def share_of_peak(flops_per_second: float, device: str) -> str:
    """Counted matrix-product FLOPs against the dense bf16 peak of the GPU."""
    if device != "cuda":
        return "not run (needs a GPU)"
    name = torch.cuda.get_device_name()
    for known, peak in DENSE_BF16_TFLOPS.items():
        if known in name:
            return f"{flops_per_second / (peak * 1e12):.1%} of {peak:g} TFLOP/s ({name})"
    return f"peak of {name} not known here"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--config", default="mini", help="a shipped configuration or a TOML file")
    parser.add_argument("--device", default="cpu", choices=("cpu", "cuda"))
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--steps", type=int, default=4, help=f"in each of {BLOCKS} blocks a side")
    parser.add_argument(
        "--batch", type=int, help="windows a step, where the configuration's do not fit the machine"
    )
    parser.add_argument("--side", choices=SIDES, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.device == "cuda" and not torch.cuda.is_available():
        raise SystemExit("not run: no GPU here")
    if args.side:
        answers = sys.stdout
        with contextlib.redirect_stdout(sys.stderr):  # whatever a library prints
            serve(args.side, args, answers)
        return
    config = read_config(args.config)
    batch = args.batch or config.data.batch
    tokens = batch * (config.data.window + 1)
    print(
        f"{args.config}, {batch} x {config.data.window + 1} tokens a step, bf16 autocast, "
        f"{args.device}, {args.threads} threads, torch {torch.__version__}, {platform.machine()}, "
        f"load average before {os.getloadavg()[0]:.2f}"
    )
    seconds: dict[str, list[tuple[float, float]]] = {side: [] for side in SIDES}
    with contextlib.ExitStack() as stack:
        asks = {side: stack.enter_context(started(side)) for side in SIDES}
        about = {side: ask(None) for side, ask in asks.items()}
        for _ in range(BLOCKS):
            for side, ask in asks.items():
                seconds[side].append(ask(args.steps))
    print(f"load average after {os.getloadavg()[0]:.2f}, up to {args.threads} of it this run's")
    kinds = ["second"] if args.device == "cuda" else ["second", "CPU second"]
    for k, kind in enumerate(kinds):
        rates = {s: [args.steps * tokens / block[k] for block in seconds[s]] for s in SIDES}
        medians = {side: statistics.median(values) for side, values in rates.items()}
        for side, values in rates.items():
            print(
                f"{side:36s} {about[side]['parameters']:>11,} parameters  {medians[side]:>9,.0f} "
                f"tokens per {kind} ({min(values):,.0f} to {max(values):,.0f})  "
                f"ours / this: {medians[SIDES[0]] / medians[side]:.2f}"
            )
    for side in SIDES:
        flops = about[side]["flops"] * args.steps / statistics.median(b[0] for b in seconds[side])
        print(f"share of dense bf16 peak, {side}: {share_of_peak(flops, args.device)}")


if __name__ == "__main__":
    main()
