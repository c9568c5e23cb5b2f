# What a developer runs. `just` alone lists it.

_default:
    @just --list

# Format, lints, tests: what CI runs.
ci:
    bash .ci/run

# Formatting and lints.
check:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets --locked -- -D warnings

# All tests, as the README says.
test *ARGS:
    cargo test --workspace --locked {{ARGS}}

# The scripted faults against the real gateway.
drill *ARGS:
    cargo run --release --locked -- drill {{ARGS}}

# The benchmark of docs/benchmarks.md. Needs nginx for its column.
bench *ARGS:
    cargo build --release --locked
    cargo run --release --locked -p qcc-testkit --example bench -- {{ARGS}}

# The real Claude Code through qcc: needs npm.
e2e-claude:
    cargo build --release --locked
    cargo run --release --locked -p qcc-testkit --example e2e_claude

# The official SDKs, codex and Claude Code through qcc to providers of each dialect: needs python3 and npm.
e2e-sdks *ARGS:
    cargo build --locked
    cargo run --locked -p qcc-testkit --example e2e_sdks -- {{ARGS}}

# Line coverage of all tests. Needs `cargo install cargo-tarpaulin`.
cover:
    cargo tarpaulin --workspace --locked --engine llvm --follow-exec --out Stdout --skip-clean --target-dir target/cover --exclude-files "*/examples/*" "*/tests/*" "*/tests.rs"

# Licences, advisories, banned crates. Needs `cargo install cargo-deny`.
deny:
    cargo deny check

# Any bytes against a decoder, for some seconds; see fuzz/README.md. Needs `cargo install cargo-fuzz` and a C++ compiler.
fuzz TARGET SECONDS="60":
    fuzz/seed.sh
    cargo fuzz run --sanitizer none {{TARGET}} -- -max_total_time={{SECONDS}} -max_len=16384 -rss_limit_mb=3000
