//! Folders that are for their owner only: made so, and refused where others may write into them.

use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use nix::sys::stat::{Mode, umask};
use nix::unistd::{User, geteuid};
use thiserror::Error;

/// Permissions of a private folder.
const FOLDER_MODE: u32 = 0o700;
/// Permissions of a private file.
const FILE_MODE: u32 = 0o600;
/// Write permission of the group and of others.
const WRITABLE_BY_OTHERS: u32 = 0o022;
/// Every permission of the group and of others.
const ALL_OF_OTHERS: u32 = 0o077;

/// Why a folder is not a private one.
#[derive(Debug, Error)]
pub enum PrivateError {
    /// The group or everybody may write into it.
    #[error(
        "others may write into {} (mode {mode:03o}), so what lies there may be theirs; if all of it is yours, type \
         `chmod 700 {}`", path.display(), path.display()
    )]
    Writable {
        /// The folder.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// It is somebody else's.
    #[error(
        "Permission denied: {} belongs to user {owner}, and this is user {user}: run the command as that user, name another folder, or take it \
         over with `chown -R {user} {}`", path.display(), path.display()
    )]
    Foreign {
        /// The folder.
        path: PathBuf,
        /// Whose it is.
        owner: u32,
        /// Who asks.
        user: u32,
    },
    /// It is another user's, and what the superuser makes there would not be.
    #[error(
        "{} belongs to user {owner}, and this is the superuser, whose files in it would lock that user out: type `sudo -u {owner} \
         …`, name another folder, or take it over with `chown -R root {}`", path.display(), path.display()
    )]
    OfAnother {
        /// The folder.
        path: PathBuf,
        /// Whose it is, by name where the system has one.
        owner: String,
    },
    /// The system refuses.
    #[error("{}: {source}", path.display())]
    File {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// Makes a folder that only its owner may enter, or takes one that is there: one that others may only read is closed to them.
///
/// # Errors
/// [`PrivateError`] where others may write into it, or it belongs to another user.
pub fn claim(path: &Path) -> Result<(), PrivateError> {
    let failed = |source| PrivateError::File { path: path.to_owned(), source };
    match check(path) {
        Err(PrivateError::File { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
            fs::DirBuilder::new().recursive(true).mode(FOLDER_MODE).create(path).map_err(failed)?;
            check(path)?;
        }
        checked => checked?,
    }
    let mode = fs::metadata(path).map_err(failed)?.permissions().mode();
    if mode & ALL_OF_OTHERS != 0 {
        fs::set_permissions(path, fs::Permissions::from_mode(FOLDER_MODE)).map_err(failed)?;
        tracing::info!(folder = %path.display(), "the folder is now for its owner only");
    }
    Ok(())
}

/// Makes an empty file that only its owner may use, or takes one that is there.
///
/// # Errors
/// The system's.
pub fn claim_file(path: &Path) -> io::Result<()> {
    let file = fs::File::options().create(true).append(true).mode(FILE_MODE).open(path)?;
    if file.metadata()?.permissions().mode() & ALL_OF_OTHERS != 0 {
        file.set_permissions(fs::Permissions::from_mode(FILE_MODE))?;
    }
    Ok(())
}

/// Checks that a folder is this user's, and that nobody else may write into it. The superuser may use the folders of others.
///
/// # Errors
/// [`PrivateError`], of the kind [`PrivateError::File`] with `NotFound` where there is none.
pub fn check(path: &Path) -> Result<(), PrivateError> {
    let metadata =
        fs::metadata(path).map_err(|source| PrivateError::File { path: path.to_owned(), source })?;
    let user = geteuid().as_raw();
    if metadata.uid() != user && user != 0 {
        return Err(PrivateError::Foreign { path: path.to_owned(), owner: metadata.uid(), user });
    }
    let mode = metadata.permissions().mode() & 0o777;
    if mode & WRITABLE_BY_OTHERS != 0 {
        return Err(PrivateError::Writable { path: path.to_owned(), mode });
    }
    Ok(())
}

/// Keeps the superuser from making files in another user's folder: that user could not use them. One that is not there is no
/// one's.
///
/// # Errors
/// [`PrivateError::OfAnother`].
pub fn check_own(path: &Path) -> Result<(), PrivateError> {
    let Ok(owner) = fs::metadata(path).map(|metadata| metadata.uid()) else { return Ok(()) };
    if !geteuid().is_root() || owner == 0 {
        return Ok(());
    }
    let name = User::from_uid(owner.into()).ok().flatten().map(|user| user.name);
    Err(PrivateError::OfAnother { path: path.to_owned(), owner: name.unwrap_or_else(|| format!("#{owner}")) })
}

/// From now on this process makes files and folders that only their owner may use. Gives the permissions that its user takes
/// away by default.
pub fn make_everything_private() -> u32 {
    umask(Mode::from_bits_truncate(ALL_OF_OTHERS)).bits()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).expect("there").permissions().mode() & 0o777
    }

    #[test]
    fn a_folder_is_made_private_or_tightened_and_a_writable_one_is_refused_with_the_remedy() {
        let place = tempfile::tempdir().expect("a folder");
        let made = place.path().join("a/b");
        claim(&made).expect("made");
        assert_eq!(mode(&made), 0o700);
        for readable in [0o755, 0o750, 0o711] {
            fs::set_permissions(&made, fs::Permissions::from_mode(readable)).expect("changed");
            claim(&made).expect("tightened");
            assert_eq!(mode(&made), 0o700, "{readable:o}");
        }
        for writable in [0o770, 0o775, 0o777, 0o702] {
            fs::set_permissions(&made, fs::Permissions::from_mode(writable)).expect("changed");
            let told = claim(&made).expect_err("refused").to_string();
            assert!(told.contains(&format!("`chmod 700 {}`", made.display())), "{told}");
            assert_eq!(mode(&made), writable, "nothing was changed");
        }
    }
}
