//! The real program, in a home of its own for each test. What a test starts ends with it.

#![expect(clippy::unwrap_used, clippy::panic, reason = "in a test a panic is how a fault is told, in its helpers too")]

mod asking;
mod claude;
mod config;
mod doctor;
mod drill;
mod env;
mod explain;
mod health;
mod home;
mod import_env;
mod logs;
mod models;
mod priority;
mod proxy;
mod quick_start;
mod run;
mod screen;
mod served;
mod setup;
mod terminal;
mod words;
