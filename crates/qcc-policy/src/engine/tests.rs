//! What connects the machines; each one's own rules are tested beside it.
