//! bash's C interface, as far as we need it: its `builtins.h`, `variables.h` and `command.h`, the same from 3.2 to 5.3.

use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::ptr;

/// A word of a command (`WORD_DESC`).
#[repr(C)]
pub(crate) struct WordDesc {
    word: *const c_char,
    flags: c_int,
}

/// The words of a command (`WORD_LIST`).
#[repr(C)]
pub(crate) struct WordList {
    next: *const Self,
    word: *const WordDesc,
}

/// A builtin command (`struct builtin`).
#[repr(C)]
pub(crate) struct Builtin {
    pub(crate) name: *const c_char,
    pub(crate) function: extern "C" fn(*const WordList) -> c_int,
    pub(crate) flags: c_int,
    pub(crate) long_doc: *const *const c_char,
    pub(crate) short_doc: *const c_char,
    pub(crate) handle: *const c_char,
}

/// `BUILTIN_ENABLED`.
pub(crate) const ENABLED: c_int = 1;
/// `SEVAL_NOHIST`: what is evaluated stays out of the history.
const NO_HISTORY: c_int = 4;
/// `att_array`.
const ARRAY: c_int = 4;
/// `att_exported`.
const EXPORTED: c_int = 1;
/// `att_readonly`, `att_array`, `att_integer`, `att_assoc`, `att_nameref`: what refuses a value, or jumps over our frames to
/// say that it is no number.
const OWN_MIND: c_int = 0x2 | 0x4 | 0x10 | 0x40 | 0x800;

/// A variable (`SHELL_VAR`).
#[repr(C)]
struct Variable {
    name: *const c_char,
    value: *const c_char,
    exported: *const c_char,
    dynamic: *const c_void,
    assign: *const c_void,
    attributes: c_int,
    context: c_int,
}

unsafe extern "C" {
    static mut export_env: *const *const c_char;
    static interrupt_state: c_int;
    static terminating_signal: c_int;
    fn maybe_make_export_env();
    fn find_variable(name: *const c_char) -> *const Variable;
    #[link_name = "get_string_value"]
    fn string_value(name: *const c_char) -> *const c_char;
    fn bind_variable(name: *const c_char, value: *const c_char, flags: c_int) -> *mut Variable;
    fn set_var_attribute(name: *const c_char, attribute: c_int, undo: c_int);
    fn unbind_variable(name: *const c_char) -> c_int;
    fn array_reference(array: *const c_void, index: libc::intmax_t) -> *const c_char;
    fn find_user_command(name: *const c_char) -> *mut c_char;
    fn parse_and_execute(text: *mut c_char, from: *const c_char, flags: c_int) -> c_int;
    fn xmalloc(size: usize) -> *mut c_void;
}

/// The words behind the command's name.
///
/// # Safety
/// `list` is what bash called a builtin with, and bash waits for it to return.
pub(crate) unsafe fn words(mut list: *const WordList) -> Vec<&'static [u8]> {
    let mut words = Vec::new();
    // SAFETY: the list ends with a null pointer, each word is a string, and all of it lives until we return
    unsafe {
        while let Some(item) = list.as_ref() {
            if let Some(desc) = item.word.as_ref() {
                words.push(CStr::from_ptr(desc.word).to_bytes());
            }
            list = item.next;
        }
    }
    words
}

/// The environment that a command started now would get, `NAME=value`.
pub(crate) fn environment() -> impl Iterator<Item = &'static [u8]> {
    // SAFETY: bash's own thread; the array ends with a null pointer and stays until a variable changes
    let array = unsafe {
        maybe_make_export_env();
        export_env
    };
    let string = move |at| unsafe {
        // SAFETY: nothing behind the null pointer is read
        let string = if array.is_null() {
            ptr::null()
        } else {
            *array.add(at)
        };
        (!string.is_null()).then(|| CStr::from_ptr(string).to_bytes())
    };
    (0..).map_while(string)
}

/// Sets and exports a variable, or removes one; one that is read-only or no plain text stays.
pub(crate) fn bind(name: &str, value: Option<&str>) {
    let value = value.map(CString::new).transpose();
    let (Ok(name), Ok(value)) = (CString::new(name), value) else {
        return;
    };
    // SAFETY: bash's own thread; bash copies both strings
    unsafe {
        let there = find_variable(name.as_ptr()).as_ref();
        if there.is_some_and(|there| there.attributes & OWN_MIND != 0) {
            return;
        }
        match &value {
            Some(value) => {
                bind_variable(name.as_ptr(), value.as_ptr(), 0);
                set_var_attribute(name.as_ptr(), EXPORTED, 0);
            }
            None if there.is_some() => drop(unbind_variable(name.as_ptr())),
            None => {}
        }
    }
}

/// Sets a variable of the shell's own, which is not exported.
pub(crate) fn set(name: &CStr, value: &CStr) {
    // SAFETY: bash's own thread; bash copies both strings
    unsafe { bind_variable(name.as_ptr(), value.as_ptr(), 0) };
}

/// A variable's value, exported or not.
pub(crate) fn value(name: &CStr) -> Option<&'static [u8]> {
    // SAFETY: the string lives until the variable changes
    unsafe {
        let value = string_value(name.as_ptr());
        (!value.is_null()).then(|| CStr::from_ptr(value).to_bytes())
    }
}

/// An element of an array variable.
pub(crate) fn element(name: &CStr, index: usize) -> Option<&'static [u8]> {
    let index = libc::intmax_t::try_from(index).ok()?;
    // SAFETY: the value of a variable with this attribute is an array; the string lives until the array changes
    unsafe {
        let there = find_variable(name.as_ptr()).as_ref()?;
        if there.attributes & ARRAY == 0 || there.value.is_null() {
            return None;
        }
        let text = array_reference(there.value.cast(), index);
        (!text.is_null()).then(|| CStr::from_ptr(text).to_bytes())
    }
}

/// The path of a program on PATH.
pub(crate) fn find(name: &CStr) -> Option<Vec<u8>> {
    // SAFETY: the answer is null or a string that is ours to free
    unsafe {
        let found = find_user_command(name.as_ptr());
        if found.is_null() {
            return None;
        }
        let path = CStr::from_ptr(found).to_bytes().to_vec();
        libc::free(found.cast());
        Some(path)
    }
}

/// A copy of a text that bash may free.
pub(crate) fn copy(text: &[u8]) -> *mut c_char {
    // SAFETY: bash's allocator never answers null; the copy has room for the final zero
    unsafe {
        let copy = xmalloc(text.len() + 1).cast::<u8>();
        ptr::copy_nonoverlapping(text.as_ptr(), copy, text.len());
        copy.add(text.len()).write(0);
        copy.cast()
    }
}

/// Evaluates a text as `eval` does. bash may leave by a jump (an interrupt, `exit`): nothing of ours may be alive here.
///
/// # Safety
/// `text` came from `copy`, and the caller's frames hold nothing that is dropped.
pub(crate) unsafe fn evaluate(text: *mut c_char) -> c_int {
    // SAFETY: bash frees the text
    unsafe { parse_and_execute(text, c"obs".as_ptr(), NO_HISTORY) }
}

/// True where an interrupt, or the end by a signal, waits for us to return.
pub(crate) fn is_interrupted() -> bool {
    // SAFETY: bash's handler writes it in this very thread; read anew at each call
    unsafe {
        (&raw const interrupt_state).read_volatile() != 0
            || (&raw const terminating_signal).read_volatile() != 0
    }
}

/// Removes a variable.
pub(crate) fn unset(name: &CStr) {
    // SAFETY: bash's own thread
    unsafe { unbind_variable(name.as_ptr()) };
}
