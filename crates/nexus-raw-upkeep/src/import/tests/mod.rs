mod house;
mod lists;
mod manifest;
mod outcomes;
mod parts;
mod resuming;
