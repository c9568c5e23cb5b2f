//! Whole ways between two dialects.
