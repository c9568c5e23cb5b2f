#!/usr/bin/env bash
# Golden files as seeds of each target, behind the bytes by which it chooses among clients and providers.
set -euo pipefail
cd "$(dirname "$0")"
fixtures=../crates/qcc-dialect/fixtures

# seed TARGET PREFIX FILE...
seed() {
    local target=$1 prefix=$2 file
    shift 2
    mkdir -p "corpus/$target"
    for file in "$@"; do
        [ -f "$file" ] || continue
        { printf '%b' "$prefix"; cat "$file"; } >"corpus/$target/$(sha1sum <<<"$prefix$file" | cut -c1-16)"
    done
}

for dialect in anthropic openai responses gemini; do
    seed sse '\x07' $fixtures/$dialect/{stream,answered}/*.sse
    seed scan '' $fixtures/$dialect/{asked,client,request}/*.json
    seed restored '' $fixtures/$dialect/{asked,client,request}/*.json
    for client in '\x00' '\x01' '\x02'; do
        seed ${dialect}_stream "$client\x10" $fixtures/$dialect/{stream,answered}/*.sse
        seed ${dialect}_whole "$client" $fixtures/$dialect/response/*.json
    done
done
for dialect in anthropic openai responses; do
    seed ${dialect}_request '' $fixtures/$dialect/{asked,client}/*.json
done
seed anthropic_request '' $fixtures/{openai,gemini,responses,anthropic}/request/*.json
