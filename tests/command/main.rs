//! The command `crumbtrail`, run as a person runs it, over stores that programs made.

#[cfg(test)]
mod answers;
#[cfg(test)]
mod arguments;
#[cfg(test)]
mod decisions;
#[cfg(test)]
mod docs;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod hostile;
#[cfg(test)]
mod json;
#[cfg(test)]
mod library;
#[cfg(test)]
mod pipes;
#[cfg(test)]
mod rig;
#[cfg(test)]
mod shop;
#[cfg(test)]
#[path = "../support/mod.rs"]
mod support;
