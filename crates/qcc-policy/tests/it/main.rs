//! Promises that hold for every request, whatever the providers do: checked on arbitrary single requests
//! (`properties`) and on many requests at once that share cooldowns and budget (`simulation`).

mod properties;
mod random;
mod simulation;
