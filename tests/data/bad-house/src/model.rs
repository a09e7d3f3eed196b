//! Looks up, out of an inline module and by climbing.

mod inner {
    use super::super::world::World;
}

fn clock() -> i64 {
    let now = chrono::Utc::now();
    std::time::SystemTime::now()
}
