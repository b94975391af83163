//! A library for `LD_PRELOAD`: the wall clock of the process is that of the machine
//! plus the seconds in the file that `WALL_CLOCK_STEP` names. The test compiles it
//! with `rustc`, because no crate of the workspace may contain unsafe code.

use std::ffi::{c_int, c_long};

const CLOCK_REALTIME: c_int = 0;
#[cfg(target_arch = "x86_64")]
const CLOCK_GETTIME: c_long = 228;
#[cfg(target_arch = "aarch64")]
const CLOCK_GETTIME: c_long = 113;

#[repr(C)]
pub struct Time {
    seconds: i64,
    nanoseconds: i64,
}

unsafe extern "C" {
    fn syscall(number: c_long, ...) -> c_long;
}

/// Replaces the function of the C library.
///
/// # Safety
/// As that of the C library.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn clock_gettime(clock: c_int, time: *mut Time) -> c_int {
    let result = unsafe { syscall(CLOCK_GETTIME, clock, time) };
    if result == 0 && clock == CLOCK_REALTIME {
        unsafe { (*time).seconds += step() };
    }
    result as c_int
}

fn step() -> i64 {
    let file = std::env::var_os("WALL_CLOCK_STEP");
    let seconds = file.and_then(|file| std::fs::read_to_string(file).ok());
    seconds.and_then(|text| text.trim().parse().ok()).unwrap_or(0)
}
