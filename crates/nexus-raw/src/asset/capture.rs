use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::time::{Timestamp, TimestampError};

/// When an asset's content came to be, by the caller's word: an instant, and the offset from UTC
/// that it was written with.
///
/// Two are the same when the instants are; the offset is kept because local time follows from it.
#[derive(Debug, Clone, Copy)]
pub struct CapturedAt {
    at: Timestamp,
    offset_minutes: i16,
}

impl CapturedAt {
    /// How far ahead of the service's clock a capture may be, for cameras that run fast.
    pub const MAX_AHEAD: std::time::Duration = std::time::Duration::from_mins(5);

    /// Reads the wire's form, RFC 3339 with a fraction of at most six digits.
    ///
    /// # Errors
    /// When the text is no such time.
    pub fn parse(text: &str) -> Result<Self, TimestampError> {
        Timestamp::parse_with_offset(text).map(|(at, offset_minutes)| Self { at, offset_minutes })
    }

    /// Takes an instant and its offset, in minutes east of UTC, as a catalogue kept them.
    ///
    /// # Errors
    /// [`TimestampError::Format`] when the offset is a day or more.
    pub fn from_parts(at: Timestamp, offset_minutes: i16) -> Result<Self, TimestampError> {
        if offset_minutes.unsigned_abs() < 24 * 60 {
            Ok(Self { at, offset_minutes })
        } else {
            Err(TimestampError::Format)
        }
    }

    /// The instant.
    #[must_use]
    pub fn at(self) -> Timestamp {
        self.at
    }

    /// Minutes east of UTC.
    #[must_use]
    pub fn offset_minutes(self) -> i16 {
        self.offset_minutes
    }

    /// Whether the capture lies further ahead of `now` than [`Self::MAX_AHEAD`].
    #[must_use]
    pub fn is_ahead_of(self, now: Timestamp) -> bool {
        self.at > now.saturating_add(Self::MAX_AHEAD)
    }
}

impl PartialEq for CapturedAt {
    fn eq(&self, other: &Self) -> bool {
        self.at == other.at
    }
}

impl Eq for CapturedAt {}

impl Serialize for CapturedAt {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        self.at.serialize(to)
    }
}

impl<'de> Deserialize<'de> for CapturedAt {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(from)?;
        Self::parse(&text).map_err(de::Error::custom)
    }
}

/// Where an asset's content was captured, in degrees and metres (WGS 84, as GPS and Exif have it).
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct CaptureLocation {
    latitude: f64,
    longitude: f64,
    altitude_m: Option<f64>,
    accuracy_m: Option<f64>,
}

/// Why numbers are no [`CaptureLocation`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CaptureLocationError {
    /// The latitude is no number from -90 to 90.
    #[error("must be a number from -90 to 90")]
    Latitude,
    /// The longitude is no number from -180 to 180.
    #[error("must be a number from -180 to 180")]
    Longitude,
    /// The altitude is not finite.
    #[error("must be a finite number of metres")]
    Altitude,
    /// The accuracy is negative or not finite.
    #[error("must be a finite number of metres, 0 or more")]
    Accuracy,
}

impl CaptureLocation {
    /// Checks a latitude.
    ///
    /// # Errors
    /// [`CaptureLocationError::Latitude`] outside -90 to 90 degrees.
    pub fn check_latitude(degrees: f64) -> Result<f64, CaptureLocationError> {
        checked(
            degrees,
            (-90.0..=90.0).contains(&degrees),
            CaptureLocationError::Latitude,
        )
    }

    /// Checks a longitude.
    ///
    /// # Errors
    /// [`CaptureLocationError::Longitude`] outside -180 to 180 degrees.
    pub fn check_longitude(degrees: f64) -> Result<f64, CaptureLocationError> {
        checked(
            degrees,
            (-180.0..=180.0).contains(&degrees),
            CaptureLocationError::Longitude,
        )
    }

    /// Checks an altitude above sea level.
    ///
    /// # Errors
    /// [`CaptureLocationError::Altitude`] when it is not finite.
    pub fn check_altitude(metres: f64) -> Result<f64, CaptureLocationError> {
        checked(metres, metres.is_finite(), CaptureLocationError::Altitude)
    }

    /// Checks the radius of uncertainty.
    ///
    /// # Errors
    /// [`CaptureLocationError::Accuracy`] when it is negative or not finite.
    pub fn check_accuracy(metres: f64) -> Result<f64, CaptureLocationError> {
        checked(
            metres,
            metres.is_finite() && metres >= 0.0,
            CaptureLocationError::Accuracy,
        )
    }

    /// Takes a place; altitude and accuracy in metres, where known.
    ///
    /// # Errors
    /// The first number that is out of its range.
    pub fn parse(
        latitude: f64,
        longitude: f64,
        altitude_m: Option<f64>,
        accuracy_m: Option<f64>,
    ) -> Result<Self, CaptureLocationError> {
        Ok(Self {
            latitude: Self::check_latitude(latitude)?,
            longitude: Self::check_longitude(longitude)?,
            altitude_m: altitude_m.map(Self::check_altitude).transpose()?,
            accuracy_m: accuracy_m.map(Self::check_accuracy).transpose()?,
        })
    }

    /// Degrees north of the equator.
    #[must_use]
    pub fn latitude(&self) -> f64 {
        self.latitude
    }

    /// Degrees east of Greenwich.
    #[must_use]
    pub fn longitude(&self) -> f64 {
        self.longitude
    }

    /// Metres above sea level.
    #[must_use]
    pub fn altitude_m(&self) -> Option<f64> {
        self.altitude_m
    }

    /// Metres of uncertainty around the place.
    #[must_use]
    pub fn accuracy_m(&self) -> Option<f64> {
        self.accuracy_m
    }
}

/// Adding zero turns -0 into 0, so that numbers equal by value are written alike.
fn checked(
    number: f64,
    holds: bool,
    error: CaptureLocationError,
) -> Result<f64, CaptureLocationError> {
    if holds { Ok(number + 0.0) } else { Err(error) }
}

impl<'de> Deserialize<'de> for CaptureLocation {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Unchecked {
            latitude: f64,
            longitude: f64,
            altitude_m: Option<f64>,
            accuracy_m: Option<f64>,
        }
        let it = Unchecked::deserialize(from)?;
        Self::parse(it.latitude, it.longitude, it.altitude_m, it.accuracy_m)
            .map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn captures_are_equal_when_their_instants_are() {
        let local = CapturedAt::parse("2008-10-22T18:28:39+02:00").unwrap();
        let utc = CapturedAt::parse("2008-10-22T16:28:39Z").unwrap();
        assert_eq!(local, utc);
        assert_eq!((local.offset_minutes(), utc.offset_minutes()), (120, 0));
        assert_eq!(
            serde_json::to_string(&local).unwrap(),
            "\"2008-10-22T16:28:39Z\""
        );
    }

    #[test]
    fn a_capture_may_be_five_minutes_ahead_and_no_more() {
        let now = CapturedAt::parse("2026-01-01T00:00:00Z").unwrap().at();
        assert!(
            !CapturedAt::parse("2026-01-01T00:05:00Z")
                .unwrap()
                .is_ahead_of(now)
        );
        assert!(
            CapturedAt::parse("2026-01-01T00:05:00.000001Z")
                .unwrap()
                .is_ahead_of(now)
        );
    }

    #[test]
    fn numbers_out_of_range_or_not_finite_are_refused() {
        use CaptureLocationError::{Accuracy, Altitude, Latitude, Longitude};
        for (latitude, longitude, altitude, accuracy, error) in [
            (90.000_001, 0.0, None, None, Latitude),
            (f64::NAN, 0.0, None, None, Latitude),
            (0.0, -180.5, None, None, Longitude),
            (0.0, f64::INFINITY, None, None, Longitude),
            (0.0, 0.0, Some(f64::NEG_INFINITY), None, Altitude),
            (0.0, 0.0, None, Some(-0.1), Accuracy),
            (0.0, 0.0, None, Some(f64::NAN), Accuracy),
        ] {
            assert_eq!(
                CaptureLocation::parse(latitude, longitude, altitude, accuracy),
                Err(error)
            );
        }
    }

    #[test]
    fn negative_zero_is_written_as_zero() {
        let place = CaptureLocation::parse(-0.0, -0.0, Some(-0.0), Some(-0.0)).unwrap();
        assert_eq!(
            serde_json::to_string(&place).unwrap(),
            r#"{"latitude":0.0,"longitude":0.0,"altitude_m":0.0,"accuracy_m":0.0}"#
        );
    }
}
