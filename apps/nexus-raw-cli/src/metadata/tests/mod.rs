mod exiftool;
mod formats;
mod hostile;
mod location;
mod media_type;
mod photograph;
mod time;
