//! One.
//! Two.
//! Three.
//! Four.
//! Five.
//! Six.
//! Seven.
