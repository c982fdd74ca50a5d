//! Whether a path lies on another host's disk, where a write-ahead log is not safe
//! (<https://sqlite.org/wal.html>: all who use it must be on one host).
//!
//! Known on Linux, from the kernel's table of mounts. Elsewhere every disk is taken for one of this host.

use std::path::Path;

pub(super) fn is_remote(path: &Path) -> bool {
    cfg!(target_os = "linux")
        && std::fs::read_to_string("/proc/self/mountinfo").is_ok_and(|mounts| lies_on_remote(&mounts, path))
}

/// By a table as [proc(5)](https://man7.org/linux/man-pages/man5/proc_pid_mountinfo.5.html) describes it.
fn lies_on_remote(mounts: &str, path: &Path) -> bool {
    let mounts = mounts.lines().filter_map(|line| {
        let (place, kind) = line.split_once(" - ")?;
        Some((unescaped(place.split(' ').nth(4)?), kind.split(' ').next()?))
    });
    // Of two on one place, the later one lies over the other.
    let nearest = mounts.filter(|(place, _)| path.starts_with(place)).max_by_key(|(place, _)| place.len());
    nearest.is_some_and(|(_, kind)| {
        REMOTE.contains(&kind) || REMOTE_PREFIXES.iter().any(|of| kind.starts_with(of))
    })
}

/// Spaces and the like stand as `\040`.
fn unescaped(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, behind)) = rest.split_first() {
        let code = behind.get(..3).filter(|_| *first == b'\\').and_then(|digits| {
            digits.iter().try_fold(0_u8, |code, digit| {
                code.checked_mul(8)?.checked_add(digit.checked_sub(b'0').filter(|digit| *digit < 8)?)
            })
        });
        bytes.push(code.unwrap_or(*first));
        rest = if code.is_some() { behind.get(3..).unwrap_or_default() } else { behind };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

const REMOTE: &[&str] = &[
    "9p",
    "afs",
    "beegfs",
    "ceph",
    "cifs",
    "gfs2",
    "glusterfs",
    "lustre",
    "ncpfs",
    "ocfs2",
    "smb2",
    "smb3",
    "smbfs",
    "virtiofs",
    "vboxsf",
    "prl_fs",
];
const REMOTE_PREFIXES: &[&str] =
    &["nfs", "fuse.sshfs", "fuse.s3fs", "fuse.glusterfs", "fuse.ceph", "fuse.rclone"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_mount_says_on_whose_disk_a_path_lies() {
        let mounts = "22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n\
            30 22 0:41 / /home rw shared:2 master:1 - nfs4 server:/home rw\n\
            31 30 8:2 / /home/ada/local\\040disk rw - xfs /dev/sdb rw\n\
            32 22 0:50 / /mnt rw - fuse.sshfs ada@server: rw\n\
            33 22 0:51 / /fuse rw - fuse.ntfs /dev/sdc rw\n\
            no mount at all\n";
        for (path, expected) in [
            ("/var/lib/shop.db", false),
            ("/home/ada/.local/state/shop.db", true),
            ("/home/ada/local disk/shop.db", false),
            ("/homework/shop.db", false),
            ("/mnt/shop.db", true),
            ("/fuse/shop.db", false),
        ] {
            assert_eq!(lies_on_remote(mounts, Path::new(path)), expected, "{path}");
        }
        assert!(!lies_on_remote("", Path::new("/")));
    }
}
