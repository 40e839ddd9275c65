export const rust = `description: Rust and cargo, with clippy and rustfmt
packages: [rustc, cargo, rust-clippy, rustfmt, build-essential, pkg-config, libssl-dev, git, ca-certificates]
`;
