#!/usr/bin/env bash
# Motif order: fine-tune models alike, then measure attention at the motifs before and after.
#
#   benchmarks/motif_order.sh OUT [SEQUENCES] [options of `nucel-pretrain motif-order`]
#
# By default nucel-mini and two small networks from random weights, the first 300 held-out sequences
# and one thread. Published weights go through the same steps:
#
#   benchmarks/motif_order.sh OUT 1000 --models NucEL/ nucleotide-transformer-v2-100m-multi-species/
#
# OUT then holds table.md, snr_over_seeds.tsv, the figure motif_order (svg, pdf, png, csv) and
# methods.md, which states every choice; OUT/order the data and models, OUT/before and OUT/after what
# was measured.
#
# Run it where `benchmarks` is importable: the root of the repository.
set -euo pipefail

out=${1:?usage: benchmarks/motif_order.sh OUT [SEQUENCES] [options of nucel-pretrain motif-order]}
sequences=${2:-300}
shift $(( $# < 2 ? $# : 2 ))
here=$(dirname "$0")
models=("$@")
[ $# -gt 0 ] || models=(--models nucel-mini --shapes nucel-small nt-small)
order=$out/order
mkdir -p "$out"

nucel-pretrain motif-order "${models[@]}" --settings "$here/motif_order.toml" -o "$order" --threads 1

python -m benchmarks.motif_order_table "$out" "$sequences" | tee "$out/table.md"
