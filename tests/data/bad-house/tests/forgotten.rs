//! Not listed, and its name is mentioned only in a comment: mod forgotten;
