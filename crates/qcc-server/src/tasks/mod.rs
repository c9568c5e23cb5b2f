//! What runs beside the requests.

pub(crate) mod keep;

pub(crate) mod probe;

pub(crate) mod reload;

pub(crate) mod warm;
