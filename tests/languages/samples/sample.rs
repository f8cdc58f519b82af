//! Crate doc.
use crate::rs::other::go;

/// A pair.
///
/// # Examples
///
/// ```
/// let a = A::new(1);
/// ```
///
/// # Panics
/// When sad.
#[derive(Debug)]
pub struct A<T> {
    /// The x.
    pub x: i32,
    y: T,
}

impl<T> A<T> {
    /// New.
    pub fn new(x: i32) -> Self { go(); panic!("x") }
    fn private(&self) {}
}

impl Tr for A<i32> { fn t(&self) {} }

/// A trait.
pub trait Tr {
    /// t.
    fn t(&self);
    type Out;
}

pub enum E { A, B(i32) }
pub fn f<const N: usize>(a: [u8; N]) -> Result<(), String> { Ok(()) }
pub const K: i32 = 1;
pub mod m { pub fn inner() {} }
#[macro_export]
macro_rules! mm { () => {} }
pub(crate) fn hidden() {}
