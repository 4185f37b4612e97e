# Recipes for people; `.ci/run` is the same steps as `ci`. https://just.systems

# What has to pass before a change lands.
ci: fmt lint doc test

# Check the formatting; `cargo fmt` mends it.
fmt:
    cargo fmt --check

# Lint the library, the program, tests, benches and examples.
lint:
    cargo clippy --all-targets --locked -- -D warnings

# Build the documentation of the crate.
doc:
    RUSTDOCFLAGS="-D warnings" cargo doc --no-deps --locked

# Run all tests.
test:
    cargo test --locked

# Build the embedded model again from its corpus and catalog. Unchanged sources give the same bytes.
train:
    cargo run --release --locked -- train --data models/default/corpus/*.jsonl --output models/default/default.chuanda

# Measure.
bench:
    cargo bench --locked

# Check the contract against the STANDARD rules of Buf (needs Node.js; fetches Buf).
buf-lint:
    cd proto && npx --yes @bufbuild/buf lint

# Check licences, advisories and sources of the dependencies (needs cargo-deny).
deny:
    cargo deny --locked check
