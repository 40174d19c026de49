use file_format::{FileFormat, Kind};
use nexus_raw::asset::ContentType;
use proptest::prelude::*;

use super::super::{HEAD_BYTES, media_type};

/// Some bytes at an offset, in zeros.
fn at(offset: usize, bytes: &[u8]) -> Vec<u8> {
    let mut head = vec![0; offset];
    head.extend(bytes);
    head.resize(offset + 1000, 0);
    head
}

fn assert_types(table: &[(&str, &[u8], &str)]) {
    for (name, head, expected) in table {
        assert_eq!(media_type(name, head), *expected, "{name}");
    }
}

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR";
const JPEG: &[u8] = b"\xff\xd8\xff\xe0\0\x10JFIF\0";
const ZIP: &[u8] = b"PK\x03\x04\x14\0\0\0\x08\0";
const OLE: &[u8] = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\0\0\0\0";
const TIFF: &[u8] = b"II*\0\x08\0\0\0";
const MP4: &[u8] = b"\0\0\0\x18ftypisom\0\0\0\0";
const OGG: &[u8] = b"OggS\0\x02\0\0";

#[test]
fn content_counts_before_the_name() {
    assert_types(&[
        ("photo.jpg", JPEG, "image/jpeg"),
        ("photo.png", JPEG, "image/jpeg"),
        ("photo", PNG, "image/png"),
        ("photo.txt", PNG, "image/png"),
        ("photo.unheard-of", b"GIF89a\x01\0\x01\0", "image/gif"),
        ("paper", b"%PDF-1.7\n%\xe2\xe3", "application/pdf"),
        ("paper.docx", b"%PDF-1.7\n", "application/pdf"),
        ("page.jpg", b"<!DOCTYPE html><html>", "text/html"),
        ("photo.jpg", ZIP, "application/zip"),
        ("clip.mp4", JPEG, "image/jpeg"),
        (
            "photo.heic",
            b"\0\0\0\x18ftypheic\0\0\0\0mif1",
            "image/heic",
        ),
        ("photo.jpg", b"\0\0\0\x18ftypheic\0\0\0\0mif1", "image/heic"),
        ("photo.jpg", b"\0\0\0\x18ftypavif\0\0\0\0mif1", "image/avif"),
        ("a.jpg", b"RIFF\x10\0\0\0WEBPVP8 ", "image/webp"),
        ("a.bin", b"RIFF\x10\0\0\0WAVEfmt ", "audio/wav"),
        ("a.bin", b"RIFF\x10\0\0\0AVI LIST", "video/x-msvideo"),
        ("a", b"fLaC\0\0\0\x22", "audio/flac"),
        ("a", b"ID3\x03\0\0\0\0", "audio/mpeg"),
        ("a", b"\x1f\x8b\x08\0\0\0", "application/gzip"),
        ("a", b"\x28\xb5\x2f\xfd\x04\0", "application/zstd"),
        ("a", b"\0asm\x01\0\0\0", "application/wasm"),
    ]);
}

#[test]
fn scientific_formats_are_known_by_content_and_by_name() {
    let dicom = at(128, b"DICM\x02\0");
    let hdf5 = b"\x89HDF\r\n\x1a\n\0";
    let [user_block, large_user_block] = [512, 8192].map(|it| at(it, hdf5));
    let npy = b"\x93NUMPY\x01\0v\0{'descr'";
    for (head, name, expected) in [
        (&dicom[..], "scan.dcm", "application/dicom"),
        (hdf5, "data.h5", "application/vnd.hdfgroup.hdf5"),
        (&user_block, "data.hdf5", "application/vnd.hdfgroup.hdf5"),
        (
            &large_user_block,
            "data.he5",
            "application/vnd.hdfgroup.hdf5",
        ),
        (npy, "array.npy", "application/x-npy"),
        (
            b"PAR1\x15\0\x15",
            "table.parquet",
            "application/vnd.apache.parquet",
        ),
        (
            b"ARROW1\0\0",
            "table.arrow",
            "application/vnd.apache.arrow.file",
        ),
        (b"Obj\x01\x04", "table.avro", "application/vnd.apache.avro"),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1", "a.heic", "image/heic"),
    ] {
        assert_eq!(media_type("nothing", head), expected);
        assert_eq!(media_type(name, head), expected);
        assert_eq!(media_type(name, b""), expected);
        assert_eq!(media_type(&name.to_uppercase(), b"\0\x01\x02"), expected);
    }
    // not at a power of two
    assert_eq!(media_type("a", &at(1000, hdf5)), ContentType::OCTET_STREAM);
    assert_eq!(media_type("a.nc", hdf5), "application/x-netcdf");
    // a text about it
    assert_eq!(media_type("PAR1.md", b"PAR1 is the magic"), "text/markdown");
}

#[test]
fn a_name_says_what_is_in_a_container() {
    let word = "application/vnd.openxmlformats-officedocument.wordprocessingml.document";
    let sheet = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
    assert_types(&[
        ("a.docx", ZIP, word),
        ("a.XLSX", ZIP, sheet),
        ("a.odt", ZIP, "application/vnd.oasis.opendocument.text"),
        ("a.epub", ZIP, "application/epub+zip"),
        ("a.apk", ZIP, "application/vnd.android.package-archive"),
        ("a.jar", ZIP, "application/java-archive"),
        ("a.usdz", ZIP, "model/vnd.usdz+zip"),
        ("a.zip", ZIP, "application/zip"),
        ("a.whl", ZIP, "application/zip"),
        ("a.png", ZIP, "application/zip"),
        ("a.doc", OLE, "application/msword"),
        ("a.xls", OLE, "application/vnd.ms-excel"),
        ("a.docx", OLE, "application/x-cfb"),
        ("a.mp4", MP4, "video/mp4"),
        ("a.m4a", MP4, "audio/mp4"),
        ("a.mov", MP4, "video/quicktime"),
        ("a.bin", MP4, "video/mp4"),
        ("a.mp3", MP4, "video/mp4"),
        ("a.mp4", b"\0\0\0\x14ftypqt  \0\0\0\0", "video/mp4"),
        ("a", b"\0\0\0\x14ftypM4A \0\0\0\0", "audio/mp4"),
        ("a.oga", OGG, "audio/ogg"),
        ("a.ogv", OGG, "video/ogg"),
        ("a.opus", OGG, "audio/ogg"),
        ("a", OGG, "application/ogg"),
        ("a.webm", b"\x1a\x45\xdf\xa3\x01\0", "video/webm"),
        ("a.mkv", b"\x1a\x45\xdf\xa3\x01\0", "video/matroska"),
        ("a.tif", TIFF, "image/tiff"),
        ("a.dng", TIFF, "image/x-adobe-dng"),
        ("a.nef", TIFF, "image/x-nikon-nef"),
        ("a.jpg", TIFF, "image/tiff"),
        (
            "a.gpkg",
            b"SQLite format 3\0",
            "application/geopackage+sqlite3",
        ),
        ("a.db", b"SQLite format 3\0", "application/vnd.sqlite3"),
        ("a.flac", b"ID3\x04\0\0", "audio/flac"),
    ]);
}

#[test]
fn a_name_says_what_a_text_is() {
    let xml = b"<?xml version=\"1.0\"?>\n<x/>";
    assert_types(&[
        ("a.json", b"{\"a\": 1}", "application/json"),
        ("a.jsonl", b"{\"a\": 1}\n", "application/jsonl"),
        ("a.ndjson", b"{\"a\": 1}\n", "application/x-ndjson"),
        ("a.geojson", b"{}", "application/geo+json"),
        ("a.csv", b"a,b\n1,2\n", "text/csv"),
        ("a.tsv", b"a\tb\n", "text/tab-separated-values"),
        ("a.md", b"# A", "text/markdown"),
        ("a.md", b"<!DOCTYPE html>\n# A", "text/markdown"),
        ("a.rs", b"fn main() {}", "text/x-rust"),
        ("a.py", b"#!/usr/bin/env python3\n", "text/x-python"),
        ("a.sh", b"#!/bin/sh\n", "application/x-sh"),
        ("a", b"#!/bin/sh\n", "text/x-shellscript"),
        ("a.js", b"let a;", "text/javascript"),
        ("a.txt", b"BM, a maker of cars", "text/plain"),
        ("a.txt", b"MZ and others", "text/plain"),
        ("a.csv", b"P6,P7\n1,2\n", "text/csv"),
        ("a.yaml", b"a: 1", "application/yaml"),
        ("a.toml", b"a = 1", "application/toml"),
        ("a.xml", xml, "text/xml"),
        ("a.kml", xml, "application/vnd.google-earth.kml+xml"),
        ("a.svg", xml, "image/svg+xml"),
        ("a.html", b"<!DOCTYPE html>", "text/html"),
        ("a.html", b"<p>", "text/html"),
        ("a", xml, "text/xml"),
        ("a.txt", "\u{feff}gr\u{fc}\u{df}e".as_bytes(), "text/plain"),
        ("a.txt", b"\xff\xfea\0", "text/plain"),
        ("a.txt", b"caf\xe9", "text/plain"),
    ]);
}

#[test]
fn type_script_is_no_transport_stream() {
    let packets = |start: usize, step: usize, count: usize| {
        let mut head = vec![0xab; start + step * count];
        for packet in 0..count {
            head[start + packet * step] = 0x47;
        }
        head
    };
    let (stream, disc) = (packets(0, 188, 20), packets(4, 192, 20));
    let mut broken = stream.clone();
    broken[188 * 7] = 0;
    // `G` is the byte
    let mut text = vec![b' '; 1000];
    (text[0], text[188]) = (b'G', b'G');
    let all = "G".repeat(1000);
    assert_types(&[
        ("a.ts", &stream, "video/mp2t"),
        ("a", &stream, "video/mp2t"),
        ("a.ts", &stream[..500], "video/mp2t"),
        ("a.m2ts", &disc, "video/mp2t"),
        ("a.mts", &disc, "video/mp2t"),
        ("a", &broken, "application/octet-stream"),
        ("a", &stream[..100], "application/octet-stream"),
        ("a.ts", b"export const a = 1;\n", "application/typescript"),
        ("a.tsx", b"export const a = 1;\n", "application/typescript"),
        ("a.ts", &text, "application/typescript"),
        ("a.ts", all.as_bytes(), "application/typescript"),
        ("a.ts", b"", "application/typescript"),
        ("a.ts", &broken, "application/octet-stream"),
    ]);
}

#[test]
fn a_mod_is_music_or_video_by_its_content_and_a_text_otherwise() {
    let music = |mark| at(1080, mark);
    let [four, eight] = [b"M.K.", b"8CHN"].map(|mark| music(mark));
    let elsewhere = at(1081, b"M.K.");
    let mut text = vec![b' '; 1080];
    text.extend(b"M.K. is the magic");
    // what a camcorder writes
    let video = b"\0\0\x01\xba\x44\0\x04\0";
    assert_types(&[
        ("a.mod", &four, "audio/x-mod"),
        ("a.mod", &eight, "audio/x-mod"),
        ("a", &eight, "audio/x-mod"),
        ("MOV001.MOD", video, "video/mpeg"),
        ("go.mod", b"module example.com/a\n\ngo 1.24\n", "text/plain"),
        ("a.mod", &text, "text/plain"),
        ("a.mod", b"", "text/plain"),
        ("a.mod", &elsewhere, "application/octet-stream"),
        ("a.mod", &four[..1082], "application/octet-stream"),
    ]);
}

#[test]
fn a_sidecar_of_metadata_is_known_by_its_name() {
    let packet = "<?xpacket begin='\u{feff}'?>\n<x:xmpmeta>".as_bytes();
    assert_types(&[
        ("a.xmp", packet, "application/rdf+xml"),
        ("a.xmp", b"<x:xmpmeta>", "application/rdf+xml"),
        (
            "A.XMP",
            b"<?xml version=\"1.0\"?>\n<x:xmpmeta>",
            "application/rdf+xml",
        ),
        ("a.xmp", b"", "application/rdf+xml"),
        ("a.xmp", PNG, "image/png"),
        ("a.xmp", b"\0\x01", "application/octet-stream"),
    ]);
}

#[test]
fn raw_and_large_images_are_known_by_content_and_by_name() {
    let fuji = b"FUJIFILMCCD-RAW 0201FF383501X-T2\0\0";
    let canon = b"\0\0\0\x18ftypcrx \0\0\0\x01crx isom";
    let boxes = b"\0\0\0\x0cJXL \r\n\x87\n\0\0\0\x14ftypjxl ";
    let [little, big] = [b"II+\0\x08\0\0\0\x10", b"MM\0+\0\x08\0\0\0"];
    for (head, name, expected) in [
        (&fuji[..], "DSCF0010.RAF", "image/x-fuji-raf"),
        (canon, "IMG_0010.CR3", "image/x-canon-cr3"),
        (boxes, "a.jxl", "image/jxl"),
        (little, "scan.tif", "image/tiff"),
        (big, "scan.btf", "image/tiff"),
        (big, "scan.tf8", "image/tiff"),
    ] {
        assert_eq!(media_type("nothing", head), expected, "{name}");
        assert_eq!(media_type("a.jpg", head), expected, "{name}");
        assert_eq!(media_type(name, head), expected, "{name}");
        assert_eq!(media_type(name, b""), expected, "{name}");
    }
    assert_types(&[
        // two bytes may be so by chance
        ("a.jxl", b"\xff\n\xfa\x1f", "image/jxl"),
        ("a", b"\xff\n\xfa\x1f", "application/octet-stream"),
        ("a.dng", little, "image/x-adobe-dng"),
        ("a.txt", b"FUJIFILMCCD-RAW is the magic", "text/plain"),
    ]);
}

#[test]
fn without_content_the_name_counts() {
    assert_types(&[
        ("DSCN0010.jpg", b"", "image/jpeg"),
        ("SCAN.PDF", b"", "application/pdf"),
        ("a.tar.gz", b"", "application/gzip"),
        ("a.mp3", b"\xff\xfb\x90\0", "audio/mpeg"),
        ("notes", b"", "application/octet-stream"),
        ("notes", b"some text", "application/octet-stream"),
        ("notes.unheard-of", b"some text", "application/octet-stream"),
        (".json", b"", "application/octet-stream"),
        ("", b"", "application/octet-stream"),
        // what may be so by chance
        ("a.bin", b"\x4c\x01\0\0", "application/octet-stream"),
        ("a", b"\xff\xfb\x90\0", "application/octet-stream"),
        ("a", b"\0\0\x01\0\x01\0", "application/octet-stream"),
        ("a.ico", b"\0\0\x01\0\x01\0", "image/vnd.microsoft.icon"),
        ("a.exe", b"MZ\x90\0", "application/octet-stream"),
    ]);
}

#[test]
fn a_text_has_no_zeros() {
    assert_types(&[
        ("a.txt", b"a\0b", "application/octet-stream"),
        ("a.csv", b"\0\x01\x02", "application/octet-stream"),
        ("a.obj", b"\x64\x86\x02\0", "application/octet-stream"),
        ("a.obj", b"v 0 0 0\n", "model/obj"),
        ("a.txt", b"\xfe\xff\0a", "text/plain"),
        ("a.png", b"\0\0", "image/png"),
    ]);
}

#[test]
fn only_the_start_of_a_file_counts() {
    let far = at(HEAD_BYTES, b"\x89HDF\r\n\x1a\n");
    assert_eq!(media_type("a", &far), ContentType::OCTET_STREAM);
    // a character that ends behind it
    let mut text = vec![b'a'; HEAD_BYTES - 1];
    text[..2].copy_from_slice(b"BM");
    text.extend("\u{fc}".as_bytes());
    assert_eq!(media_type("a.txt", &text), "text/plain");
}

#[test]
fn the_service_accepts_each_type_of_content() {
    for kind in [
        Kind::Archive,
        Kind::Audio,
        Kind::Compressed,
        Kind::Database,
        Kind::Document,
        Kind::Ebook,
        Kind::Font,
        Kind::Geospatial,
        Kind::Image,
        Kind::Model,
        Kind::Other,
        Kind::Package,
        Kind::Presentation,
        Kind::Spreadsheet,
        Kind::Video,
    ] {
        for format in FileFormat::from_kind(kind) {
            let media_type = format.media_type();
            assert!(ContentType::parse(media_type).is_ok(), "{media_type}");
        }
    }
}

proptest! {
    #[test]
    fn the_service_accepts_the_type_of_any_file(
        name in "[^/]{0,12}|a\\.[a-z0-9]{1,4}",
        head in prop::collection::vec(any::<u8>(), 0..600),
    ) {
        let media_type = media_type(&name, &head);
        prop_assert!(ContentType::parse(&media_type).is_ok(), "{}", media_type);
    }
}
