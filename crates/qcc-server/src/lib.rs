//! The life of a request, in order. This list is the table of contents: a request comes in at the top and leaves at the
//! bottom, and what stands beside the path stands below the line.

#![recursion_limit = "256"]

mod listen;

mod ingress;

mod pipeline;

mod journey;

mod attempt;

mod upstream;

mod observe;

mod relay;

mod passage;

mod finish;

mod rescue;
mod room;

// ---- beside the path ----

mod admin;

mod body;

mod check;

mod counting;

mod events;

mod gateway;

mod history;

mod kept;

mod log;

mod mapping;

mod outside;

mod reach;

mod sipping;

mod retention;

mod state;

mod tasks;

#[doc(hidden)]
pub mod testing;

mod trail;

mod workers;

pub use check::{Checked, Layer, check};
pub use events::Event;
pub use gateway::{Banner, BannerProvider, Drained, Gateway, Options, Reloaded, Source, StartError};
pub use log::{Log, render};
pub use mapping::{Asked, Candidate, Mapping, Way};
pub use reach::{Reach, reach};
pub use state::identity_of;
pub use upstream::tls::{Trusted, certificates_in, trusted};

/// The version that the gateway reports: the package's own.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
