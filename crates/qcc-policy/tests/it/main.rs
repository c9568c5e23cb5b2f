//! Promises that hold for every request, whatever the providers do: checked on arbitrary single requests
//! (`properties`), on many requests at once that share cooldowns and budget (`simulation`), on conversations
//! (`sessions`) and on requests that wait together (`line`).

mod line;
mod properties;
mod random;
mod sessions;
mod simulation;
