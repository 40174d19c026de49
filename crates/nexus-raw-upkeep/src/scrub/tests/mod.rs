mod coverage;
mod house;
mod order;
mod outcomes;
mod pace;
mod sharing;

use super::*;
