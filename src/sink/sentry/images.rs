//! The files that the process's code was loaded from, by which a server finds the symbols of a stripped binary.
//!
//! Listed when the first address asks for one, and once more when an address lies in none of them: a library may have
//! been loaded since. Listing takes the dynamic loader's lock for as long as it takes to read some headers. Runs on the
//! worker; a panic of the lister costs images, and nothing else.

use findshlibs::{SharedLibrary, SharedLibraryId, TargetSharedLibrary};
use sentry_types::protocol::v7::debugid::{CodeId, DebugId};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::sync::caught;

/// The images known so far.
#[derive(Debug, Default)]
pub(super) struct Images {
    known: Vec<Image>,
}

/// One file of code, where it lies in memory.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Image {
    pub(super) start: u64,
    pub(super) size: u64,
    /// The file, as the loader names it.
    pub(super) file: String,
    pub(super) debug_file: Option<String>,
    pub(super) debug_id: Option<DebugId>,
    pub(super) code_id: Option<CodeId>,
}

impl Images {
    /// Makes sure that the images of these addresses are known, as far as anybody knows them.
    pub(super) fn learn(&mut self, mut addresses: impl Iterator<Item = u64>) {
        if addresses.any(|address| self.of(address).is_none()) {
            self.known = list();
        }
    }

    /// The image that an address lies in.
    pub(super) fn of(&self, address: u64) -> Option<&Image> {
        self.known.iter().find(|image| image.holds(address))
    }

    /// Those in which one of the addresses lies and which have a name in the protocol, as that writes them.
    pub(super) fn described(&self, addresses: &[u64]) -> Vec<Value> {
        let holds_one = |image: &&Image| addresses.iter().any(|address| image.holds(*address));
        self.known.iter().filter(holds_one).filter_map(Image::described).collect()
    }

    #[cfg(test)]
    pub(super) fn fixed(known: Vec<Image>) -> Self {
        Self { known }
    }
}

impl Image {
    fn holds(&self, address: u64) -> bool {
        address.checked_sub(self.start).is_some_and(|offset| offset < self.size)
    }

    /// By the [protocol's names](https://develop.sentry.dev/sdk/data-model/event-payloads/debugmeta/); None of one without
    /// an id, which nobody could look up.
    fn described(&self) -> Option<Value> {
        let mut image = json!({
            "type": KIND,
            "code_file": self.file,
            "debug_id": self.debug_id?.to_string(),
            "image_addr": format!("{:#x}", self.start),
            "image_size": self.size,
            "arch": arch(),
        });
        for (name, value) in [
            ("code_id", self.code_id.as_ref().map(CodeId::to_string)),
            ("debug_file", self.debug_file.clone()),
        ] {
            if let (Some(image), Some(value)) = (image.as_object_mut(), value) {
                image.insert(name.to_owned(), value.into());
            }
        }
        Some(image)
    }
}

/// What the loader has loaded.
fn list() -> Vec<Image> {
    let mut images = Vec::new();
    // What was listed before a panic is of use.
    let _ = caught(|| TargetSharedLibrary::each(|library| images.push(image(library))));
    images
}

fn image(library: &TargetSharedLibrary<'_>) -> Image {
    let text = |name: &std::ffi::OsStr| name.to_string_lossy().into_owned();
    Image {
        start: library.actual_load_addr().0 as u64,
        size: library.len() as u64,
        file: text(library.name()),
        debug_file: library.debug_name().map(text),
        debug_id: library.debug_id().as_ref().and_then(debug_id),
        code_id: library.id().as_ref().map(code_id),
    }
}

/// The name of the debug information. For ELF it is the first bytes of the build id, in the order of a little-endian
/// machine's UUID, [as Breakpad had it](https://getsentry.github.io/symbolicator/advanced/symbol-lookup/).
fn debug_id(id: &SharedLibraryId) -> Option<DebugId> {
    match id {
        SharedLibraryId::Uuid(bytes) => Some(DebugId::from_uuid(Uuid::from_bytes(*bytes))),
        SharedLibraryId::GnuBuildId(build_id) => {
            let mut bytes = [0; 16];
            for (to, from) in bytes.iter_mut().zip(build_id) {
                *to = *from;
            }
            let little_endian = cfg!(target_endian = "little");
            let uuid = if little_endian { Uuid::from_bytes_le(bytes) } else { Uuid::from_bytes(bytes) };
            (!build_id.is_empty()).then(|| DebugId::from_uuid(uuid))
        }
        SharedLibraryId::PdbSignature(guid, age) => DebugId::from_guid_age(guid, *age).ok(),
        // It names the code alone.
        SharedLibraryId::PeSignature(..) => None,
    }
}

fn code_id(id: &SharedLibraryId) -> CodeId {
    CodeId::new(match id {
        SharedLibraryId::Uuid(bytes) => Uuid::from_bytes(*bytes).simple().to_string(),
        id => id.to_string(),
    })
}

/// The architecture by the protocol's name.
fn arch() -> &'static str {
    match std::env::consts::ARCH {
        "aarch64" => "arm64",
        arch => arch,
    }
}

/// The kind of executable files on this system.
const KIND: &str = if cfg!(windows) {
    "pe"
} else if cfg!(target_vendor = "apple") {
    "macho"
} else {
    "elf"
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_of_this_program_lies_in_its_own_file() {
        let here = an_address_of_this_program_lies_in_its_own_file as fn() as usize as u64;
        let mut images = Images::default();
        images.learn([here].into_iter());
        let image = images.of(here).unwrap();
        assert_eq!(image.file, std::env::current_exe().unwrap().to_string_lossy());
        let described = images.described(&[here]);
        let [described] = described.as_slice() else { panic!("not one image: {described:?}") };
        assert_eq!(described["image_addr"], format!("{:#x}", image.start));
        assert_eq!(described["image_size"], image.size);
        if cfg!(target_os = "linux") {
            assert_eq!(described["type"], "elf");
            assert!(described["debug_id"].as_str().unwrap().len() >= 36, "{described}");
        }
    }

    #[test]
    fn images_are_listed_again_for_an_address_of_none_only() {
        let stale = |start| Image {
            start,
            size: 16,
            file: "gone.so".to_owned(),
            debug_file: None,
            debug_id: None,
            code_id: None,
        };
        let mut images = Images::fixed(vec![stale(1_024)]);
        images.learn([1_024, 1_039].into_iter());
        assert_eq!(images.known, [stale(1_024)]);
        images.learn([1_040].into_iter());
        assert!(!images.known.contains(&stale(1_024)) && !images.known.is_empty());
        assert!(images.of(1_040).is_none());
    }

    #[test]
    fn ids_are_written_as_symbol_servers_know_them() {
        let build_id = vec![
            0x68, 0x22, 0x0a, 0xe2, 0xc6, 0x5d, 0x65, 0xc1, 0xb6, 0xaa, 0xa1, 0x2f, 0xa6, 0x76, 0x5a, 0x6e,
            0xc2, 0xf5, 0xf4, 0x34,
        ];
        let elf = SharedLibraryId::GnuBuildId(build_id);
        assert_eq!(code_id(&elf).to_string(), "68220ae2c65d65c1b6aaa12fa6765a6ec2f5f434");
        if cfg!(target_endian = "little") {
            assert_eq!(debug_id(&elf).unwrap().to_string(), "e20a2268-5dc6-c165-b6aa-a12fa6765a6e");
        }
        let short = SharedLibraryId::GnuBuildId(vec![1, 2]);
        assert!(debug_id(&short).is_some() && debug_id(&SharedLibraryId::GnuBuildId(Vec::new())).is_none());
        let uuid = SharedLibraryId::Uuid([0x84; 16]);
        assert_eq!(debug_id(&uuid).unwrap().to_string(), "84848484-8484-8484-8484-848484848484");
        assert_eq!(code_id(&uuid).to_string(), "84".repeat(16));
        let pdb = SharedLibraryId::PdbSignature([0x2b; 16], 1);
        assert_eq!(debug_id(&pdb).unwrap().to_string(), "2b2b2b2b-2b2b-2b2b-2b2b-2b2b2b2b2b2b-1");
        assert!(debug_id(&SharedLibraryId::PeSignature(1, 2)).is_none());
    }
}
