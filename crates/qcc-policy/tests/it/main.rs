//! Promises that hold for every request, whatever the providers do: checked on arbitrary single requests
//! (`properties`), on many requests at once that share cooldowns and budget (`simulation`), on any order of endpoints
//! (`selection`), on traffic that nothing but the choice keeps away from a failing provider (`balance`), on conversations
//! (`sessions`), on requests that wait together (`line`) and on all of it at once (`engine`).

mod balance;
mod engine;
mod line;
mod properties;
mod random;
mod selection;
mod sessions;
mod simulation;
