//! Promises that hold for every request, whatever the providers do: checked on arbitrary single requests
//! (`properties`), on many requests at once that share cooldowns and budget (`simulation`), on any order of endpoints
//! (`selection`), and on traffic that nothing but the choice keeps away from a failing provider (`balance`).

mod balance;
mod properties;
mod random;
mod selection;
//! (`properties`), on many requests at once that share cooldowns and budget (`simulation`), on conversations
//! (`sessions`) and on requests that wait together (`line`).
mod line;
mod sessions;
mod simulation;
