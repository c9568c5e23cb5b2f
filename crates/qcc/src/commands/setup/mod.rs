//! Setting up providers and profiles: `init`, `add`, `remove`, `list`, `presets`. `use` is a `priority switch`.

pub(super) mod add;
pub(super) mod init;
pub(super) mod list;
pub(super) mod presets;
pub(super) mod provider;
pub(super) mod remove;
