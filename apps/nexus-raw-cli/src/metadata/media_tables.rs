//! What the tables of the libraries lack, or have under an older name than IANA.

use file_format::FileFormat;

/// Media types by the ending of a name, before those of `mime_guess`.
const BY_ENDING: &[(&[&str], &str)] = &[
    (&["arrow", "feather"], "application/vnd.apache.arrow.file"),
    (&["avro"], "application/vnd.apache.avro"),
    // BigTIFF
    (&["btf", "tf8"], "image/tiff"),
    (&["cjs", "js", "mjs"], "text/javascript"),
    // those of video show it, see `is_transport_stream`
    (&["cts", "mts", "ts", "tsx"], "application/typescript"),
    (&["dcm"], "application/dicom"),
    (&["fits"], "application/fits"),
    (&["gpkg"], "application/geopackage+sqlite3"),
    (&["h5", "hdf5", "he5"], "application/vnd.hdfgroup.hdf5"),
    (&["hif"], "image/heif"),
    (&["ico"], "image/vnd.microsoft.icon"),
    (&["ipynb"], "application/x-ipynb+json"),
    (&["jsonl"], "application/jsonl"),
    (&["m2ts"], "video/mp2t"),
    (&["m4a", "m4b", "m4p"], "audio/mp4"),
    (&["mka"], "audio/matroska"),
    (&["mkv"], "video/matroska"),
    // of Go; those of video and of trackers show it
    (&["mod"], "text/plain"),
    (&["mtl"], "model/mtl"),
    (&["ndjson"], "application/x-ndjson"),
    (&["npy"], "application/x-npy"),
    (&["obj"], "model/obj"),
    (&["opus"], "audio/ogg"),
    (&["otf"], "font/otf"),
    (&["parquet"], "application/vnd.apache.parquet"),
    (&["psd"], "image/vnd.adobe.photoshop"),
    (&["py"], "text/x-python"),
    (&["rar"], "application/vnd.rar"),
    (&["stl"], "model/stl"),
    (&["toml"], "application/toml"),
    (&["ttf"], "font/ttf"),
    (&["usdz"], "model/vnd.usdz+zip"),
    (&["vcf"], "text/vcard"),
    (&["woff"], "font/woff"),
    (&["woff2"], "font/woff2"),
    (&["xmp"], "application/rdf+xml"),
    (&["yaml", "yml"], "application/yaml"),
    (&["zst"], "application/zstd"),
];

/// Media types of content under the name that is in use, by that of `file-format`.
const IN_USE: &[(&str, &str)] = &[
    ("application/mp4", "video/mp4"),
    ("application/vnd.ms-asf", "video/x-ms-asf"),
    ("application/x-id3v2", "audio/mpeg"),
    ("audio/opus", "audio/ogg"),
    ("audio/vnd.wave", "audio/wav"),
    ("audio/x-aiff", "audio/aiff"),
    ("audio/x-m4a", "audio/mp4"),
];

/// Media types of containers, and endings of formats that are such a container: the content does
/// not say which, so the name does.
const CONTAINERS: &[(&[&str], &[&str])] = &[
    (
        &["application/zip"],
        &[
            "3mf", "apk", "docm", "docx", "dotx", "ear", "epub", "jar", "kmz", "odb", "odc", "odf",
            "odg", "odp", "ods", "odt", "otg", "otp", "ots", "ott", "potx", "ppsm", "ppsx", "pptm",
            "pptx", "usdz", "vsdx", "war", "xlam", "xlsb", "xlsm", "xlsx", "xltx", "xps",
        ],
    ),
    (
        &["application/x-cfb"],
        &[
            "doc", "dot", "mpp", "msg", "pot", "pps", "ppt", "pub", "vsd", "xla", "xls", "xlt",
        ],
    ),
    (
        &["video/mp4", "audio/mp4", "video/quicktime", "video/3gpp"],
        &[
            "3g2", "3gp", "f4v", "m4a", "m4b", "m4p", "m4v", "mov", "mp4", "qt",
        ],
    ),
    (
        &["application/ogg", "audio/ogg", "video/ogg"],
        &["oga", "ogg", "ogv", "ogx", "opus", "spx"],
    ),
    (
        &["application/x-ebml", "video/matroska"],
        &["mka", "mkv", "webm"],
    ),
    (
        &["image/tiff"],
        &[
            "arw", "cr2", "dcr", "dng", "erf", "kdc", "mef", "nef", "nrw", "pef", "sr2", "srf",
        ],
    ),
    // tags of ID3 precede these too
    (&["audio/mpeg"], &["aac", "flac"]),
    (
        &["video/x-ms-asf", "video/x-ms-wmv"],
        &["asf", "wma", "wmv"],
    ),
    (&["application/vnd.hdfgroup.hdf5"], &["nc"]),
    (&["application/vnd.sqlite3"], &["gpkg"]),
];

/// Formats of which the signature has so few bits that other content may have it by chance.
const BY_CHANCE: &[FileFormat] = &[
    FileFormat::AdvancedAudioCoding,
    FileFormat::AndroidBinaryXml,
    FileFormat::AndroidResourceStorageContainer,
    FileFormat::AppleDiskImage,
    FileFormat::ArchivedByRobertJung,
    FileFormat::AudioCodec3,
    FileFormat::AutodeskAnimator,
    FileFormat::AutodeskAnimatorPro,
    FileFormat::BdavMpeg2TransportStream,
    FileFormat::CommonObjectFileFormat,
    FileFormat::Commodore64Program,
    FileFormat::DerCertificate,
    FileFormat::JpegXl,
    FileFormat::Mpeg12AudioLayer2,
    FileFormat::Mpeg12AudioLayer3,
    FileFormat::Mpeg2TransportStream,
    FileFormat::MsDosExecutable,
    FileFormat::PictureExchange,
    FileFormat::SiliconGraphicsImage,
    FileFormat::UnixCompress,
    FileFormat::WindowsCursor,
    FileFormat::WindowsIcon,
    FileFormat::WindowsMetafile,
];

/// Media types of text besides `text/*`, `*+json` and `*+xml`.
const TEXTS: &[&str] = &[
    "application/ecmascript",
    "application/javascript",
    "application/json",
    "application/jsonl",
    "application/postscript",
    "application/rtf",
    "application/sql",
    "application/toml",
    "application/typescript",
    "application/x-csh",
    "application/x-httpd-php",
    "application/x-latex",
    "application/x-ndjson",
    "application/x-perl",
    "application/x-sh",
    "application/x-subrip",
    "application/x-tcl",
    "application/x-tex",
    "application/xml",
    "application/xml-dtd",
    "application/yaml",
    "image/x-eps",
    "model/mtl",
    "model/obj",
    "model/step",
    "model/x-stl-ascii",
];

/// Formats of binary content that may be text all the same.
const ALSO_TEXT: &[&str] = &[
    "application/pdf",
    "image/x-portable-bitmap",
    "image/x-portable-graymap",
    "image/x-portable-pixmap",
];

pub(super) fn by_ending(ending: &str) -> Option<&'static str> {
    let found = BY_ENDING.iter().find(|(them, _)| them.contains(&ending));
    found.map(|(_, media_type)| *media_type)
}

pub(super) fn in_use(media_type: &str) -> &str {
    let found = IN_USE.iter().find(|(it, _)| *it == media_type);
    found.map_or(media_type, |(_, in_use)| in_use)
}

/// Whether formats with this ending are kept in this container.
pub(super) fn contains(container: &str, ending: &str) -> bool {
    let mut containers = CONTAINERS.iter();
    containers.any(|(them, endings)| them.contains(&container) && endings.contains(&ending))
}

pub(super) fn may_be_by_chance(format: FileFormat) -> bool {
    BY_CHANCE.contains(&format)
}

pub(super) fn is_textual(media_type: &str) -> bool {
    media_type.starts_with("text/")
        || media_type.ends_with("+json")
        || media_type.ends_with("+xml")
        || TEXTS.contains(&media_type)
}

/// Whether content of this type may consist of text.
pub(super) fn may_be_text(media_type: &str) -> bool {
    is_textual(media_type) || ALSO_TEXT.contains(&media_type)
}
