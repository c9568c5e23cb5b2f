//! The database as the gateway and the commands use it: real files, several of them open at once, and files in every
//! state that they should not be in.

#[cfg(test)]
mod faults;
#[cfg(test)]
mod keeping;
#[cfg(test)]
mod support;
#[cfg(test)]
mod writing;
