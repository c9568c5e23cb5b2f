//! The test kit tested against itself, and the tidy rules of the whole repository.

#[cfg(test)]
mod claude;
#[cfg(test)]
mod client;
#[cfg(test)]
mod provider;
#[cfg(test)]
mod replies;
#[cfg(test)]
mod tidy;
#[cfg(test)]
mod upstream;
