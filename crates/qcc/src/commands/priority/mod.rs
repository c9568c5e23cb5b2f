//! `qcc priority ...` and `qcc use`: which profile comes first, and when that changes.

mod history;
mod list;
mod policy;
mod set;
mod switch;

use crate::cli::setup::Priority;
use crate::context::Context;
use crate::failure::Outcome;

pub(super) use switch::run as switch;

pub(super) fn run(context: &Context, command: &Priority) -> Outcome {
    match command {
        Priority::Set { profile, tier } => set::run(context, profile, *tier),
        Priority::List => list::run(context),
        Priority::Switch { profile } => switch::run(context, profile),
        Priority::History { lines } => history::run(context, *lines),
        Priority::Policy(policy) => policy::run(context, policy),
    }
}
