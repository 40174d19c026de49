use crate::{
    figures::Goal::{self, AtLeast, AtMost},
    house::Mode::{self, Embedded, Platform},
};

/// A request whose cost is measured.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    /// The floor that it is compared with.
    pub(crate) floor: &'static str,
    /// What is to be reached.
    pub(crate) goals: &'static [(Mode, Measure, Goal)],
}

/// What is compared with a goal.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Measure {
    /// Processor time of the server, in that of the floor.
    Floors,
    /// The rate as a part of the floor's.
    OfFloor,
    /// The rate in that of the same route by `FastAPI` and boto3.
    OfFastApi,
    /// The 99th percentile of the latency in milliseconds.
    P99,
    /// Items a second.
    Rate,
}

use Measure::{Floors, OfFastApi, OfFloor, P99, Rate};

pub(crate) const BATCH: &str = "batch presign, an item";

pub(crate) const CASES: &[Case] = &[
    Case {
        name: "healthz",
        floor: "floor: GET",
        goals: &[],
    },
    Case {
        name: "GET record, hot",
        floor: "floor: GET",
        goals: &[
            (Embedded, Floors, AtMost(1.8)),
            (Embedded, OfFloor, AtLeast(0.70)),
            (Platform, Floors, AtMost(5.0)),
        ],
    },
    Case {
        name: "GET record, 304",
        floor: "floor: GET",
        goals: &[(Embedded, Floors, AtMost(1.6))],
    },
    Case {
        name: "GET record, cold",
        floor: "floor: GET",
        goals: &[(Embedded, Floors, AtMost(5.0))],
    },
    Case {
        name: "list of 100, hot",
        floor: "floor: list",
        goals: &[(Embedded, Floors, AtMost(25.0))],
    },
    Case {
        name: "list of 100, cold",
        floor: "floor: list",
        goals: &[(Embedded, Floors, AtMost(100.0))],
    },
    Case {
        name: "events, 100 a page",
        floor: "floor: events",
        goals: &[],
    },
    Case {
        name: "presign-upload",
        floor: "floor: presign",
        goals: &[
            (Embedded, Floors, AtMost(6.0)),
            (Embedded, OfFloor, AtLeast(0.25)),
            (Embedded, P99, AtMost(8.0)),
            (Embedded, OfFastApi, AtLeast(8.0)),
        ],
    },
    Case {
        name: "presign-upload, 8 tenants",
        floor: "floor: presign",
        goals: &[(Platform, Floors, AtMost(8.0))],
    },
    Case {
        name: "presign-upload, 1,000 tenants",
        floor: "floor: presign",
        goals: &[(Platform, Floors, AtMost(12.0))],
    },
    Case {
        name: BATCH,
        floor: "floor: presign",
        goals: &[(Embedded, Rate, AtLeast(40_000.0))],
    },
    Case {
        name: "register",
        floor: "floor: register",
        goals: &[(Embedded, Floors, AtMost(20.0))],
    },
    Case {
        name: "presign-download, first",
        floor: "floor: download",
        goals: &[(Embedded, Floors, AtMost(6.0))],
    },
    Case {
        name: "presign-download, repeat",
        floor: "floor: download",
        goals: &[(Embedded, Floors, AtMost(3.0))],
    },
    Case {
        name: "fact",
        floor: "floor: fact",
        goals: &[],
    },
];
