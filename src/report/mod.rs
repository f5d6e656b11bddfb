//! Renders plain report values: each format is one file, none computes what another one lacks.

pub mod csv;
pub mod diff_text;
pub mod histo;
pub mod info;
pub mod json;
pub mod text;
