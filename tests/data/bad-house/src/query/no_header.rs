use crate::model::Line;
