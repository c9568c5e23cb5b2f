//! Whole ways between two dialects: every golden input from each to each other, and what holds for any input.

mod alive;
mod bad_input;
mod corpus;
mod requests;
mod ways;
mod wholes;
