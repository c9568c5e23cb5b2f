//! What comes in: may it come in at all, and what is it?

pub(crate) mod access;

pub(crate) mod body;

pub(crate) mod recognise;

pub(crate) mod session;
