//! The database as the gateway and the commands use it: real files, several of them open at once, and files in every
//! state that they should not be in.

#[cfg(test)]
mod faults;
#[cfg(test)]
mod health;
#[cfg(test)]
mod keeping;
#[cfg(test)]
mod pruning;
#[cfg(test)]
mod remembering;
#[cfg(test)]
mod requests;
#[cfg(test)]
mod stats;
#[cfg(test)]
mod support;
#[cfg(test)]
mod writing;
