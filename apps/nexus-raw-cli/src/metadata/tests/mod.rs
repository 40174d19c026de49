mod exiftool;
mod formats;
mod hostile;
mod location;
mod photograph;
mod time;
