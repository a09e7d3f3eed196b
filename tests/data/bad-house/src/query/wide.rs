//! Too many arguments, too deep a nest.

fn wide(&self, a: u8, b: Map<u8, u8>, c: (u8, u8), d: u8, e: u8, f: u8) {}

fn deep(rows: &[Row]) {
    for row in rows {
        if row.open {
            match row.kind {
                Kind::One => loop {
                    while row.next() {}
                },
            }
        }
    }
}
