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
# Models that did not learn the task (results.tsv, column `learned`) are left out of the comparison.
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

# two lines a record; the BED file names sites of the records kept, by awk's set of their names
head -n $(( 2 * sequences )) "$order/held_out.fa" > "$out/measured.fa"
awk 'NR == FNR { if (/^>/) kept[substr($0, 2)] = 1; next } $1 in kept' \
    "$out/measured.fa" "$order/held_out.bed" > "$out/measured.bed"

# the column `folder` of the runs that learned the task, and the models they began as
mapfile -t after < <(awk -F '\t' -v at="$order" '
    NR == 1 { for (i = 1; i <= NF; i++) column[$i] = i; next }
    $column["learned"] == "yes" { print at "/" $column["folder"] }' "$order/results.tsv")
mapfile -t before < <(find "$order/models" -mindepth 1 -maxdepth 1 \
    \( -name '*-before' -o -name '*-untrained*' \) | sort)
if [ ${#after[@]} -eq 0 ]; then
    echo "error: no run learned the task (see $order/results.tsv), so there is nothing to compare" >&2
    exit 1
fi
for when in before after; do
    declare -n folders=$when
    nucel-interp compare "$out/measured.fa" --sites "$out/measured.bed" --models "${folders[@]}" \
        -o "$out/$when" --threads 1 --force
done
python -m benchmarks.motif_order_table "$out" | tee "$out/table.md"
