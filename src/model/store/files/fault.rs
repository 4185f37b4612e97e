//! Stands for a crash: after a number of steps nothing is changed any more. Keeps account of what the disk is sure to hold
//! then if the machine loses its power.

use std::{
    cell::RefCell,
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

use super::Step;

thread_local! {
    static DISK: RefCell<Option<Disk>> = const { RefCell::new(None) };
}

/// A directory as it is, and as the disk is sure to have it.
#[derive(Clone, Debug, Default)]
pub(in super::super) struct Disk {
    /// Steps that still succeed.
    left: u32,
    /// By file: what of it was synced last.
    data: Vec<Vec<u8>>,
    /// Which file each path leads to.
    names: BTreeMap<PathBuf, usize>,
    /// The same when the directory was synced last.
    synced_names: BTreeMap<PathBuf, usize>,
}

/// Runs a change of a directory that crashes after so many steps. Says whether it came to that, and what the disk is then
/// sure to hold.
pub(in super::super) fn crash_after<T>(directory: &Path, steps: u32, run: impl FnOnce() -> T) -> (T, bool, Disk) {
    let mut disk = Disk { left: steps, ..Disk::default() };
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        disk.names.insert(path.clone(), disk.data.len());
        disk.data.push(fs::read(path).unwrap());
    }
    disk.synced_names.clone_from(&disk.names);
    DISK.set(Some(disk));
    let result = run();
    let disk = DISK.take().unwrap();
    (result, disk.left == 0, disk)
}

impl Disk {
    /// Makes a directory what is left of this one after the power was lost: of files what was synced, and of names either
    /// what was synced or, since a system may have gone further by itself, all.
    pub(in super::super) fn restore(&self, directory: &Path, all_names: bool) {
        for (path, &file) in if all_names { &self.names } else { &self.synced_names } {
            fs::write(directory.join(path.file_name().unwrap()), &self.data[file]).unwrap();
        }
    }

    fn take(&mut self, step: Step, paths: &[&Path]) {
        match step {
            Step::Create => {
                // A file that is there is opened.
                if !paths[0].exists() {
                    self.names.insert(paths[0].to_owned(), self.data.len());
                    self.data.push(Vec::new());
                }
            }
            Step::Write => {}
            Step::Sync => self.data[self.names[paths[0]]] = fs::read(paths[0]).unwrap(),
            Step::Rename => {
                let file = self.names.remove(paths[0]).unwrap();
                self.names.insert(paths[1].to_owned(), file);
            }
            Step::Remove => {
                self.names.remove(paths[0]);
            }
            Step::SyncDirectory => self.synced_names.clone_from(&self.names),
        }
    }
}

pub(super) fn step(step: Step, paths: &[&Path]) -> io::Result<()> {
    DISK.with_borrow_mut(|disk| {
        let Some(disk) = disk else { return Ok(()) };
        if disk.left == 0 {
            return Err(io::Error::other("crashed"));
        }
        disk.left -= 1;
        disk.take(step, paths);
        Ok(())
    })
}
